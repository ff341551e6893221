// The performance monitors (DDI 0487 D12): cycle counter and software increments, enables, filters,
// overflow and its interrupt. What time makes is compared with nothing but zero.
#include "interrupts.h"

#define GROUP "pmu"
#define INTERRUPT 23

#define PMCR_E 1u
#define PMCR_P 2u
#define PMCR_C 4u
#define PMCR_LC 64u
#define CYCLES (1u << 31)
#define SW_INCR 0
#define CPU_CYCLES 0x11
#define FILTER_P (1u << 31)
#define FILTER_U (1u << 30)
#define FILTER_NSH (1u << 27)

static u64 work(u64 unused) {
  for (volatile u32 i = 0; i < 2000; i++) continue;
  isb();
  return unused;
}

static u64 cycles_over(u64 (*run)(u64), u32 level) {
  isb();
  u64 before = read_register(pmccntr_el0);
  if (level == entry_level) run(0);
  else call_at(level, run, 0);
  isb();
  return read_register(pmccntr_el0) - before;
}

static void fresh_pmu(void) {
  write_register(pmcr_el0, PMCR_P | PMCR_C | PMCR_LC);
  write_register(pmcntenclr_el0, ~0u);
  write_register(pmintenclr_el1, ~0u);
  write_register(pmovsclr_el0, ~0u);
  write_register(pmccfiltr_el0, entry_level == 2 ? FILTER_NSH : 0);
  for (u32 i = 0; i < 2; i++) {
    write_register(pmselr_el0, i);
    isb();
    write_register(pmxevtyper_el0, SW_INCR | (entry_level == 2 ? FILTER_NSH : 0));
    write_register(pmxevcntr_el0, 0);
  }
  isb();
}

static const char *counts(u64 difference) {
  return difference ? "counts" : "stands";
}

static void cycle_cases(void) {
  fresh_pmu();
  CASE("counters", "N=%lu", read_register(pmcr_el0) >> 11 & 31);
  CASE("cycles/off", "%s", counts(cycles_over(work, entry_level)));
  write_register(pmcntenset_el0, CYCLES);
  CASE("cycles/not-enabled", "%s", counts(cycles_over(work, entry_level)));
  write_register(pmcr_el0, PMCR_E | PMCR_LC);
  CASE("cycles/on", "%s", counts(cycles_over(work, entry_level)));
  write_register(pmcntenclr_el0, CYCLES);
  CASE("cycles/cleared", "%s", counts(cycles_over(work, entry_level)));
  write_register(pmccntr_el0, 0x123456789abc);
  isb();
  CASE("cycles/written", "0x%lx", read_register(pmccntr_el0));
  write_register(pmcr_el0, PMCR_E | PMCR_LC | PMCR_C);
  isb();
  CASE("cycles/reset", "0x%lx PMCR=0x%lx", read_register(pmccntr_el0), read_register(pmcr_el0) & 0x7f);
}

static void filter_cases(void) {
  static const struct {
    const char *name;
    u32 filter;
  } rows[] = {{"none", 0}, {"p", FILTER_P}, {"u", FILTER_U}, {"p-u", FILTER_P | FILTER_U}, {"nsh", FILTER_NSH}, {"p-nsh", FILTER_P | FILTER_NSH}};
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    fresh_pmu();
    write_register(pmccfiltr_el0, rows[i].filter);
    write_register(pmcntenset_el0, CYCLES);
    write_register(pmcr_el0, PMCR_E | PMCR_LC);
    u64 own = cycles_over(work, entry_level);
    print("case pmu/filter/%s: EL%u %s\n", rows[i].name, entry_level, counts(own));
  }
}

// At EL1 alone, counted from EL2: the filter stops the counter on both sides of the call.
static void lower_cases(void) {
  if (entry_level < 2) return;
  static const u32 filters[] = {0, FILTER_P};
  for (u32 i = 0; i < 2; i++) {
    fresh_pmu();
    write_register(pmccfiltr_el0, filters[i]);
    write_register(pmcntenset_el0, CYCLES);
    write_register(pmcr_el0, PMCR_E | PMCR_LC);
    print("case pmu/filter-el1/%s: %s\n", i ? "p" : "none", counts(cycles_over(work, 1)));
  }
}

static void software_cases(void) {
  fresh_pmu();
  write_register(pmcntenset_el0, 3);
  write_register(pmcr_el0, PMCR_E | PMCR_LC);
  isb();
  for (u32 i = 0; i < 5; i++) write_register(pmswinc_el0, 1);
  for (u32 i = 0; i < 3; i++) write_register(pmswinc_el0, 3);
  isb();
  write_register(pmselr_el0, 0);
  isb();
  u64 first = read_register(pmxevcntr_el0);
  write_register(pmselr_el0, 1);
  isb();
  CASE("software/increments", "%lu %lu", first, read_register(pmxevcntr_el0));
  CASE("software/direct", "%lu %lu", read_register(pmevcntr0_el0), read_register(pmevcntr1_el0));
  write_register(pmcntenclr_el0, 1);
  write_register(pmswinc_el0, 3);
  isb();
  CASE("software/disabled", "%lu %lu", read_register(pmevcntr0_el0), read_register(pmevcntr1_el0));
  write_register(pmcr_el0, PMCR_E | PMCR_LC | PMCR_P);
  isb();
  CASE("software/reset", "%lu %lu", read_register(pmevcntr0_el0), read_register(pmevcntr1_el0));
}

static volatile u32 taken;
static void take(struct frame *frame) {
  (void)frame;
  u32 id = acknowledge(main_group);
  if (id < 1020) taken = id;
  write_register(pmovsclr_el0, ~0u);
  isb();
  end(main_group, id);
}

static u32 line(void) {
  for (volatile u32 i = 0; i < 20; i++) continue;
  dsb();
  return gic_is_pending(INTERRUPT);
}

static void overflow_cases(void) {
  fresh_pmu();
  fresh();
  set_group(INTERRUPT, main_group);
  gic_priority(INTERRUPT, 0x80);
  write_register(pmevcntr0_el0, 0xffffffff);
  write_register(pmcntenset_el0, 1);
  write_register(pmcr_el0, PMCR_E | PMCR_LC);
  isb();
  u64 before = read_register(pmovsclr_el0);
  write_register(pmswinc_el0, 1);
  isb();
  u64 after = read_register(pmovsclr_el0), value = read_register(pmevcntr0_el0);
  u32 off = line();
  write_register(pmintenset_el1, 1);
  isb();
  u32 on = line();
  write_register(pmovsclr_el0, 1);
  isb();
  CASE("overflow/software", "PMOVS=0x%lx,0x%lx,0x%lx value=%lu line=%u,%u,%u", before, after, read_register(pmovsclr_el0), value, off, on, line());
  write_register(pmovsset_el0, 1);
  isb();
  CASE("overflow/set", "PMOVS=0x%lx line=%u", read_register(pmovsset_el0), line());
  write_register(pmovsclr_el0, ~0u);
  write_register(pmintenclr_el1, ~0u);
  write_register(pmccntr_el0, ~0ul - 100);
  write_register(pmcntenset_el0, CYCLES);
  isb();
  work(0);
  read_register(pmccntr_el0);
  CASE("overflow/cycles", "PMOVS=0x%lx", read_register(pmovsclr_el0));
  taken = 0;
  cpu()->irq = take;
  gic_enable(INTERRUPT);
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO);
  write_register(pmovsclr_el0, ~0u);
  write_register(pmcntenclr_el0, CYCLES);
  write_register(pmevcntr0_el0, 0xffffffff);
  write_register(pmintenset_el1, 1);
  unmask_irq();
  write_register(pmswinc_el0, 1);
  isb();
  for (volatile u32 i = 0; i < 50; i++) continue;
  mask_irq();
  CASE("overflow/interrupt", "taken=%u PMOVS=0x%lx", taken, read_register(pmovsclr_el0));
  gic_disable(INTERRUPT);
  if (entry_level == 2) write_register(hcr_el2, HCR_RW);
}

void pmu_cases(void) {
  cycle_cases();
  filter_cases();
  lower_cases();
  software_cases();
  overflow_cases();
  fresh_pmu();
}
