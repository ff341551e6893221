// Interrupts: masking, routing by HCR_EL2, and the virtual ones that its VI, VF and VSE bits assert
// (DDI 0487 D1.3.4). The physical interrupt is the virtual timer's, through the GIC.
#include "arch.h"

VICTIM(wait_here, "nop\n\tnop")
VICTIM(unmask_here, "msr daifclr, #2\n\tnop\n\tnop")
VICTIM(read_isr, "mrs x0, isr_el1")
VICTIM(wait_for_interrupt, "wfi\n\tmrs x0, isr_el1")

struct row {
  const char *name;
  struct test test;
};

static const struct row rows[] = {
    {"irq/EL0", {0, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{}}}},
    {"irq/EL1", {1, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{}}}},
    {"irq-sp-el0/EL1", {1, TIMER_PENDING | UNMASKED | USE_SP_EL0, wait_here, 0, 0, {{}}}},
    {"irq-masked/EL0", {0, TIMER_PENDING, wait_here, 0, 0, {{}}}},
    {"irq-masked/EL1", {1, TIMER_PENDING, wait_here, 0, 0, {{}}}},
    {"irq-unmasked-later/EL1", {1, TIMER_PENDING, unmask_here, 0, 0, {{}}}},
    {"isr/EL1", {1, TIMER_PENDING | SHOW_X0, read_isr, 0, 0, {{}}}},
    {"wfi-wakes-masked/EL1", {1, TIMER_PENDING | SHOW_X0, wait_for_interrupt, 0, 0, {{}}}},
};

static const struct row rows_el2[] = {
    {"imo-off/EL2", {2, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{}}}},
    {"imo/EL0", {0, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"imo/EL1", {1, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"imo/EL2", {2, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"imo-masked/EL0", {0, TIMER_PENDING, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"imo-masked/EL1", {1, TIMER_PENDING, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"imo-masked/EL2", {2, TIMER_PENDING, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
    {"tge/EL0", {0, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"tge/EL2", {2, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"imo-isr/EL1", {1, TIMER_PENDING | SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_FMO}}}},
    {"vi/EL0", {0, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi/EL2", {2, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-masked/EL1", {1, 0, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-unmasked-later/EL1", {1, 0, unmask_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-without-imo/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_VI}}}},
    {"vi-isr/EL1", {1, SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-isr/EL2", {2, SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-wakes-wfi/EL1", {1, SHOW_X0, wait_for_interrupt, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vi-and-irq/EL1", {1, TIMER_PENDING | UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO | HCR_VI}}}},
    {"vf/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_FMO | HCR_VF}}}},
    {"vf-isr/EL1", {1, SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_FMO | HCR_VF}}}},
    {"vf-masked/EL1", {1, 0, wait_here, 0, 0, {{HCR_EL2, 0, HCR_FMO | HCR_VF}}}},
    {"vse-masked/EL1", {1, 0, wait_here, 0, 0, {{HCR_EL2, 0, HCR_AMO | HCR_VSE}}}},
    {"vse-without-amo/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_VSE}}}},
    {"vse-isr/EL1", {1, SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_AMO | HCR_VSE}}}},
    {"vse/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_AMO | HCR_VSE}}}},
};

// GICH_LR0 with a pending interrupt makes the virtual CPU interface assert a virtual IRQ (IHI 0048B
// 5.3): the third way, beside HCR_EL2.VI and a physical one.
static void list_register_cases(void) {
  volatile u32 *gich = (u32 *)GICH;
  static const struct row listed[] = {
      {"list-register/EL1", {1, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
      {"list-register/EL2", {2, UNMASKED, wait_here, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
      {"list-register-isr/EL1", {1, SHOW_X0, read_isr, 0, 0, {{HCR_EL2, 0, HCR_IMO}}}},
      {"list-register-without-imo/EL1", {1, UNMASKED, wait_here, 0, 0, {{}}}},
  };
  gich[0x08 / 4] = 0xf8000001;          // GICH_VMCR: all priorities, group 0 enabled
  gich[0x100 / 4] = 1u << 28 | 42;      // GICH_LR0: pending, group 0, priority 0, interrupt 42
  gich[0] = 1;                          // GICH_HCR.En
  for (u32 i = 0; i < ARRAY_LENGTH(listed); i++) run(&listed[i].test, "interrupt", listed[i].name, NULL, NULL);
  gich[0] = 0;
  gich[0x100 / 4] = 0;
}

void interrupt_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) run(&rows[i].test, "interrupt", rows[i].name, NULL, NULL);
  if (highest() < 2) return;
  for (u32 i = 0; i < ARRAY_LENGTH(rows_el2); i++) run(&rows_el2[i].test, "interrupt", rows_el2[i].name, NULL, NULL);
  list_register_cases();
}
