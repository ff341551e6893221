// System registers and instructions where they are not allowed, or trapped to EL1 from EL0.
#include "arch.h"

// name, instruction
#define UNDEFINED_AT_EL0(X)                                                                        \
  X(el0_mrs_sctlr, "mrs x0, sctlr_el1")                                                            \
  X(el0_msr_sctlr, "msr sctlr_el1, x0")                                                            \
  X(el0_mrs_midr, "mrs x0, midr_el1")                                                              \
  X(el0_mrs_pfr0, "mrs x0, id_aa64pfr0_el1")                                                       \
  X(el0_mrs_ttbr0, "mrs x0, ttbr0_el1")                                                            \
  X(el0_mrs_esr, "mrs x0, esr_el1")                                                                \
  X(el0_mrs_spsr, "mrs x0, spsr_el1")                                                              \
  X(el0_mrs_sp_el0, "mrs x0, sp_el0")                                                              \
  X(el0_mrs_currentel, "mrs x0, CurrentEL")                                                        \
  X(el0_mrs_tpidr_el1, "mrs x0, tpidr_el1")                                                        \
  X(el0_mrs_isr, "mrs x0, isr_el1")                                                                \
  X(el0_mrs_par, "mrs x0, par_el1")                                                                \
  X(el0_mrs_hcr, "mrs x0, hcr_el2")                                                                \
  X(el0_tlbi, "tlbi vmalle1")                                                                      \
  X(el0_at, "at s1e0r, x0")                                                                        \
  X(el0_dc_ivac, "dc ivac, x0")                                                                    \
  X(el0_dc_isw, "dc isw, x0")                                                                      \
  X(el0_ic_iallu, "ic iallu")                                                                      \
  X(el0_unallocated, "mrs x0, s3_0_c0_c7_7")

#define UNDEFINED_AT_EL1(X)                                                                        \
  X(el1_mrs_hcr, "mrs x0, hcr_el2")                                                                \
  X(el1_mrs_esr_el2, "mrs x0, esr_el2")                                                            \
  X(el1_msr_vttbr, "msr vttbr_el2, x0")                                                            \
  X(el1_mrs_sp_el1, "mrs x0, sp_el1")                                                              \
  X(el1_mrs_spsr_el2, "mrs x0, spsr_el2")                                                          \
  X(el1_mrs_scr, "mrs x0, scr_el3")                                                                \
  X(el1_tlbi_alle1, "tlbi alle1")                                                                  \
  X(el1_tlbi_ipas2e1, "tlbi ipas2e1, x0")                                                          \
  X(el1_at_s12e1r, "at s12e1r, x0")                                                                \
  X(el1_write_read_only, "msr s3_0_c0_c0_0, x0")                                                       \
  X(el1_mrs_unallocated, "mrs x0, s3_0_c5_c7_7")                                                   \
  X(el1_sctlr_el12, "mrs x0, s3_5_c1_c0_0")

// name, instruction, control of EL1, bits cleared, bits set
#define TRAPPED_FROM_EL0(X)                                                                        \
  X(uma_mrs_daif, "mrs x0, daif", SCTLR_EL1, SCTLR_UMA, 0)                                         \
  X(uma_msr_daif, "msr daif, x0", SCTLR_EL1, SCTLR_UMA, 0)                                         \
  X(uma_daifset, "msr daifset, #2", SCTLR_EL1, SCTLR_UMA, 0)                                       \
  X(uma_daifclr, "msr daifclr, #7", SCTLR_EL1, SCTLR_UMA, 0)                                       \
  X(uma_allowed, "msr daifset, #2", NONE, 0, 0)                                                    \
  X(uct_ctr, "mrs x7, ctr_el0", SCTLR_EL1, SCTLR_UCT, 0)                                           \
  X(uct_allowed, "mrs x7, ctr_el0", NONE, 0, 0)                                                    \
  X(dze_zva, "dc zva, x0", SCTLR_EL1, SCTLR_DZE, 0)                                                \
  X(dze_dczid, "mrs x0, dczid_el0", SCTLR_EL1, SCTLR_DZE, 0)                                       \
  X(uci_cvau, "dc cvau, x0", SCTLR_EL1, SCTLR_UCI, 0)                                              \
  X(uci_cvac, "dc cvac, x0", SCTLR_EL1, SCTLR_UCI, 0)                                              \
  X(uci_civac, "dc civac, x0", SCTLR_EL1, SCTLR_UCI, 0)                                            \
  X(uci_ivau, "ic ivau, x0", SCTLR_EL1, SCTLR_UCI, 0)                                              \
  X(cntkctl_cntpct, "mrs x9, cntpct_el0", CNTKCTL_EL1, 1, 0)                                       \
  X(cntkctl_cntvct, "mrs x10, cntvct_el0", CNTKCTL_EL1, 2, 0)                                      \
  X(cntkctl_cntfrq, "mrs x11, cntfrq_el0", CNTKCTL_EL1, 3, 0)                                      \
  X(cntkctl_cntv_ctl, "mrs x12, cntv_ctl_el0", CNTKCTL_EL1, 0x100, 0)                              \
  X(cntkctl_cntp_cval, "msr cntp_cval_el0, x13", CNTKCTL_EL1, 0x200, 0)                            \
  X(pmuserenr_pmccntr, "mrs x14, pmccntr_el0", PMUSERENR_EL0, 1, 0)                                \
  X(pmuserenr_pmcr, "msr pmcr_el0, x0", PMUSERENR_EL0, 1, 0)                                       \
  X(pmuserenr_write, "msr pmuserenr_el0, x0", NONE, 0, 0)                                          \
  X(tdcc_mdccsr, "mrs x0, mdccsr_el0", MDSCR_EL1, 0, 1 << 12)

#define DEFINE(name, text, ...) VICTIM(name, text)
#define ROW(name, text, ...) {#name, name, {__VA_ARGS__}},

UNDEFINED_AT_EL0(DEFINE)
UNDEFINED_AT_EL1(DEFINE)
TRAPPED_FROM_EL0(DEFINE)

struct row {
  const char *name;
  const u32 *victim;
  struct change change;
};

static const struct row undefined_at_el0[] = {UNDEFINED_AT_EL0(ROW)};
static const struct row undefined_at_el1[] = {UNDEFINED_AT_EL1(ROW)};
static const struct row trapped_from_el0[] = {TRAPPED_FROM_EL0(ROW)};

static void run_rows(const struct row *rows, u32 count, u32 level) {
  for (u32 i = 0; i < count; i++) {
    struct test test = {level, 0, rows[i].victim, SCRATCH, 0, {rows[i].change}};
    run(&test, "register", rows[i].name, NULL, NULL);
  }
}

void system_register_cases(void) {
  run_rows(undefined_at_el0, ARRAY_LENGTH(undefined_at_el0), 0);
  run_rows(undefined_at_el1, ARRAY_LENGTH(undefined_at_el1), 1);
  run_rows(trapped_from_el0, ARRAY_LENGTH(trapped_from_el0), 0);
}
