// Each exception class by the instruction that makes it (DDI 0487 D1.3, ESR_EL1).
#include "arch.h"

VICTIM(nothing, "nop")
VICTIM(svc_instruction, "svc #0x1234")
VICTIM(hvc_instruction, "hvc #0x4321")
VICTIM(smc_instruction, "mov x0, #-1\n\tsmc #0x1221")
VICTIM(brk_instruction, "brk #0xbeef")
VICTIM(udf_instruction, "udf #0x7")
VICTIM(hlt_instruction, "hlt #0x7")
VICTIM(unallocated, ".inst 0xffffffff")
VICTIM(eret_instruction, "eret")
VICTIM(dcps1_instruction, "dcps1")
VICTIM(drps_instruction, ".inst 0xd6bf03e0")
VICTIM(fp_instruction, "fadd d0, d1, d2")
VICTIM(simd_instruction, "add v0.4s, v1.4s, v2.4s")
VICTIM(fp_register, "mrs x0, fpcr")
VICTIM(fp_load, "ldr q0, [sp]")
VICTIM(branch, "br x0")
VICTIM(stack_load, "add sp, sp, x0\n\tldr x1, [sp]")
VICTIM(stack_add, "add sp, sp, x0\n\tadd x1, sp, #1")
VICTIM(stack_pair, "add sp, sp, x0\n\tstp x0, x1, [sp, #-16]")
VICTIM(current_level, "mrs x0, CurrentEL")
VICTIM(select_el0, "msr spsel, #0\n\tmrs x0, spsel")
VICTIM(read_flags, "cmp x0, x0\n\tmrs x0, nzcv")
VICTIM(write_flags, "msr nzcv, x0\n\tudf #1")
VICTIM(wfi_instruction, "wfi")
VICTIM(wfe_instruction, "sevl\n\twfe\n\twfe")

static const struct {
  const char *name;
  const u32 *victim;
  u64 x0;
  u32 levels; // bit n: at ELn
  u32 flags;
  struct change change;
} cases[] = {
    {"nop", nothing, 0, 7, 0, {}},
    {"svc", svc_instruction, 0, 7, 0, {}},
    {"hvc", hvc_instruction, 0, 7, 0, {}},
    {"smc", smc_instruction, 0, 7, 0, {}},
    {"brk", brk_instruction, 0, 7, 0, {}},
    {"udf", udf_instruction, 0, 7, 0, {}},
    {"hlt", hlt_instruction, 0, 7, 0, {}},
    {"unallocated", unallocated, 0, 7, 0, {}},
    {"eret", eret_instruction, 0, 1, 0, {}},
    {"dcps1", dcps1_instruction, 0, 3, 0, {}},
    {"drps", drps_instruction, 0, 3, 0, {}},
    {"illegal-state", nothing, 0, 7, ILLEGAL_STATE, {}},
    {"illegal-state-svc", svc_instruction, 0, 7, ILLEGAL_STATE, {}},
    {"pc-misaligned", branch, 7 * GIB + 5 * PAGE_SIZE + 2, 7, 0, {}}, // in read-only-3 of tables4k.c
    {"pc-misaligned-unmapped", branch, 1, 7, 0, {}},
    {"sp-misaligned-load", stack_load, 8, 7, 0, {}},
    {"sp-misaligned-pair", stack_pair, 8, 7, 0, {}},
    {"sp-misaligned-add", stack_add, 8, 7, 0, {}},
    {"sp-el0-misaligned-load", stack_load, 8, 2, USE_SP_EL0, {}},
    {"sp-misaligned-allowed", stack_load, 8, 2, 0, {SCTLR_EL1, SCTLR_SA, 0}},
    {"sp-misaligned-allowed-el0", stack_load, 8, 1, 0, {SCTLR_EL1, SCTLR_SA0, 0}},
    {"svc-with-sp-el0", svc_instruction, 0, 6, USE_SP_EL0, {}},
    {"fp", fp_instruction, 0, 7, 0, {}},
    {"fp-none", fp_instruction, 0, 3, 0, {CPACR_EL1, 3 << 20, 0}},
    {"fp-not-el0", fp_instruction, 0, 3, 0, {CPACR_EL1, 3 << 20, 1 << 20}},
    {"fp-reserved", fp_instruction, 0, 3, 0, {CPACR_EL1, 3 << 20, 2 << 20}},
    {"simd-none", simd_instruction, 0, 3, 0, {CPACR_EL1, 3 << 20, 0}},
    {"fpcr-none", fp_register, 0, 3, 0, {CPACR_EL1, 3 << 20, 0}},
    {"fp-load-none", fp_load, 0, 3, 0, {CPACR_EL1, 3 << 20, 0}},
    {"current-level", current_level, 0, 7, SHOW_X0, {}},
    {"spsel", select_el0, 0, 6, SHOW_X0, {}},
    {"spsel-el0", select_el0, 0, 1, 0, {}},
    {"nzcv", read_flags, 0, 7, SHOW_X0, {}},
    {"nzcv-in-spsr", write_flags, 0x90000000, 7, 0, {}},
    {"wfi-el0-trap", wfi_instruction, 0, 1, 0, {SCTLR_EL1, SCTLR_NTWI, 0}},
    {"wfe-el0-trap", wfe_instruction, 0, 1, 0, {SCTLR_EL1, SCTLR_NTWE, 0}},
    {"wfi-pending", wfi_instruction, 0, 7, TIMER_PENDING, {}},
};

void exception_cases(void) {
  static const char *const names[] = {"EL0", "EL1", "EL2"};
  for (u32 i = 0; i < ARRAY_LENGTH(cases); i++) {
    for (u32 level = 0; level <= highest(); level++) {
      if (!(cases[i].levels & 1u << level)) continue;
      struct test test = {level, cases[i].flags, cases[i].victim, cases[i].x0, 0, {cases[i].change}};
      run(&test, "exception", cases[i].name, names[level], NULL);
    }
  }
}
