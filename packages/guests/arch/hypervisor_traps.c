// What EL2 can trap: every control of HCR_EL2, CPTR_EL2, MDCR_EL2, CNTHCTL_EL2 that Armv8.0 has for
// AArch64 (DDI 0487, those registers). Each row runs at EL1 with the trap; its control must make the
// difference, so the rows of `harmless` run without it too.
#include "arch.h"

#define WRITES(X)                                                                                  \
  X(tvm_sctlr, "msr sctlr_el1, x0", HCR_EL2, HCR_TVM)                                              \
  X(tvm_ttbr0, "msr ttbr0_el1, x1", HCR_EL2, HCR_TVM)                                              \
  X(tvm_ttbr1, "msr ttbr1_el1, x2", HCR_EL2, HCR_TVM)                                              \
  X(tvm_tcr, "msr tcr_el1, x3", HCR_EL2, HCR_TVM)                                                  \
  X(tvm_esr, "msr esr_el1, x4", HCR_EL2, HCR_TVM)                                                  \
  X(tvm_far, "msr far_el1, x5", HCR_EL2, HCR_TVM)                                                  \
  X(tvm_afsr0, "msr afsr0_el1, x6", HCR_EL2, HCR_TVM)                                              \
  X(tvm_afsr1, "msr afsr1_el1, x7", HCR_EL2, HCR_TVM)                                              \
  X(tvm_mair, "msr mair_el1, x8", HCR_EL2, HCR_TVM)                                                \
  X(tvm_amair, "msr amair_el1, x9", HCR_EL2, HCR_TVM)                                              \
  X(tvm_contextidr, "msr contextidr_el1, x10", HCR_EL2, HCR_TVM)                                   \
  X(tacr_write, "msr actlr_el1, x11", HCR_EL2, HCR_TACR)                                           \
  X(tcpac_write, "msr cpacr_el1, x12", CPTR_EL2, 1ul << 31)                                        \
  X(ttlb_vmalle1, "tlbi vmalle1", HCR_EL2, HCR_TTLB)                                               \
  X(ttlb_vae1, "tlbi vae1, x13", HCR_EL2, HCR_TTLB)                                                \
  X(ttlb_aside1, "tlbi aside1, x14", HCR_EL2, HCR_TTLB)                                            \
  X(ttlb_vaae1, "tlbi vaae1, x15", HCR_EL2, HCR_TTLB)                                              \
  X(ttlb_vale1, "tlbi vale1, x18", HCR_EL2, HCR_TTLB)                                              \
  X(ttlb_vaale1, "tlbi vaale1, x19", HCR_EL2, HCR_TTLB)                                            \
  X(ttlb_vmalle1is, "tlbi vmalle1is", HCR_EL2, HCR_TTLB)                                           \
  X(ttlb_vae1is, "tlbi vae1is, x20", HCR_EL2, HCR_TTLB)                                            \
  X(ttlb_aside1is, "tlbi aside1is, x21", HCR_EL2, HCR_TTLB)                                        \
  X(tsw_isw, "dc isw, x22", HCR_EL2, HCR_TSW)                                                      \
  X(tsw_csw, "dc csw, x23", HCR_EL2, HCR_TSW)                                                      \
  X(tsw_cisw, "dc cisw, x24", HCR_EL2, HCR_TSW)                                                    \
  X(tpc_ivac, "dc ivac, x0", HCR_EL2, HCR_TPC)                                                     \
  X(tpc_cvac, "dc cvac, x0", HCR_EL2, HCR_TPC)                                                     \
  X(tpc_civac, "dc civac, x0", HCR_EL2, HCR_TPC)                                                   \
  X(tpu_cvau, "dc cvau, x0", HCR_EL2, HCR_TPU)                                                     \
  X(tpu_ivau, "ic ivau, x0", HCR_EL2, HCR_TPU)                                                     \
  X(tpu_iallu, "ic iallu", HCR_EL2, HCR_TPU)                                                       \
  X(tpu_ialluis, "ic ialluis", HCR_EL2, HCR_TPU)                                                   \
  X(tdz_zva, "dc zva, x0", HCR_EL2, HCR_TDZ)                                                       \
  X(tidcp, "msr s3_0_c11_c0_0, x25", HCR_EL2, HCR_TIDCP)                                           \
  X(tid2_csselr_write, "msr csselr_el1, x26", HCR_EL2, HCR_TID2)                                   \
  X(tda_mdscr, "msr mdscr_el1, x27", MDCR_EL2, 1 << 9)                                             \
  X(tdra_mdrar, "mrs x27, mdrar_el1", MDCR_EL2, 1 << 11)                                           \
  X(tdosa_oslar, "msr oslar_el1, x27", MDCR_EL2, 1 << 10)                                          \
  X(tda_dbgbvr, "msr dbgbvr0_el1, x28", MDCR_EL2, 1 << 9)                                          \
  X(tpm_pmccntr, "mrs x28, pmccntr_el0", MDCR_EL2, 1 << 6)                                         \
  X(tpmcr_pmcr, "mrs x29, pmcr_el0", MDCR_EL2, 1 << 5)

// Harmless reads and instructions: also run without the trap.
#define HARMLESS(X)                                                                                \
  X(trvm_sctlr, "mrs x0, sctlr_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_ttbr0, "mrs x1, ttbr0_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_ttbr1, "mrs x2, ttbr1_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_tcr, "mrs x3, tcr_el1", HCR_EL2, HCR_TRVM)                                                \
  X(trvm_esr, "mrs x4, esr_el1", HCR_EL2, HCR_TRVM)                                                \
  X(trvm_far, "mrs x5, far_el1", HCR_EL2, HCR_TRVM)                                                \
  X(trvm_afsr0, "mrs x6, afsr0_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_afsr1, "mrs x7, afsr1_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_mair, "mrs x8, mair_el1", HCR_EL2, HCR_TRVM)                                              \
  X(trvm_amair, "mrs x9, amair_el1", HCR_EL2, HCR_TRVM)                                            \
  X(trvm_contextidr, "mrs x10, contextidr_el1", HCR_EL2, HCR_TRVM)                                 \
  X(trvm_to_zero, "mrs xzr, sctlr_el1", HCR_EL2, HCR_TRVM)                                         \
  X(tacr_read, "mrs x11, actlr_el1", HCR_EL2, HCR_TACR)                                            \
  X(tcpac_read, "mrs x12, cpacr_el1", CPTR_EL2, 1ul << 31)                                         \
  X(tid1_revidr, "mrs x13, revidr_el1", HCR_EL2, HCR_TID1)                                         \
  X(tid1_aidr, "mrs x14, aidr_el1", HCR_EL2, HCR_TID1)                                             \
  X(tid2_ctr, "mrs x15, ctr_el0", HCR_EL2, HCR_TID2)                                               \
  X(tid2_ccsidr, "mrs x18, ccsidr_el1", HCR_EL2, HCR_TID2)                                         \
  X(tid2_clidr, "mrs x19, clidr_el1", HCR_EL2, HCR_TID2)                                           \
  X(tid2_csselr, "mrs x20, csselr_el1", HCR_EL2, HCR_TID2)                                         \
  X(tid3_pfr0, "mrs x21, id_aa64pfr0_el1", HCR_EL2, HCR_TID3)                                      \
  X(tid3_pfr1, "mrs x22, id_aa64pfr1_el1", HCR_EL2, HCR_TID3)                                      \
  X(tid3_dfr0, "mrs x23, id_aa64dfr0_el1", HCR_EL2, HCR_TID3)                                      \
  X(tid3_isar0, "mrs x24, id_aa64isar0_el1", HCR_EL2, HCR_TID3)                                    \
  X(tid3_mmfr0, "mrs x25, id_aa64mmfr0_el1", HCR_EL2, HCR_TID3)                                    \
  X(tid3_aa32, "mrs x26, id_isar0_el1", HCR_EL2, HCR_TID3)                                         \
  X(tid3_mvfr0, "mrs x27, mvfr0_el1", HCR_EL2, HCR_TID3)                                           \
  X(tid3_reserved, "mrs x28, s3_0_c0_c7_7", HCR_EL2, HCR_TID3)                                     \
  X(tid3_not_midr, "mrs x29, midr_el1", HCR_EL2, HCR_TID3)                                         \
  X(tfp, "fadd d0, d1, d2", CPTR_EL2, 1 << 10)                                                     \
  X(cnthctl_cntp_ctl, "mrs x0, cntp_ctl_el0", NONE, 0)                                             \
  X(cnthctl_cntpct, "mrs x1, cntpct_el0", NONE, 0)

VICTIM(wfi_at_el1, "wfi")
VICTIM(wfe_at_el1, "wfe")
VICTIM(smc_at_el1, "mov x0, #-1\n\tsmc #0x1221")
VICTIM(hvc_at_el1, "hvc #0x4321")
VICTIM(svc_at_el0, "svc #0x1234")
VICTIM(load_at_el0, "ldr w2, [x0]")
VICTIM(udf_at_el0, "udf #1")
VICTIM(physical_counter, "mrs x3, cntpct_el0")
VICTIM(physical_timer, "msr cntp_cval_el0, x4")
VICTIM(ctr_at_el0, "mrs x5, ctr_el0")
VICTIM(zva_at_el0, "dc zva, x0")
VICTIM(cvau_at_el0, "dc cvau, x0")
VICTIM(fp_at_el0, "fadd d0, d1, d2")

#define DEFINE(name, text, ...) VICTIM(name, text)
#define ROW(name, text, which, bits) {#name, name, which, bits},

WRITES(DEFINE)
HARMLESS(DEFINE)

struct row {
  const char *name;
  const u32 *victim;
  enum control which;
  u64 bits;
};
static const struct row writes[] = {WRITES(ROW)};
static const struct row harmless[] = {HARMLESS(ROW)};

extern char vectors_smc[];
static const struct {
  const char *name;
  struct test test;
} special[] = {
    {"twi", {1, 0, wfi_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWI}}}},
    {"twi-el0", {0, 0, wfi_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWI}}}},
    {"twi-pending", {1, TIMER_PENDING, wfi_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWI}}}},
    {"twi-and-ntwi-el0", {0, 0, wfi_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWI}, {SCTLR_EL1, SCTLR_NTWI, 0}}}},
    {"twe", {1, 0, wfe_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWE}}}},
    {"tsc", {1, 0, smc_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TSC}}}},
    {"tsc-el0", {0, 0, smc_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TSC}}}},
    {"hcd", {1, 0, hvc_at_el1, 0, 0, {{HCR_EL2, 0, HCR_HCD | HCR_TSC}, {VBAR_EL1, ALL, (u64)vectors_smc}}}},
    {"hcd-el2", {2, 0, hvc_at_el1, 0, 0, {{HCR_EL2, 0, HCR_HCD}}}},
    {"tge-svc", {0, 0, svc_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"tge-udf", {0, 0, udf_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"tge-abort", {0, 0, load_at_el0, 7 * GIB, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"tge-fp", {0, 0, fp_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TGE}, {CPACR_EL1, 3 << 20, 0}}}},
    {"eret-to-el1-with-tge", {1, 0, svc_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TGE}}}},
    {"el1pcten", {1, 0, physical_counter, 0, 0, {{CNTHCTL_EL2, 1, 0}}}},
    {"el1pcten-el0", {0, 0, physical_counter, 0, 0, {{CNTHCTL_EL2, 1, 0}}}},
    {"el1pcten-el0-and-cntkctl", {0, 0, physical_counter, 0, 0, {{CNTHCTL_EL2, 1, 0}, {CNTKCTL_EL1, 1, 0}}}},
    {"el1pcen", {1, 0, physical_timer, 0, 0, {{CNTHCTL_EL2, 2, 0}}}},
    {"el1pcen-el0", {0, 0, physical_timer, 0, 0, {{CNTHCTL_EL2, 2, 0}}}},
    {"tid2-el0", {0, 0, ctr_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TID2}}}},
    {"tid2-el0-and-uct", {0, 0, ctr_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TID2}, {SCTLR_EL1, SCTLR_UCT, 0}}}},
    {"tdz-el0", {0, 0, zva_at_el0, SCRATCH, 0, {{HCR_EL2, 0, HCR_TDZ}}}},
    {"tpu-el0", {0, 0, cvau_at_el0, SCRATCH, 0, {{HCR_EL2, 0, HCR_TPU}}}},
    {"tpu-el0-and-uci", {0, 0, cvau_at_el0, SCRATCH, 0, {{HCR_EL2, 0, HCR_TPU}, {SCTLR_EL1, SCTLR_UCI, 0}}}},
    {"tfp-el0", {0, 0, fp_at_el0, 0, 0, {{CPTR_EL2, 0, 1 << 10}}}},
    {"tfp-el0-and-cpacr", {0, 0, fp_at_el0, 0, 0, {{CPTR_EL2, 0, 1 << 10}, {CPACR_EL1, 3 << 20, 0}}}},
    {"tfp-el2", {2, 0, fp_at_el0, 0, 0, {{CPTR_EL2, 0, 1 << 10}}}},
    {"twi-el2-does-not", {2, TIMER_PENDING, wfi_at_el1, 0, 0, {{HCR_EL2, 0, HCR_TWI}}}},
};

static void run_row(const struct row *row, int trapped) {
  struct test test = {1, 0, row->victim, SCRATCH, 0, {{row->which, 0, row->bits}}};
  if (!trapped) test.changes[0] = (struct change){NONE, 0, 0};
  run(&test, "trap", row->name, trapped ? NULL : "off", NULL);
}

void hypervisor_trap_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(writes); i++) run_row(&writes[i], 1);
  for (u32 i = 0; i < ARRAY_LENGTH(harmless); i++) {
    if (harmless[i].which != NONE) run_row(&harmless[i], 1);
    run_row(&harmless[i], 0);
  }
  for (u32 i = 0; i < ARRAY_LENGTH(special); i++) run(&special[i].test, "trap", special[i].name, NULL, NULL);
}
