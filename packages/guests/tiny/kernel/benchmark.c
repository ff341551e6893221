// The micro-benchmarks that only EL1 can run; user/bench.c calls them and prints.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

#define SCRATCH (USER_STACK_LIMIT - PAGE_SIZE) // an address that no program uses

// One descriptor written again and again, alone or with the maintenance that a real change needs.
static s64 pte_store(u64 iterations, int flush) {
  volatile u64 *entry = vm_entry(current->root, SCRATCH, 1);
  if (entry == NULL) return -1;
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) {
    *entry = i & 1 ? PTE_COPY_ON_WRITE : 0; // never valid
    if (flush) vm_flush_page(SCRATCH, current->asid);
  }
  u64 end = counter();
  *entry = 0;
  return (s64)(end - start);
}

static s64 mask_unmask(u64 iterations) {
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) {
    unmask_irq();
    mask_irq();
  }
  return (s64)(counter() - start);
}

static s64 device_read(u64 iterations, u64 physical) {
  volatile u32 *reg = to_virtual(physical);
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) (void)*reg;
  return (s64)(counter() - start);
}

// From the deadline in CNTV_CVAL_EL0 to the handler's first look at the counter.
static s64 timer_latency(u64 iterations) {
  u64 total = 0;
  for (u64 i = 0; i < iterations; i++) {
    u64 deadline = counter() + timer_from_microseconds(20);
    timer_fired_at = 0;
    timer_set(deadline);
    unmask_irq();
    while (timer_fired_at == 0) continue;
    mask_irq();
    total += timer_fired_at - deadline;
  }
  return (s64)total;
}

s64 kernel_benchmark(u64 which, u64 iterations) {
  s64 ticks = -1;
  timer_off(); // no time slice ends in the middle
  switch (which) {
  case KBENCH_PTE_STORE:
    ticks = pte_store(iterations, 0);
    break;
  case KBENCH_PTE_STORE_TLBI:
    ticks = pte_store(iterations, 1);
    break;
  case KBENCH_IRQ_MASK_UNMASK:
    ticks = mask_unmask(iterations);
    break;
  case KBENCH_MMIO_GICD:
    ticks = device_read(iterations, GICD_PHYSICAL + 4); // GICD_TYPER
    break;
  case KBENCH_MMIO_UART:
    ticks = device_read(iterations, UART_PHYSICAL + 0x18); // UARTFR
    break;
  case KBENCH_TIMER_LATENCY:
    ticks = timer_latency(iterations);
    break;
  }
  timer_start_quantum();
  return ticks;
}
