// Performance monitors: which registers there are, what counts, and what an overflow does (DDI 0487 D7). Only what every
// implementation counts alike: software increments exactly, cycles as "some" or "none".
#include "arch.h"

VICTIM(read_control, "mrs x0, pmcr_el0\n\tand x0, x0, #0xffff")
VICTIM(write_enable, "msr pmcntenset_el0, x0\n\tmsr pmcntenclr_el0, x1\n\tmrs x0, pmcntenset_el0")
VICTIM(write_interrupt, "msr pmintenset_el1, x0\n\tmsr pmintenclr_el1, x1\n\tmrs x0, pmintenclr_el1")
VICTIM(write_overflow, "msr pmovsset_el0, x0\n\tmsr pmovsclr_el0, x1\n\tmrs x0, pmovsset_el0")
VICTIM(write_user, "msr pmuserenr_el0, x0\n\tmrs x0, pmuserenr_el0")
VICTIM(write_select, "msr pmselr_el0, x0\n\tmrs x0, pmselr_el0")
VICTIM(write_type, "msr pmevtyper5_el0, x0\n\tmrs x0, pmevtyper5_el0")
VICTIM(write_filter, "msr pmccfiltr_el0, x0\n\tmrs x0, pmccfiltr_el0")
VICTIM(write_counter, "msr pmevcntr5_el0, x0\n\tmrs x0, pmevcntr5_el0")
VICTIM(select_counter, "msr pmselr_el0, x0\n\tisb\n\tmsr pmxevcntr_el0, x1\n\tmrs x0, pmevcntr5_el0")
VICTIM(select_filter, "msr pmselr_el0, x0\n\tisb\n\tmsr pmxevtyper_el0, x1\n\tmrs x0, pmccfiltr_el0\n\tmsr pmccfiltr_el0, xzr")
VICTIM(increment, "msr pmswinc_el0, x0\n\tisb\n\tmrs x0, pmevcntr0_el0")
VICTIM(increment_overflow, "msr pmswinc_el0, x0\n\tisb\n\tmrs x0, pmovsset_el0\n\tmsr pmovsclr_el0, x0")
VICTIM(increment_chain, "msr pmswinc_el0, x0\n\tisb\n\tmrs x0, pmevcntr1_el0")
VICTIM(increment_interrupt, "msr pmswinc_el0, x0\n\tisb\n\tdsb sy\n\tmrs x0, isr_el1")
VICTIM(reset_counters, "msr pmcr_el0, x0\n\tisb\n\tmrs x0, pmevcntr0_el0")
VICTIM(reset_cycles, "msr pmcr_el0, x0\n\tisb\n\tmrs x0, pmccntr_el0")
VICTIM(cycles, "mrs x0, pmccntr_el0\n\tisb\n\tmov x1, #1000\n2:\tsubs x1, x1, #1\n\tb.ne 2b\n\tisb\n\t"
               "mrs x1, pmccntr_el0\n\tcmp x0, x1\n\tcset x0, ne")
VICTIM(cycle_overflow, "mov x1, #1000\n2:\tsubs x1, x1, #1\n\tb.ne 2b\n\tisb\n\tmrs x1, pmccntr_el0\n\tmrs x0, pmovsset_el0\n\tmsr pmovsclr_el0, x0")

#define PMCR_E 1ul
#define PMCR_P 2ul
#define PMCR_C 4ul
#define PMCR_LC 64ul
#define CYCLES (1ul << 31)
#define NOT_EL1 (1ul << 31)
#define NOT_EL0 (1ul << 30)
#define AT_EL2 (1ul << 27)
#define SW_INCR 0ul
#define CHAIN 0x1eul

static void program(u64 control, u64 enable, u64 type, u64 value) {
  write_register(pmcr_el0, control);
  write_register(pmcntenclr_el0, ALL);
  write_register(pmovsclr_el0, ALL);
  write_register(pmevtyper0_el0, type);
  write_register(pmevcntr0_el0, value);
  write_register(pmcntenset_el0, enable);
  isb();
}

static void register_cases(void) {
  static const struct {
    const char *name;
    struct test test;
  } rows[] = {
      {"control", {1, SHOW_X0, read_control, 0, 0, {{}}}},
      {"enable-set-and-clear", {1, SHOW_X0, write_enable, ALL, CYCLES | 5, {{}}}},
      {"interrupt-set-and-clear", {1, SHOW_X0, write_interrupt, ALL, CYCLES | 5, {{}}}},
      {"overflow-set-and-clear", {1, SHOW_X0, write_overflow, ALL, CYCLES | 5, {{}}}},
      {"user-enable", {1, SHOW_X0, write_user, ALL, 0, {{}}}},
      {"select", {1, SHOW_X0, write_select, ALL, 0, {{}}}},
      {"event-type", {1, SHOW_X0, write_type, 0xc00003ff, 0, {{}}}},
      {"event-counter", {1, SHOW_X0, write_counter, ALL, 0, {{}}}},
      {"cycle-filter", {1, SHOW_X0, write_filter, 0xc0000000, 0, {{}}}},
      {"selected-counter", {1, SHOW_X0, select_counter, 5, 0x1234, {{}}}},
      {"selected-cycle-filter", {1, SHOW_X0, select_filter, 31, 0x80000000, {{}}}},
  };
  program(0, 0, 0, 0);
  for (u32 i = 0; i < sizeof rows / sizeof *rows; i++) run(&rows[i].test, "monitors", rows[i].name, "EL1", NULL);
  write_register(pmcntenclr_el0, ALL);
  write_register(pmintenclr_el1, ALL);
  write_register(pmovsclr_el0, ALL);
  write_register(pmccfiltr_el0, 0);
}

static const char *const levels[] = {"EL0", "EL1", "EL2"};

static void count_cases(void) {
  static const struct {
    const char *name;
    const u32 *victim;
    u64 control, enable, type, value, x0;
  } rows[] = {
      {"increment", increment, PMCR_E, 1, SW_INCR, 0x10, 1},
      {"increment-others", increment, PMCR_E, 1, SW_INCR, 0x10, 2},
      {"increment-off", increment, 0, 1, SW_INCR, 0x10, 1},
      {"increment-not-enabled", increment, PMCR_E, 2, SW_INCR, 0x10, 1},
      {"increment-not-el1", increment, PMCR_E, 1, SW_INCR | NOT_EL1, 0x10, 1},
      {"increment-not-el0", increment, PMCR_E, 1, SW_INCR | NOT_EL0, 0x10, 1},
      {"increment-at-el2", increment, PMCR_E, 1, SW_INCR | AT_EL2, 0x10, 1},
      {"overflow", increment_overflow, PMCR_E, 1, SW_INCR, 0xffffffff, 1},
      {"wraps", increment, PMCR_E, 1, SW_INCR, 0xffffffff, 1},
      {"cycles", cycles, PMCR_E, CYCLES, 0, 0, 0},
      {"cycles-off", cycles, 0, CYCLES, 0, 0, 0},
      {"cycles-not-enabled", cycles, PMCR_E, 0, 0, 0, 0},
  };
  for (u32 i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (u32 level = 0; level <= highest(); level++) {
      program(rows[i].control, rows[i].enable, rows[i].type, rows[i].value);
      struct test test = {level, SHOW_X0, rows[i].victim, rows[i].x0, 0, {{}}};
      run(&test, "monitors", rows[i].name, levels[level], NULL);
    }
  }
}

static void cycle_cases(void) {
  struct test filtered = {1, SHOW_X0, cycles, 0, 0, {{}}};
  struct test overflow = {1, SHOW_X0, cycle_overflow, 0, 0, {{}}};
  struct test reset = {1, SHOW_X0, reset_cycles, PMCR_C, 0, {{}}};
  struct test reset_events = {1, SHOW_X0, reset_counters, PMCR_P, 0, {{}}};
  struct test reset_not_events = {1, SHOW_X0, reset_counters, PMCR_C, 0, {{}}};
  program(PMCR_E, CYCLES, 0, 0);
  write_register(pmccfiltr_el0, NOT_EL1);
  run(&filtered, "monitors", "cycles-filtered", "EL1", NULL);
  write_register(pmccfiltr_el0, 0);
  program(0, 0, 0, 0);
  write_register(pmccntr_el0, 0xffffffff);
  program(PMCR_E, CYCLES, 0, 0);
  run(&overflow, "monitors", "cycles-overflow", "EL1", NULL);
  program(PMCR_LC, 0, 0, 0);
  write_register(pmccntr_el0, 0xffffffff);
  program(PMCR_E | PMCR_LC, CYCLES, 0, 0);
  run(&overflow, "monitors", "cycles-no-long-overflow", "EL1", NULL);
  program(0, 0, 0, 0x77);
  run(&reset, "monitors", "reset-cycles", "EL1", NULL);
  run(&reset_not_events, "monitors", "reset-cycles-alone", "EL1", NULL);
  run(&reset_events, "monitors", "reset-events", "EL1", NULL);
}

// The odd counter that chains, and the interrupt: ISR_EL1 shows it, through the GIC's PPI 23.
static void overflow_cases(void) {
  struct test chain = {1, SHOW_X0, increment_chain, 1, 0, {{}}};
  struct test interrupt = {1, SHOW_X0, increment_interrupt, 1, 0, {{}}};
  write_register(pmevtyper1_el0, CHAIN);
  write_register(pmevcntr1_el0, 7);
  program(PMCR_E, 3, SW_INCR, 0xffffffff);
  run(&chain, "monitors", "chain", "EL1", NULL);
  *(volatile u32 *)(GICD + 0x100) = 1u << 23;
  program(PMCR_E, 1, SW_INCR, 0xffffffff);
  run(&interrupt, "monitors", "overflow-no-interrupt", "EL1", NULL);
  write_register(pmintenset_el1, 1);
  program(PMCR_E, 1, SW_INCR, 0xffffffff);
  run(&interrupt, "monitors", "overflow-interrupt", "EL1", NULL);
  write_register(pmintenclr_el1, ALL);
  *(volatile u32 *)(GICD + 0x180) = 1u << 23;
  program(0, 0, 0, 0);
}

// MDCR_EL2.HPMN keeps counters for EL2.
static void shared_cases(void) {
  struct test control = {1, SHOW_X0, read_control, 0, 0, {{MDCR_EL2, 0x1f, 4}}};
  struct test own = {2, SHOW_X0, read_control, 0, 0, {{MDCR_EL2, 0x1f, 4}}};
  struct test enable = {1, SHOW_X0, write_enable, ALL, CYCLES, {{MDCR_EL2, 0x1f, 4}}};
  run(&control, "monitors", "shared-control", "EL1", NULL);
  run(&own, "monitors", "shared-control", "EL2", NULL);
  run(&enable, "monitors", "shared-enable", "EL1", NULL);
  program(0, 0, 0, 0);
}

void monitor_cases(void) {
  register_cases();
  count_cases();
  cycle_cases();
  overflow_cases();
  if (highest() == 2) shared_cases();
}
