// What the groups stage1 and stage2 leave out of the table fault type x level x stage x access: level 0 by
// the base registers, cache maintenance (CM), alignment at EL2 and by stage 2 (DDI 0487 D8.15, ESR_ELx
// "ISS encoding for an exception from a Data Abort"). A test finds the combinations without a case.
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(fetch, "br x0")
VICTIM(load_exclusive, "ldxr w2, [x0]")
VICTIM(store_release, "stlr w1, [x0]")
VICTIM(clean_invalidate, "dc civac, x0") // wants permission to read
VICTIM(invalidate, "dc ivac, x0")        // wants permission to write, and EL1

static const char *const levels[] = {"EL0", "EL1", "EL2"};
struct access {
  const char *name;
  const u32 *victim;
};
static const struct access accesses[] = {{"load", load}, {"store", store}, {"fetch", fetch}, {"dc-civac", clean_invalidate}};

#define UPPER (~0ul << 48 | 0x123456780ul)
#define IPS_44 {TCR_EL1, TCR_IPS, TCR_IPS_44}
#define STAGE2 {HCR_EL2, 0, HCR_VM}
#define STAGE1_OFF {SCTLR_EL1, SCTLR_M, 0}
#define READ_WRITE (7 * GIB + 7 * PAGE_SIZE)
#define STAGE2_DEVICE (7 * GIB + 9 * PAGE_SIZE)
#define OFFSET 0xab0

// The base of the tables itself: level 0, or, with 39 bits of address, level 1.
static const struct {
  const char *name;
  struct change changes[2];
} bases[] = {
    {"address-size-0", {{TTBR1_EL1, ALL, TOO_HIGH}}},
    {"external-walk-0", {{TTBR1_EL1, ALL, NOWHERE}}},
    {"translation-0", {{}}},
    {"address-size-1", {{TTBR1_EL1, ALL, TOO_HIGH}, {TCR_EL1, 63 << 16, 25 << 16}}},
    {"external-walk-1", {{TTBR1_EL1, ALL, NOWHERE}, {TCR_EL1, 63 << 16, 25 << 16}}},
    {"translation-1", {{TCR_EL1, 63 << 16, 25 << 16}}},
};

static void base_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(bases); i++) {
    u64 address = bases[i].changes[1].which || bases[i].changes[0].which == TCR_EL1 ? UPPER | 511ul << 39 : UPPER;
    for (u32 a = 0; a < ARRAY_LENGTH(accesses); a++) {
      for (u32 level = 0; level < 2; level++) {
        struct test test = {level, 0, accesses[a].victim, address, 0, {bases[i].changes[0], bases[i].changes[1]}};
        run(&test, "fault-base", bases[i].name, accesses[a].name, levels[level]);
      }
    }
  }
}

static const char *const maintained[] = {"translation-", "address-size-", "access-flag-", "privileged-", "read-only-", "no-access-", "external-walk-"};

static int is_maintained(const char *name) {
  for (u32 i = 0; i < ARRAY_LENGTH(maintained); i++) {
    if (memcmp(name, maintained[i], strlen(maintained[i])) == 0) return 1;
  }
  return 0;
}

// At EL0 what only EL1 may access faults; above, to invalidate is what read-only memory does not allow.
static void stage1_maintenance(void) {
  for (const struct place *p = stage1_places; p->name; p++) {
    if (!is_maintained(p->name)) continue;
    for (u32 level = 0; level <= highest(); level++) {
      struct test test = {level, 0, level ? invalidate : clean_invalidate, p->address, 0, {{}}};
      run(&test, "fault-cm", p->name, level ? "dc-ivac" : "dc-civac", levels[level]);
    }
  }
}

static void stage2_maintenance(void) {
  for (u32 n = 0; stage2_places[n].name; n++) {
    const struct place *p = &stage2_places[n];
    if (!is_maintained(p->name)) continue;
    for (u32 level = 0; level < 2; level++) {
      struct test test = {level, 0, clean_invalidate, WINDOW + offset_in_windows(p) + OFFSET, 0, {STAGE2, IPS_44}};
      run(&test, "fault-cm-stage2", p->name, "dc-civac", levels[level]);
      test.x0 = WALK_PLACES + n * GIB + 3 * 2 * MIB + OFFSET;
      run(&test, "fault-cm-walk", p->name, "dc-civac", levels[level]);
    }
  }
}

// The base of stage 2's tables: the first fetch faults, by itself or under stage 1's walk.
static const struct {
  const char *name;
  struct test test;
} stage2_bases[] = {
    {"external-walk-0/fetch/EL1", {1, 0, load, 0, 0, {STAGE2, STAGE1_OFF, {VTTBR_EL2, ALL, NOWHERE}}}},
    {"external-walk-0/fetch/EL0", {0, 0, load, 0, 0, {STAGE2, STAGE1_OFF, {VTTBR_EL2, ALL, NOWHERE}}}},
    {"external-walk-0/fetch-walk/EL1", {1, 0, load, 0, 0, {STAGE2, {VTTBR_EL2, ALL, NOWHERE}}}},
    {"external-walk-0/fetch-walk/EL0", {0, 0, load, 0, 0, {STAGE2, {VTTBR_EL2, ALL, NOWHERE}}}},
    {"address-size-0/fetch/EL1", {1, 0, load, 0, 0, {STAGE2, STAGE1_OFF, {VTTBR_EL2, ALL, TOO_HIGH_STAGE2}}}},
    {"address-size-0/fetch-walk/EL1", {1, 0, load, 0, 0, {STAGE2, {VTTBR_EL2, ALL, TOO_HIGH_STAGE2}}}},
};

static const struct {
  const char *name;
  struct test test;
} aligned_el2[] = {
    {"load/EL2", {2, 0, load, READ_WRITE + 1, 0, {{SCTLR_EL2, 0, SCTLR_A}}}},
    {"store/EL2", {2, 0, store, READ_WRITE + 1, 0, {{SCTLR_EL2, 0, SCTLR_A}}}},
    {"load-off/EL2", {2, 0, load, READ_WRITE + 1, 0, {{}}}},
    {"load-el1-bit/EL2", {2, 0, load, READ_WRITE + 1, 0, {{SCTLR_EL1, 0, SCTLR_A}}}},
    {"ldxr/EL2", {2, 0, load_exclusive, READ_WRITE + 2, 0, {{}}}},
    {"stlr/EL2", {2, 0, store_release, READ_WRITE + 2, 0, {{}}}},
    {"stage2-device-load/EL0", {0, 0, load, WINDOW + STAGE2_DEVICE + 1, 0, {STAGE2, IPS_44}}},
    {"stage2-device-store/EL0", {0, 0, store, WINDOW + STAGE2_DEVICE + 1, 0, {STAGE2, IPS_44}}},
    {"stage2-device-store/EL1", {1, 0, store, WINDOW + STAGE2_DEVICE + 1, 0, {STAGE2, IPS_44}}},
    {"stage2-device-aligned/EL1", {1, 0, store, WINDOW + STAGE2_DEVICE, 0, {STAGE2, IPS_44}}},
    {"stage1-before-stage2/EL1", {1, 0, store, WINDOW + 2 * GIB + 1, 0, {STAGE2, IPS_44, {SCTLR_EL1, 0, SCTLR_A}}}},
};

// Stores at EL0 under stage 2's walk faults, which the group stage2-walk makes at EL1.
static void walk_cases(void) {
  for (u32 n = 0; stage2_places[n].name; n++) {
    for (u32 a = 0; a < 3; a++) {
      struct test test = {0, 0, accesses[a].victim, WALK_PLACES + n * GIB + 3 * 2 * MIB + OFFSET, 0, {STAGE2, IPS_44}};
      run(&test, "stage2-walk", stage2_places[n].name, accesses[a].name, "EL0");
    }
  }
}

void fault_cases(void) {
  base_cases();
  stage1_maintenance();
  if (highest() < 2) return;
  stage2_maintenance();
  for (u32 i = 0; i < ARRAY_LENGTH(stage2_bases); i++) run(&stage2_bases[i].test, "fault-base-stage2", stage2_bases[i].name, NULL, NULL);
  for (u32 i = 0; i < ARRAY_LENGTH(aligned_el2); i++) run(&aligned_el2[i].test, "fault-alignment", aligned_el2[i].name, NULL, NULL);
  walk_cases();
}
