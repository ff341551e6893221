// The table of contents: what comes up, in order. head.S has turned the MMU on and calls main().
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

u64 entry_level;
struct boot_information boot;

void main(u64 device_tree, u64 level) {
  entry_level = level;
  uart_init();                             // a console to complain on
  int found = fdt_parse(device_tree);      // memory, bootargs, initrd, PSCI
  printk("tiny: booting at EL%lu, %lu MiB\n", level, boot.memory_size >> 20);
  if (!found) panic("no device tree in x0 (0x%lx) nor at 0x%x", device_tree, RAM_BASE);
  page_init();                             // the rest of the RAM
  gic_init();                              // interrupts
  timer_init();                            // time slices
  gic_enable(INTERRUPT_UART);              // input
  console_interrupt();                     // and what was typed before we came
  process_start_init();                    // the first program, with bootargs as its arguments
  schedule();                              // never returns: this stack is not a process's
}
