// An instruction with two reasons to take an exception: which one it is (DDI 0487 D1.3.5, "Synchronous
// exception prioritization"; D8.15, prioritization of faults of one translation); and an access that
// crosses from one page into another.
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(load_pair, "ldp x2, x3, [x0]")
VICTIM(store_pair, "stp x2, x3, [x0]")
VICTIM(load_vector, "ldr q0, [x0]")
VICTIM(load_vectors, "ld1 {v0.16b, v1.16b, v2.16b, v3.16b}, [x0]")
VICTIM(store_vectors, "st1 {v0.16b, v1.16b, v2.16b, v3.16b}, [x0]")
VICTIM(load_exclusive, "ldxr w2, [x0]")
VICTIM(load_post_index, "ldr x2, [x0], #8")
VICTIM(stack_load, "mov sp, x0\n\tldr x1, [sp]")
VICTIM(zero_line, "dc zva, x0")
VICTIM(clean_line, "dc cvac, x0")
VICTIM(undefined_at_el0, "msr sctlr_el1, x0")
VICTIM(branch_to, "br x0")
VICTIM(watched, "msr dbgwvr0_el1, x0\n\tmov x1, #0x1ff\n\tmsr dbgwcr0_el1, x1\n\tisb\n\tmsr daifclr, #8\n\tldr w2, [x0]")

#define ORDER(n) (ORDER_PLACES + (n) * PAGE_SIZE)
#define STAGE2 {HCR_EL2, 0, HCR_VM}
#define IPS_44 {TCR_EL1, TCR_IPS, TCR_IPS_44}
#define CHECKED {SCTLR_EL1, 0, SCTLR_A}
#define UNMAPPED (7 * GIB)
#define PAGE_END (PAGE_SIZE - 2)

struct row {
  const char *name;
  struct test test;
};

static const struct row rows[] = {
    {"access-flag-then-permission/store/EL1", {1, 0, store, ORDER(2), 0, {{}}}},
    {"access-flag-then-permission/load/EL0", {0, 0, load, ORDER(2), 0, {{}}}},
    {"address-size-then-access-flag/load/EL1", {1, 0, load, ORDER(3), 0, {{}}}},
    {"alignment-then-translation/load/EL1", {1, 0, load, UNMAPPED + 1, 0, {CHECKED}}},
    {"alignment-then-permission/store/EL1", {1, 0, store, ORDER(11) + 1, 0, {CHECKED}}},
    {"translation-then-device-alignment/ldxr/EL1", {1, 0, load_exclusive, UNMAPPED, 0, {{}}}},
    {"device-alignment-and-permission/store/EL1", {1, 0, store, ORDER(4) + 1, 0, {{}}}},
    {"device-alignment-and-permission/load/EL0", {0, 0, load, ORDER(5) + 1, 0, {{}}}},
    {"device-zva-and-permission/EL1", {1, 0, zero_line, ORDER(4), 0, {{}}}},
    {"sp-then-translation/EL1", {1, 0, stack_load, UNMAPPED + 8, 0, {{}}}},
    {"sp-then-translation/EL0", {0, 0, stack_load, UNMAPPED + 8, 0, {{}}}},
    {"fp-then-translation/EL1", {1, 0, load_vector, UNMAPPED, 0, {{CPACR_EL1, 3 << 20, 0}}}},
    {"fp-then-alignment/EL0", {0, 0, load_vector, UNMAPPED + 1, 0, {{CPACR_EL1, 3 << 20, 0}, CHECKED}}},
    {"trap-then-translation/zva/EL0", {0, 0, zero_line, UNMAPPED, 0, {{SCTLR_EL1, SCTLR_DZE, 0}}}},
    {"trap-then-translation/cvac/EL0", {0, 0, clean_line, UNMAPPED, 0, {{SCTLR_EL1, SCTLR_UCI, 0}}}},
    {"translation-then-watchpoint/EL1", {1, 0, watched, UNMAPPED, 0, {{MDSCR_EL1, 0, 1 << 15 | 1 << 13}}}},
    {"illegal-state-then-fetch/EL1", {1, ILLEGAL_STATE, branch_to, UNMAPPED, 0, {{}}}},
    {"crossing/load/EL1", {1, 0, load, UNMAPPED - 2 + 13 * PAGE_SIZE + PAGE_SIZE, 0, {{}}}},
    {"crossing-into-read-only/store/EL1", {1, 0, store, ORDER(10) + PAGE_END, 0, {{}}}},
    {"crossing-into-read-only/load/EL1", {1, 0, load, ORDER(10) + PAGE_END, 0, {{}}}},
    {"crossing-into-read-only/stp/EL1", {1, 0, store_pair, ORDER(11) - 8, 0, {{}}}},
    {"crossing-into-read-only/stp-inside/EL1", {1, 0, store_pair, ORDER(11) - 4, 0, {{}}}},
    {"crossing-into-read-only/st1/EL1", {1, 0, store_vectors, ORDER(11) - 32, 0, {{}}}},
    {"crossing-into-read-only/zva/EL1", {1, 0, zero_line, ORDER(11) - 1, 0, {{}}}},
};

static const struct row rows_el2[] = {
    {"stage1-permission-then-stage2/store/EL1", {1, 0, store, ORDER(0), 0, {STAGE2, IPS_44}}},
    {"stage1-permission-not-stage2/load/EL1", {1, 0, load, ORDER(0), 0, {STAGE2, IPS_44}}},
    {"stage1-access-flag-then-stage2/load/EL1", {1, 0, load, ORDER(1), 0, {STAGE2, IPS_44}}},
    {"stage1-execute-never-then-stage2/fetch/EL0", {0, 0, branch_to, ORDER(0), 0, {STAGE2, IPS_44}}},
    {"alignment-then-stage2/load/EL1", {1, 0, load, ORDER(9) + 1, 0, {STAGE2, IPS_44, CHECKED}}},
    {"stage1-device-alignment-then-stage2/load/EL1", {1, 0, load, ORDER(7) + 1, 0, {STAGE2, IPS_44}}},
    {"stage1-device-alignment-then-stage2/store/EL1", {1, 0, store, ORDER(6) + 1, 0, {STAGE2, IPS_44}}},
    {"stage2-device-alignment-and-permission/store/EL1", {1, 0, store, ORDER(12) + 1, 0, {STAGE2, IPS_44}}},
    {"fp-then-stage2/EL1", {1, 0, load_vector, ORDER(9), 0, {STAGE2, IPS_44, {CPACR_EL1, 3 << 20, 0}}}},
    {"trap-then-stage2/zva/EL1", {1, 0, zero_line, ORDER(9), 0, {{HCR_EL2, 0, HCR_VM | HCR_TDZ}, IPS_44}}},
    {"undefined-then-trap/EL0", {0, 0, undefined_at_el0, 0, 0, {{HCR_EL2, 0, HCR_TVM}}}},
    {"crossing-into-stage2/load/EL1", {1, 0, load, ORDER(8) + PAGE_END, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/store/EL1", {1, 0, store, ORDER(8) + PAGE_END, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/load/EL0", {0, 0, load, ORDER(8) + PAGE_END, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/ldp/EL1", {1, 0, load_pair, ORDER(9) - 8, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/ldp-inside/EL1", {1, 0, load_pair, ORDER(9) - 4, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/ld1/EL1", {1, 0, load_vectors, ORDER(9) - 32, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/ldr-q/EL1", {1, 0, load_vector, ORDER(9) - 8, 0, {STAGE2, IPS_44}}},
    {"crossing-into-stage2/post-index/EL1", {1, 0, load_post_index, ORDER(9) - 4, 0, {STAGE2, IPS_44}}},
    {"stage2-stp-second/EL1", {1, 0, store_pair, ORDER(9) - 8, 0, {STAGE2, IPS_44}}},
};

void order_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) run(&rows[i].test, "order", rows[i].name, NULL, NULL);
  write_register(dbgwcr0_el1, 0);
  if (highest() < 2) return;
  for (u32 i = 0; i < ARRAY_LENGTH(rows_el2); i++) run(&rows_el2[i].test, "order", rows_el2[i].name, NULL, NULL);
}
