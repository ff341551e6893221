// Debug exceptions: software step, hardware breakpoint, watchpoint (DDI 0487 D2.8, D2.9, D2.12).
#include "arch.h"

VICTIM(two_instructions, "nop\n\tnop")
VICTIM(exclusive_load, "ldxr w2, [x0]\n\tnop")
VICTIM(svc_here, "svc #1\n\tnop")
VICTIM(load_here, "ldr w2, [x0]\n\tnop")
VICTIM(step_el1, "msr spsr_el1, x0\n\tmsr elr_el1, x1\n\teret")
VICTIM(step_el1_with_memory, "msr spsr_el1, x0\n\tmsr elr_el1, x1\n\tmov x0, sp\n\teret")
VICTIM(watched, "ldr w2, [x0]")
VICTIM(watched_store, "str w1, [x0]")
VICTIM(watched_pair, "ldp w2, w3, [x0]")
VICTIM(watched_user, "ldtr w2, [x0]")
VICTIM(watched_zva, "dc zva, x0")
VICTIM(watched_cvac, "dc cvac, x0")
VICTIM(watched_exclusive, "ldxr w2, [x0]\n\tstxr w3, w1, [x0]")
VICTIM(brk_here, "brk #1")
VICTIM(step_el2, "msr spsr_el2, x0\n\tmsr elr_el2, x1\n\tmov x0, xzr\n\teret")
VICTIM(unmask_debug, "nop\n\tmsr daifclr, #8\n\tnop\n\tnop")

#define MDSCR_SS 1ul
#define MDSCR_KDE (1ul << 13)
#define MDSCR_MDE (1ul << 15)
#define READ_WRITE (7 * GIB + 7 * PAGE_SIZE)
#define CONTROL(els) (1 | (els) << 1 | 0xful << 5) // enabled; PMC/PAC; all four bytes
#define LINKED(type, to) ((type) << 20 | (u64)(to) << 16)
#define WATCH(els, kinds, bytes) (1 | (els) << 1 | (kinds) << 3 | (bytes) << 5)
#define EL0 2ul
#define EL1 1ul
#define BOTH 3ul
#define TDE (1 << 8)

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
  // an exception of the stepped instruction: SPSR.SS says whether it is done
  struct test svc = {1, 0, step_el1, 0x3c0 | 1 << 21, (u64)svc_here, {{MDSCR_EL1, 0, MDSCR_SS}}};
  struct test fault = {1, 0, step_el1, 0x3c0 | 1 << 21, (u64)load_here, {{MDSCR_EL1, 0, MDSCR_SS}}};
  struct test exclusive = {1, 0, step_el1_with_memory, 0x3c0 | 1 << 21, (u64)exclusive_load, {{MDSCR_EL1, 0, MDSCR_SS}}};
  struct test unmasking = {1, 0, unmask_debug, 0, 0, {{MDSCR_EL1, 0, MDSCR_SS | MDSCR_KDE}}};
  run(&svc, "debug", "step-svc/EL0", NULL, NULL);
  run(&fault, "debug", "step-fault/EL0", NULL, NULL);
  run(&exclusive, "debug", "step-exclusive/EL0", NULL, NULL);
  run(&unmasking, "debug", "step-unmasked/EL1", NULL, NULL);
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

// Breakpoints of both levels, linked to a context, and of a context alone. CONTEXTIDR_EL1 is 0 in all cases.
static void more_breakpoint_cases(void) {
  static const struct {
    const char *name;
    u64 control, context, context_control;
  } rows[] = {
      {"linked", CONTROL(BOTH) | LINKED(1, 5), 0, CONTROL(BOTH) | LINKED(3ul, 0)},
      {"linked-other-context", CONTROL(BOTH) | LINKED(1, 5), 1, CONTROL(BOTH) | LINKED(3ul, 0)},
      {"linked-to-nothing", CONTROL(BOTH) | LINKED(1, 5), 0, 0},
      {"context", 0, 0, CONTROL(BOTH) | LINKED(2ul, 0)},
      {"other-context", 0, 1, CONTROL(BOTH) | LINKED(2ul, 0)},
      {"reserved-level", CONTROL(0ul), 0, 0},
  };
  write_register(dbgbvr0_el1, (u64)two_instructions + 4);
  for (u32 i = 0; i < sizeof rows / sizeof *rows; i++) {
    write_register(dbgbcr0_el1, rows[i].control);
    write_register(dbgbvr5_el1, rows[i].context);
    write_register(dbgbcr5_el1, rows[i].context_control);
    isb();
    struct test el0 = {0, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
    struct test el1 = {1, UNMASKED, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}}};
    run(&el0, "debug", "breakpoint", rows[i].name, "EL0");
    run(&el1, "debug", "breakpoint", rows[i].name, "EL1");
  }
  write_register(dbgbcr5_el1, 0);
  write_register(dbgbcr0_el1, CONTROL(BOTH));
  isb();
  struct test el1 = {1, UNMASKED, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}}};
  struct test masked = {1, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}}};
  struct test no_kde = {1, UNMASKED, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  struct test locked = {0, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}}};
  run(&el1, "debug", "breakpoint/EL1", NULL, NULL);
  run(&masked, "debug", "breakpoint-masked/EL1", NULL, NULL);
  run(&no_kde, "debug", "breakpoint-no-kde/EL1", NULL, NULL);
  write_register(oslar_el1, 1);
  run(&locked, "debug", "breakpoint-os-lock/EL0", NULL, NULL);
  write_register(oslar_el1, 0);
  if (highest() == 2) {
    struct test routed = {1, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}, {MDCR_EL2, 0, TDE}}};
    struct test routed_el0 = {0, 0, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE}, {MDCR_EL2, 0, TDE}}};
    run(&routed, "debug", "breakpoint-routed/EL1", NULL, NULL);
    run(&routed_el0, "debug", "breakpoint-routed/EL0", NULL, NULL);
    write_register(dbgbcr0_el1, CONTROL(0ul) | 1 << 13 | 3 << 14); // EL2 alone
    isb();
    struct test el2 = {2, UNMASKED, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}, {MDCR_EL2, 0, TDE}}};
    struct test not_el2 = {2, UNMASKED, two_instructions, 0, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}}};
    run(&el2, "debug", "breakpoint/EL2", NULL, NULL);
    run(&not_el2, "debug", "breakpoint-not-routed/EL2", NULL, NULL);
  }
  write_register(dbgbcr0_el1, 0);
}

// What a watchpoint of EL1 watches, and with what.
static void more_watchpoint_cases(void) {
  static const struct {
    const char *name;
    const u32 *victim;
    u64 address, value, control;
  } rows[] = {
      {"second-of-pair", watched_pair, READ_WRITE, READ_WRITE + 4, WATCH(EL1, 1, 0xful)},
      {"upper-bytes", watched_store, READ_WRITE + 4, READ_WRITE, WATCH(EL1, 2, 0x30ul)},
      {"other-bytes", watched_store, READ_WRITE, READ_WRITE, WATCH(EL1, 2, 0x30ul)},
      {"masked", watched, READ_WRITE + 0x7c, READ_WRITE, WATCH(EL1, 3, 0xfful) | 7 << 24},
      {"beyond-mask", watched, READ_WRITE + 0x80, READ_WRITE, WATCH(EL1, 3, 0xfful) | 7 << 24},
      {"unaligned", watched, READ_WRITE + 6, READ_WRITE + 8, WATCH(EL1, 3, 1ul)},
      {"across-pages", watched, READ_WRITE - 2, READ_WRITE, WATCH(EL1, 3, 1ul)},
      {"as-el0", watched_user, READ_WRITE, READ_WRITE, WATCH(EL0, 1, 0xful)},
      {"as-el0-not-el1", watched_user, READ_WRITE, READ_WRITE, WATCH(EL1, 1, 0xful)},
      {"zva", watched_zva, READ_WRITE + 8, READ_WRITE + 48, WATCH(EL1, 2, 0xfful)},
      {"zva-is-no-load", watched_zva, READ_WRITE + 8, READ_WRITE + 48, WATCH(EL1, 1, 0xfful)},
      {"cvac", watched_cvac, READ_WRITE, READ_WRITE, WATCH(EL1, 3, 0xfful)},
      {"exclusive-store", watched_exclusive, READ_WRITE, READ_WRITE, WATCH(EL1, 2, 0xfful)},
      {"linked", watched, READ_WRITE, READ_WRITE, WATCH(EL1, 1, 0xful) | 1 << 20 | 5 << 16},
      {"linked-to-nothing", watched, READ_WRITE, READ_WRITE, WATCH(EL1, 1, 0xful) | 1 << 20 | 4 << 16},
  };
  write_register(dbgbvr5_el1, 0);
  write_register(dbgbcr5_el1, CONTROL(BOTH) | LINKED(3ul, 0));
  for (u32 i = 0; i < sizeof rows / sizeof *rows; i++) {
    write_register(dbgwvr1_el1, rows[i].value);
    write_register(dbgwcr1_el1, rows[i].control);
    isb();
    struct test el1 = {1, UNMASKED, rows[i].victim, rows[i].address, 0, {{MDSCR_EL1, 0, MDSCR_MDE | MDSCR_KDE}}};
    run(&el1, "debug", "watchpoint", rows[i].name, "EL1");
  }
  write_register(dbgbcr5_el1, 0);
  write_register(dbgwcr1_el1, 0);
}

// MDCR_EL2.TDE: debug exceptions from EL0 and EL1 go to EL2.
static void routed_cases(void) {
  struct test brk = {1, 0, brk_here, 0, 0, {{MDCR_EL2, 0, TDE}}};
  struct test brk_el0 = {0, 0, brk_here, 0, 0, {{MDCR_EL2, 0, TDE}}};
  run(&brk, "debug", "brk-routed/EL1", NULL, NULL);
  run(&brk_el0, "debug", "brk-routed/EL0", NULL, NULL);
  // EL2 steps EL1, whatever PSTATE.D says
  struct test step = {2, 0, step_el2, 0x3c5 | 1 << 21, (u64)two_instructions, {{MDSCR_EL1, 0, MDSCR_SS}, {MDCR_EL2, 0, TDE}}};
  struct test pending = {2, 0, step_el2, 0x3c5, (u64)two_instructions, {{MDSCR_EL1, 0, MDSCR_SS}, {MDCR_EL2, 0, TDE}}};
  run(&step, "debug", "step-routed/EL1", NULL, NULL);
  run(&pending, "debug", "step-routed-pending/EL1", NULL, NULL);
}

void debug_cases(void) {
  write_register(oslar_el1, 0);
  step_cases();
  breakpoint_cases();
  watchpoint_cases();
  more_breakpoint_cases();
  more_watchpoint_cases();
  if (highest() == 2) routed_cases();
}
