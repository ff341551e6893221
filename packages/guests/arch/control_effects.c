// The controls of EL1 and EL2 that do not trap a list of instructions: one case that shows what each does,
// or, where it is AArch32's or a hint, that it does nothing here (DDI 0487 D17.2, D17.3).
#include "arch.h"

VICTIM(load, "ldr w0, [x0]")
VICTIM(fetch, "br x0")
VICTIM(stack_load, "add sp, sp, x0\n\tldr x1, [sp]")
VICTIM(wait, "nop\n\tnop")
VICTIM(wfi, "wfi")
VICTIM(wfe, "wfe\n\twfe") // ERET sets the event register: the second one would wait
VICTIM(sevl_wfe, "sevl\n\twfe")
VICTIM(barrier, "dmb ishld\n\tdsb ishst\n\tisb")
VICTIM(clean_way, "dc isw, x1")
VICTIM(invalidate, "tlbi vae1, x1\n\tic iallu\n\tdsb sy")
VICTIM(read_sctlr, "mrs x1, sctlr_el1")
VICTIM(read_isr, "mrs x0, isr_el1")
VICTIM(hvc, "hvc #0x1")
VICTIM(svc, "svc #0x2")
VICTIM(brk, "brk #0x3")
VICTIM(trace, "mrs x1, s2_1_c0_c0_1") // TRCTRACEIDR: there is no trace unit
VICTIM(counters, "mrs x0, pmcr_el0\n\tubfx x0, x0, #11, #5")
// Counts a software increment in PMEVCNTR5_EL0, which is EL2's when HPMN is 4.
VICTIM(count, "msr pmevcntr5_el0, xzr\n\tmov x1, #0x8000000\n\tmsr pmevtyper5_el0, x1\n\tmov x1, #1\n\tmsr pmcr_el0, x1\n\t"
              "mov x1, #0x20\n\tmsr pmcntenset_el0, x1\n\tisb\n\tmsr pmswinc_el0, x1\n\tisb\n\tmrs x0, pmevcntr5_el0\n\t"
              "mov x1, #0x20\n\tmsr pmcntenclr_el0, x1\n\tmsr pmcr_el0, xzr\n\tmsr pmevtyper5_el0, xzr")
VICTIM(swapped, "mov w1, #0x1234\n\tstr w1, [x0]\n\tldrb w2, [x0, #3]\n\tstr wzr, [x0]\n\tmov w0, w2")

#define READ_WRITE (7 * GIB + 7 * PAGE_SIZE)
#define WRITABLE_CODE (7 * GIB + 4 * PAGE_SIZE) // privileged-3 of tables4k.c: EL1 may write and execute it
#define IPS_44 {TCR_EL1, TCR_IPS, TCR_IPS_44}
#define SET(which, bits) {which, 0, bits}
#define CLEAR(which, bits) {which, bits, 0}
extern char vectors_smc[];

struct row {
  const char *field, *name;
  struct test test;
};

static const struct row kernel[] = {
    {"SCTLR_EL1.M", "load-unmapped/EL1", {1, 0, load, 7 * GIB, 0, {{}}}},
    {"SCTLR_EL1.M", "load-unmapped-off/EL1", {1, SHOW_X0, load, SCRATCH, 0, {CLEAR(SCTLR_EL1, SCTLR_M)}}},
    {"SCTLR_EL1.A", "load/EL0", {0, 0, load, READ_WRITE + 1, 0, {SET(SCTLR_EL1, SCTLR_A)}}},
    {"SCTLR_EL1.A", "load/EL1", {1, 0, load, READ_WRITE + 1, 0, {SET(SCTLR_EL1, SCTLR_A)}}},
    {"SCTLR_EL1.A", "load-off/EL1", {1, 0, load, READ_WRITE + 1, 0, {{}}}},
    {"SCTLR_EL1.C", "load-off/EL1", {1, 0, load, READ_WRITE, 0, {CLEAR(SCTLR_EL1, 1 << 2)}}},
    {"SCTLR_EL1.I", "fetch-off/EL1", {1, 0, wait, 0, 0, {CLEAR(SCTLR_EL1, 1 << 12)}}},
    {"SCTLR_EL1.SA", "load/EL1", {1, 0, stack_load, 8, 0, {{}}}},
    {"SCTLR_EL1.SA", "load-off/EL1", {1, 0, stack_load, 8, 0, {CLEAR(SCTLR_EL1, SCTLR_SA)}}},
    {"SCTLR_EL1.SA", "load-off/EL0", {0, 0, stack_load, 8, 0, {CLEAR(SCTLR_EL1, SCTLR_SA)}}},
    {"SCTLR_EL1.SA0", "load/EL0", {0, 0, stack_load, 8, 0, {{}}}},
    {"SCTLR_EL1.SA0", "load-off/EL0", {0, 0, stack_load, 8, 0, {CLEAR(SCTLR_EL1, SCTLR_SA0)}}},
    {"SCTLR_EL1.SA0", "load-off/EL1", {1, 0, stack_load, 8, 0, {CLEAR(SCTLR_EL1, SCTLR_SA0)}}},
    {"SCTLR_EL1.WXN", "fetch/EL1", {1, 0, fetch, WRITABLE_CODE, 0, {SET(SCTLR_EL1, SCTLR_WXN)}}},
    {"SCTLR_EL1.WXN", "fetch-off/EL1", {1, 0, fetch, WRITABLE_CODE, 0, {{}}}},
    {"SCTLR_EL1.E0E", "swapped/EL0", {0, SHOW_X0, swapped, READ_WRITE + 16, 0, {SET(SCTLR_EL1, 1 << 24)}}},
    {"SCTLR_EL1.E0E", "swapped-off/EL0", {0, SHOW_X0, swapped, READ_WRITE + 16, 0, {{}}}},
    {"SCTLR_EL1.E0E", "not-swapped/EL1", {1, SHOW_X0, swapped, READ_WRITE + 16, 0, {SET(SCTLR_EL1, 1 << 24)}}},
    {"SCTLR_EL1.SED", "aarch32-only/EL0", {0, 0, wait, 0, 0, {SET(SCTLR_EL1, 1 << 8)}}},
    {"SCTLR_EL1.ITD", "aarch32-only/EL0", {0, 0, wait, 0, 0, {SET(SCTLR_EL1, 1 << 7)}}},
    {"SCTLR_EL1.CP15BEN", "aarch32-only/EL0", {0, 0, barrier, 0, 0, {CLEAR(SCTLR_EL1, 1 << 5)}}},
    {"SCTLR_EL1.nTWI", "wfi/EL0", {0, 0, wfi, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWI)}}},
    {"SCTLR_EL1.nTWI", "wfi-pending/EL0", {0, TIMER_PENDING, wfi, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWI)}}},
    {"SCTLR_EL1.nTWI", "wfi-pending-off/EL0", {0, TIMER_PENDING, wfi, 0, 0, {{}}}},
    {"SCTLR_EL1.nTWI", "wfi-pending/EL1", {1, TIMER_PENDING, wfi, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWI)}}},
    {"SCTLR_EL1.nTWE", "wfe/EL0", {0, 0, wfe, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWE)}}},
    {"SCTLR_EL1.nTWE", "wfe-with-event/EL0", {0, 0, sevl_wfe, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWE)}}},
    {"SCTLR_EL1.nTWE", "wfe-with-event-off/EL0", {0, 0, sevl_wfe, 0, 0, {{}}}},
    {"SCTLR_EL1.nTWE", "wfe-with-event/EL1", {1, 0, sevl_wfe, 0, 0, {CLEAR(SCTLR_EL1, SCTLR_NTWE)}}},
    {"CPACR_EL1.TTA", "no-trace-unit/EL1", {1, 0, trace, 0, 0, {SET(CPACR_EL1, 1 << 28)}}},
    {"CPACR_EL1.TTA", "no-trace-unit/EL0", {0, 0, trace, 0, 0, {SET(CPACR_EL1, 1 << 28)}}},
    {"CNTKCTL_EL1.EVNTEN", "wfe/EL1", {1, 0, wfe, 0, 0, {SET(CNTKCTL_EL1, 1 << 2)}}},
    {"CNTKCTL_EL1.EVNTEN", "wfe/EL0", {0, 0, wfe, 0, 0, {SET(CNTKCTL_EL1, 1 << 2)}}},
    {"CNTKCTL_EL1.EVNTDIR", "wfe-falling-edge/EL1", {1, 0, wfe, 0, 0, {SET(CNTKCTL_EL1, 3 << 2)}}},
    {"CNTKCTL_EL1.EVNTI", "wfe-bit-7/EL1", {1, 0, wfe, 0, 0, {SET(CNTKCTL_EL1, 7 << 4 | 1 << 2)}}},
};

static const struct row hypervisor[] = {
    {"SCTLR_EL1.EE", "swapped/EL1", {1, SHOW_X0, swapped, SCRATCH, 0, {{SCTLR_EL1, SCTLR_M, 1 << 25}}}},
    {"SCTLR_EL1.EE", "not-swapped/EL0", {0, SHOW_X0, swapped, SCRATCH, 0, {{SCTLR_EL1, SCTLR_M, 1 << 25}}}},
    {"HCR_EL2.VM", "load/EL1", {1, 0, load, WINDOW + 2 * GIB, 0, {SET(HCR_EL2, HCR_VM), IPS_44}}},
    {"HCR_EL2.VM", "load-off/EL1", {1, 0, load, WINDOW + 2 * GIB, 0, {IPS_44}}},
    {"HCR_EL2.SWIO", "set-and-way/EL1", {1, 0, clean_way, 0, 0, {SET(HCR_EL2, 1 << 1)}}},
    {"HCR_EL2.PTW", "walk-in-device/EL1", {1, 0, load, WALK_PLACES + 18 * GIB, 0, {SET(HCR_EL2, HCR_VM | HCR_PTW), IPS_44}}},
    {"HCR_EL2.PTW", "walk-in-device-off/EL1", {1, 0, load, WALK_PLACES + 18 * GIB, 0, {SET(HCR_EL2, HCR_VM), IPS_44}}},
    {"HCR_EL2.FMO", "isr-of-virtual/EL1", {1, SHOW_X0, read_isr, 0, 0, {SET(HCR_EL2, HCR_FMO | HCR_VF)}}},
    {"HCR_EL2.FMO", "isr-of-virtual-off/EL1", {1, SHOW_X0, read_isr, 0, 0, {SET(HCR_EL2, HCR_VF)}}},
    {"HCR_EL2.FMO", "irq-is-not-routed/EL1", {1, TIMER_PENDING | UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_FMO)}}},
    {"HCR_EL2.IMO", "irq/EL1", {1, TIMER_PENDING | UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_IMO)}}},
    {"HCR_EL2.IMO", "irq-off/EL1", {1, TIMER_PENDING | UNMASKED, wait, 0, 0, {{}}}},
    {"HCR_EL2.AMO", "isr-of-virtual/EL1", {1, SHOW_X0, read_isr, 0, 0, {SET(HCR_EL2, HCR_AMO | HCR_VSE)}}},
    {"HCR_EL2.AMO", "isr-of-virtual-off/EL1", {1, SHOW_X0, read_isr, 0, 0, {SET(HCR_EL2, HCR_VSE)}}},
    {"HCR_EL2.VF", "virtual/EL1", {1, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_FMO | HCR_VF)}}},
    {"HCR_EL2.VF", "virtual/EL0", {0, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_FMO | HCR_VF)}}},
    {"HCR_EL2.VF", "virtual/EL2", {2, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_FMO | HCR_VF)}}},
    {"HCR_EL2.VI", "virtual/EL1", {1, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_IMO | HCR_VI)}}},
    {"HCR_EL2.VI", "with-tge/EL0", {0, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_IMO | HCR_VI | HCR_TGE)}}},
    {"HCR_EL2.VI", "before-vf/EL1", {1, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_IMO | HCR_VI | HCR_FMO | HCR_VF)}}},
    {"HCR_EL2.VSE", "virtual/EL1", {1, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_AMO | HCR_VSE)}}},
    {"HCR_EL2.VSE", "virtual/EL0", {0, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_AMO | HCR_VSE)}}},
    {"HCR_EL2.VSE", "virtual/EL2", {2, UNMASKED, wait, 0, 0, {SET(HCR_EL2, HCR_AMO | HCR_VSE)}}},
    {"HCR_EL2.FB", "invalidate/EL1", {1, 0, invalidate, 0, 0, {SET(HCR_EL2, 1 << 9)}}},
    {"HCR_EL2.BSU", "barriers/EL1", {1, 0, barrier, 0, 0, {SET(HCR_EL2, 3 << 10)}}},
    {"HCR_EL2.BSU", "barriers/EL0", {0, 0, barrier, 0, 0, {SET(HCR_EL2, 3 << 10)}}},
    {"HCR_EL2.DC", "stage1-is-off/EL1", {1, SHOW_X0, load, SCRATCH, 0, {SET(HCR_EL2, HCR_DC)}}},
    {"HCR_EL2.DC", "stage2-is-on/EL1", {1, 0, load, 2 * GIB, 0, {SET(HCR_EL2, HCR_DC)}}},
    {"HCR_EL2.TWI", "wfi/EL1", {1, 0, wfi, 0, 0, {SET(HCR_EL2, HCR_TWI)}}},
    {"HCR_EL2.TWI", "wfi/EL0", {0, 0, wfi, 0, 0, {SET(HCR_EL2, HCR_TWI)}}},
    {"HCR_EL2.TWI", "wfi-pending/EL1", {1, TIMER_PENDING, wfi, 0, 0, {SET(HCR_EL2, HCR_TWI)}}},
    {"HCR_EL2.TWI", "wfi-pending-off/EL1", {1, TIMER_PENDING, wfi, 0, 0, {{}}}},
    {"HCR_EL2.TWI", "wfi-pending/EL2", {2, TIMER_PENDING, wfi, 0, 0, {SET(HCR_EL2, HCR_TWI)}}},
    {"HCR_EL2.TWE", "wfe/EL1", {1, 0, wfe, 0, 0, {SET(HCR_EL2, HCR_TWE)}}},
    {"HCR_EL2.TWE", "wfe/EL0", {0, 0, wfe, 0, 0, {SET(HCR_EL2, HCR_TWE)}}},
    {"HCR_EL2.TWE", "wfe-with-event/EL1", {1, 0, sevl_wfe, 0, 0, {SET(HCR_EL2, HCR_TWE)}}},
    {"HCR_EL2.TWE", "wfe-with-event/EL2", {2, 0, sevl_wfe, 0, 0, {SET(HCR_EL2, HCR_TWE)}}},
    {"HCR_EL2.TID0", "aarch32-only/EL1", {1, 0, read_sctlr, 0, 0, {SET(HCR_EL2, 1 << 15)}}},
    {"HCR_EL2.TGE", "svc/EL0", {0, 0, svc, 0, 0, {SET(HCR_EL2, HCR_TGE)}}},
    {"HCR_EL2.TGE", "brk/EL0", {0, 0, brk, 0, 0, {SET(HCR_EL2, HCR_TGE)}}},
    {"HCR_EL2.HCD", "hvc #0x1/EL1", {1, 0, hvc, 0, 0, {SET(HCR_EL2, HCR_HCD | HCR_TSC), {VBAR_EL1, ALL, (u64)vectors_smc}}}},
    {"HCR_EL2.HCD", "hvc #0x1/EL2", {2, 0, hvc, 0, 0, {SET(HCR_EL2, HCR_HCD)}}},
    {"HCR_EL2.HCD", "hvc #0x1/EL1-off", {1, 0, hvc, 0, 0, {{}}}},
    {"HCR_EL2.CD", "load/EL1", {1, 0, load, SCRATCH, 0, {SET(HCR_EL2, HCR_VM | 1ul << 32), CLEAR(SCTLR_EL1, SCTLR_M)}}},
    {"HCR_EL2.ID", "fetch/EL1", {1, 0, wait, 0, 0, {SET(HCR_EL2, HCR_VM | 1ul << 33), CLEAR(SCTLR_EL1, SCTLR_M)}}},
    {"HSTR_EL2.T", "aarch32-only/EL1", {1, 0, read_sctlr, 0, 0, {SET(HSTR_EL2, 0xbfef)}}},
    {"HSTR_EL2.T", "aarch32-only-fetch/EL0", {0, 0, svc, 0, 0, {SET(HSTR_EL2, 0xbfef)}}},
    {"CPTR_EL2.TTA", "no-trace-unit/EL1", {1, 0, trace, 0, 0, {SET(CPTR_EL2, 1 << 20)}}},
    {"CPTR_EL2.TTA", "no-trace-unit/EL2", {2, 0, trace, 0, 0, {SET(CPTR_EL2, 1 << 20)}}},
    {"MDCR_EL2.TDE", "brk/EL1", {1, 0, brk, 0, 0, {SET(MDCR_EL2, 1 << 8)}}},
    {"MDCR_EL2.TDE", "brk/EL0", {0, 0, brk, 0, 0, {SET(MDCR_EL2, 1 << 8)}}},
    {"MDCR_EL2.TDE", "brk-off/EL1", {1, 0, brk, 0, 0, {{}}}},
    {"MDCR_EL2.HPMN", "counters/EL1", {1, SHOW_X0, counters, 0, 0, {{MDCR_EL2, 31, 4}}}},
    {"MDCR_EL2.HPMN", "counters/EL2", {2, SHOW_X0, counters, 0, 0, {{MDCR_EL2, 31, 4}}}},
    {"MDCR_EL2.HPME", "count/EL2", {2, SHOW_X0, count, 0, 0, {{MDCR_EL2, 31, 1 << 7 | 4}}}},
    {"MDCR_EL2.HPME", "count-off/EL2", {2, SHOW_X0, count, 0, 0, {{MDCR_EL2, 31, 4}}}},
    {"CNTHCTL_EL2.EVNTEN", "wfe/EL1", {1, 0, wfe, 0, 0, {SET(CNTHCTL_EL2, 1 << 2)}}},
    {"CNTHCTL_EL2.EVNTEN", "wfe/EL2", {2, 0, wfe, 0, 0, {SET(CNTHCTL_EL2, 1 << 2)}}},
    {"CNTHCTL_EL2.EVNTDIR", "wfe-falling-edge/EL1", {1, 0, wfe, 0, 0, {SET(CNTHCTL_EL2, 3 << 2)}}},
    {"CNTHCTL_EL2.EVNTI", "wfe-bit-7/EL1", {1, 0, wfe, 0, 0, {SET(CNTHCTL_EL2, 7 << 4 | 1 << 2)}}},
};

static void run_rows(const struct row *rows, u32 count) {
  for (u32 i = 0; i < count; i++) run(&rows[i].test, "control", rows[i].field, rows[i].name, NULL);
}

void control_effect_cases(void) {
  run_rows(kernel, ARRAY_LENGTH(kernel));
  if (highest() == 2) run_rows(hypervisor, ARRAY_LENGTH(hypervisor));
}
