// A small real-time system: periodic tasks of fixed priority on the virtual timer, which count the deadlines that they miss.
// Its command line is `rtos:JOBS[,LOAD[,1]]`: jobs of the fastest task, percent of the usual work, wait for a character first.
#include "rtos.h"

#define UART 0x09000000ul
#define UART_INTERRUPT 33

// Highest priority first: rate-monotonic. The work is microseconds at one instruction per nanosecond: 40 % of the CPU.
struct task tasks[TASKS] = {
    {.name = "fast", .period_us = 1000, .work_us = 150},
    {.name = "middle", .period_us = 2000, .work_us = 300},
    {.name = "slow", .period_us = 5000, .work_us = 500},
};

static u64 number(const char **text, u64 otherwise) {
  u64 value = 0;
  if (**text < '0' || **text > '9') return otherwise;
  for (; **text >= '0' && **text <= '9'; (*text)++) value = value * 10 + (u64)(**text - '0');
  if (**text == ',') (*text)++;
  return value;
}

static const char *command_line(void) {
  const char *tree = (const char *)device_tree;
  for (u64 i = 0; tree && i < 0x10000; i++) {
    if (memcmp(tree + i, "rtos:", 5) == 0) return tree + i + 5;
  }
  return "";
}

// In WFI, so that whoever else is on this CPU has it meanwhile: the interrupt is pending, and never taken.
static void wait_for_character(void) {
  print("rtos: press a key\n");
  gic_target(UART_INTERRUPT, 0);
  gic_enable(UART_INTERRUPT);
  mmio32(UART + 0x30) = 0x301;           // UARTCR: RXE, TXE, UARTEN
  mmio32(UART + 0x38) = 1 << 4 | 1 << 6; // UARTIMSC: RXIM, RTIM
  while (mmio32(UART + 0x18) & 1 << 4) asm volatile("dsb sy\n\twfi" ::: "memory"); // UARTFR.RXFE
  (void)mmio32(UART);
  mmio32(UART + 0x38) = 0;
  gic_disable(UART_INTERRUPT);
}

static void report(void) {
  u64 jobs = 0, missed = 0, worst = 0;
  for (u32 i = 0; i < TASKS; i++) {
    const struct task *t = &tasks[i];
    u64 jitter = microseconds(t->latest);
    print("rtos: task %s period %u us, %lu jobs, %lu missed, worst jitter %lu us\n", t->name, t->period_us, t->jobs, t->missed, jitter);
    jobs += t->jobs;
    missed += t->missed;
    if (jitter > worst) worst = jitter;
  }
  print("rtos: sum %lu jobs, %lu missed, worst jitter %lu us\n", jobs, missed, worst);
}

void image_main(void) {
  const char *line = command_line();
  u64 jobs = number(&line, 100), load = number(&line, 100), wait = number(&line, 0);
  gic_init();
  gic_init_cpu();
  print("rtos: entered at EL%u, GICv%u, %lu jobs, load %lu\n", entry_level, gic_version, jobs, load);
  if (wait) wait_for_character();
  run_tasks(jobs, load);
  report();
}
