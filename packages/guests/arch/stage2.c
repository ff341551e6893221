// Stage 2: each place of tables4k.c by load, store and fetch; under stage 1 walks (S1PTW); and the
// instruction syndrome that a hypervisor emulates devices with (DDI 0487 D8.5, ESR_ELx ISS for aborts).
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(fetch, "br x0")

static const struct {
  const char *name;
  const u32 *victim;
  u64 window;
} accesses[] = {{"load", load, WINDOW}, {"store", store, WINDOW}, {"fetch", fetch, CODE_WINDOW}};

// name, instruction: at a device that is not there
#define SYNDROMES(X)                                                                               \
  X(ldr_w, "ldr w7, [x0]")                                                                         \
  X(ldr_x, "ldr x8, [x0]")                                                                         \
  X(ldrb_w, "ldrb w9, [x0]")                                                                       \
  X(ldrh_w, "ldrh w10, [x0]")                                                                      \
  X(ldrsb_w, "ldrsb w11, [x0]")                                                                    \
  X(ldrsb_x, "ldrsb x12, [x0]")                                                                    \
  X(ldrsh_w, "ldrsh w13, [x0]")                                                                    \
  X(ldrsh_x, "ldrsh x14, [x0]")                                                                    \
  X(ldrsw_x, "ldrsw x15, [x0]")                                                                    \
  X(ldr_wzr, "ldr wzr, [x0]")                                                                      \
  X(ldr_offset, "ldr w18, [x0, #4]")                                                               \
  X(ldr_register, "ldr w19, [x0, x1]")                                                             \
  X(ldur_x, "ldur x20, [x0, #1]")                                                                  \
  X(ldar_w, "ldar w21, [x0]")                                                                      \
  X(ldarb_w, "ldarb w22, [x0]")                                                                    \
  X(ldtr_w, "ldtr w23, [x0]")                                                                      \
  X(strb_w, "strb w24, [x0]")                                                                      \
  X(strh_w, "strh w25, [x0]")                                                                      \
  X(str_w, "str w26, [x0]")                                                                        \
  X(str_x, "str x27, [x0]")                                                                        \
  X(str_xzr, "str xzr, [x0]")                                                                      \
  X(stlr_x, "stlr x28, [x0]")                                                                      \
  X(ldr_post_index, "ldr w29, [x0], #4")                                                           \
  X(ldr_pre_index, "ldr w29, [x0, #4]!")                                                           \
  X(str_post_index, "str w29, [x0], #4")                                                           \
  X(ldp_x, "ldp x5, x6, [x0]")                                                                     \
  X(stp_x, "stp x5, x6, [x0]")                                                                     \
  X(ldpsw_x, "ldpsw x5, x6, [x0]")                                                                 \
  X(ldxr_x, "ldxr x5, [x0]")                                                                       \
  X(ldaxr_w, "ldaxr w5, [x0]")                                                                     \
  X(ldr_q, "ldr q0, [x0]")                                                                         \
  X(str_d, "str d0, [x0]")                                                                         \
  X(ld1_v, "ld1 {v0.4s}, [x0]")                                                                    \
  X(dc_zva, "dc zva, x0")                                                                          \
  X(dc_civac, "dc civac, x0")                                                                      \
  X(dc_ivac, "dc ivac, x0")                                                                        \
  X(ic_ivau, "ic ivau, x0")                                                                        \
  X(prfm_l1, "prfm pldl1keep, [x0]")

#define DEFINE(name, text) VICTIM(name, text)
#define ROW(name, text) {#name, name},
SYNDROMES(DEFINE)
static const struct {
  const char *name;
  const u32 *victim;
} syndromes[] = {SYNDROMES(ROW)};

#define IPS_44 {TCR_EL1, TCR_IPS, TCR_IPS_44}
#define STAGE2 {HCR_EL2, 0, HCR_VM}

// 0xabc into the place, so that the address in FAR and the page in HPFAR are told apart.
#define OFFSET 0xab0

static void run_access(const struct place *p, u32 access, u32 level) {
  u64 address = accesses[access].window + offset_in_windows(p) + OFFSET;
  struct test test = {level, 0, accesses[access].victim, address, 0, {STAGE2, IPS_44}};
  run(&test, "stage2", p->name, accesses[access].name, level ? "EL1" : "EL0");
}

static void run_walk(u32 n, u32 access) {
  struct test test = {1, 0, accesses[access].victim, WALK_PLACES + n * GIB + 3 * 2 * MIB + OFFSET, 0, {STAGE2, IPS_44}};
  run(&test, "stage2-walk", stage2_places[n].name, accesses[access].name, "EL1");
}

static const struct {
  const char *name;
  struct test test;
} special[] = {
    {"off", {1, 0, load, WINDOW + 2 * GIB, 0, {{TCR_EL1, TCR_IPS, TCR_IPS_44}, {SCTLR_EL1, 0, 0}}}},
    {"stage1-first", {1, 0, load, 7 * GIB, 0, {STAGE2, IPS_44}}},
    {"stage1-off", {1, 0, load, 2 * GIB + OFFSET, 0, {STAGE2, {SCTLR_EL1, SCTLR_M, 0}}}},
    {"stage1-off-mapped", {1, 0, load, SCRATCH, 0, {STAGE2, {SCTLR_EL1, SCTLR_M, 0}}}},
    {"default-cacheable", {1, 0, load, SCRATCH + 1, 0, {{HCR_EL2, 0, HCR_VM | HCR_DC}, {SCTLR_EL1, SCTLR_M, 0}}}},
    {"dc-overrides-m", {1, 0, load, 2 * GIB + OFFSET, 0, {{HCR_EL2, 0, HCR_VM | HCR_DC}}}},
    {"walk-in-device", {1, 0, load, WALK_PLACES + 18 * GIB, 0, {{HCR_EL2, 0, HCR_VM | HCR_PTW}, IPS_44}}},
    {"walk-in-device-allowed", {1, 0, load, WALK_PLACES + 18 * GIB, 0, {STAGE2, IPS_44}}},
    {"misaligned-in-device", {1, 0, load, WINDOW + 7 * GIB + 9 * PAGE_SIZE + 1, 0, {STAGE2, IPS_44}}},
};

void stage2_cases(void) {
  for (const struct place *p = stage2_places; p->name; p++) {
    for (u32 a = 0; a < ARRAY_LENGTH(accesses); a++) {
      for (u32 level = 0; level < 2; level++) run_access(p, a, level);
    }
  }
  for (u32 n = 0; stage2_places[n].name; n++) {
    for (u32 a = 0; a < ARRAY_LENGTH(accesses); a++) run_walk(n, a);
  }
  for (u32 i = 0; i < ARRAY_LENGTH(syndromes); i++) {
    struct test test = {1, 0, syndromes[i].victim, WINDOW + 2 * GIB + 0x100, 0, {STAGE2, IPS_44}};
    run(&test, "syndrome", syndromes[i].name, NULL, NULL);
  }
  for (u32 i = 0; i < ARRAY_LENGTH(special); i++) run(&special[i].test, "stage2", special[i].name, NULL, NULL);
}
