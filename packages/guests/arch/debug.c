// Debug exceptions: software step, hardware breakpoint, watchpoint (DDI 0487 D2.8, D2.9, D2.12).
#include "arch.h"

VICTIM(two_instructions, "nop\n\tnop")
VICTIM(step_el1, "msr spsr_el1, x0\n\tmsr elr_el1, x1\n\teret")
VICTIM(watched, "ldr w2, [x0]")
VICTIM(watched_store, "str w1, [x0]")
VICTIM(brk_here, "brk #1")

#define MDSCR_SS 1ul
#define MDSCR_KDE (1ul << 13)
#define MDSCR_MDE (1ul << 15)
#define READ_WRITE (7 * GIB + 7 * PAGE_SIZE)
#define CONTROL(els) (1 | (els) << 1 | 0xful << 5) // enabled; PMC/PAC; all four bytes

static void step_cases(void) {
  // EL1 returns to EL0 or EL1 with SPSR_EL1.SS set: one instruction there, then the exception
  u64 target = 7 * GIB + 5 * PAGE_SIZE; // zeros, UDF: not reached when SS is 0
  struct test active = {1, 0, step_el1, 0x3c0 | 1 << 21, (u64)two_instructions, {{MDSCR_EL1, 0, MDSCR_SS}}};
  struct test pending = {1, 0, step_el1, 0x3c0, target, {{MDSCR_EL1, 0, MDSCR_SS}}};
  struct test masked = {1, 0, step_el1, 0x3c5 | 1 << 21, target, {{MDSCR_EL1, 0, MDSCR_SS | MDSCR_KDE}}};
  struct test same = {1, 0, step_el1, 0x1c5 | 1 << 21, (u64)two_instructions, {{MDSCR_EL1, 0, MDSCR_SS | MDSCR_KDE}}};
  run(&active, "debug", "step-active/EL0", NULL, NULL);
  run(&pending, "debug", "step-pending/EL0", NULL, NULL);
  run(&masked, "debug", "step-masked/EL1", NULL, NULL);
  run(&same, "debug", "step-active/EL1", NULL, NULL);
}

static void breakpoint_cases(void) {
  write_register(dbgbvr0_el1, (u64)two_instructions + 4);
  write_register(dbgbcr0_el1, CONTROL(2ul)); // PMC: EL0
  isb();
  struct test el0 = {0, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  struct test off = {0, 0, two_instructions, 0, 0, {{}}};
  run(&el0, "debug", "breakpoint/EL0", NULL, NULL);
  run(&off, "debug", "breakpoint-off/EL0", NULL, NULL);
  write_register(dbgbcr0_el1, 0);
}

static void watchpoint_cases(void) {
  write_register(dbgwvr0_el1, READ_WRITE);
  write_register(dbgwcr0_el1, 1 | 2 << 1 | 2 << 3 | 0xf << 5); // EL0, stores, four bytes
  isb();
  struct test store = {0, 0, watched_store, READ_WRITE, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  struct test load = {0, 0, watched, READ_WRITE, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  struct test beside = {0, 0, watched_store, READ_WRITE + 4, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  run(&store, "debug", "watchpoint-store/EL0", NULL, NULL);
  run(&load, "debug", "watchpoint-load/EL0", NULL, NULL);
  run(&beside, "debug", "watchpoint-beside/EL0", NULL, NULL);
  write_register(dbgwcr0_el1, 0);
}

// MDCR_EL2.TDE: debug exceptions from EL0 and EL1 go to EL2.
static void routed_cases(void) {
  struct test brk = {1, 0, brk_here, 0, 0, {{MDCR_EL2, 0, 1 << 8}}};
  struct test brk_el0 = {0, 0, brk_here, 0, 0, {{MDCR_EL2, 0, 1 << 8}}};
  run(&brk, "debug", "brk-routed/EL1", NULL, NULL);
  run(&brk_el0, "debug", "brk-routed/EL0", NULL, NULL);
}

void debug_cases(void) {
  write_register(oslar_el1, 0);
  step_cases();
  breakpoint_cases();
  watchpoint_cases();
  if (highest() == 2) routed_cases();
}
