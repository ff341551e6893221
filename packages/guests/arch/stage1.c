// Stage 1: each place of tables4k.c, each kind of access, from each level (DDI 0487 D8.2, D8.4, D8.15).
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(fetch, "br x0")
VICTIM(load_unprivileged, "ldtr w2, [x0]")
VICTIM(store_unprivileged, "sttr w1, [x0]")
VICTIM(exclusive_store, "ldxr w2, [x0]\n\tstxr w3, w1, [x0]")
VICTIM(prefetch, "prfm pldl1keep, [x0]")
VICTIM(zero_line, "dc zva, x0")
VICTIM(clean_line, "dc cvac, x0")
VICTIM(invalidate_line, "dc ivac, x0")
VICTIM(clean_code, "ic ivau, x0")
VICTIM(load_pair, "ldp x2, x3, [x0, #-8]")
VICTIM(load_vector, "ld1 {v0.16b, v1.16b}, [x0]")

static const char *const levels[] = {"EL0", "EL1", "EL2"};

static const struct {
  const char *name;
  const u32 *victim;
} accesses[] = {{"load", load}, {"store", store}, {"fetch", fetch}};

static u64 place(const char *name) {
  for (const struct place *p = stage1_places; p->name; p++) {
    if (strcmp(p->name, name) == 0) return p->address;
  }
  return 0;
}

// Other instructions that access memory, at one place each.
static const struct {
  const char *name, *place;
  const u32 *victim;
  u32 levels;
} others[] = {
    {"ldtr", "privileged-1", load_unprivileged, 2},
    {"ldtr", "privileged-2", load_unprivileged, 2},
    {"ldtr", "privileged-3", load_unprivileged, 2},
    {"sttr", "privileged-3", store_unprivileged, 2},
    {"sttr", "read-only-3", store_unprivileged, 2},
    {"stxr", "read-only-3", exclusive_store, 3},
    {"prfm", "translation-3", prefetch, 3},
    {"dc-zva", "translation-3", zero_line, 3},
    {"dc-zva", "read-only-3", zero_line, 3},
    {"dc-cvac", "translation-3", clean_line, 3},
    {"dc-cvac", "read-only-3", clean_line, 3},
    {"dc-ivac", "translation-3", invalidate_line, 2},
    {"dc-ivac", "read-only-3", invalidate_line, 2},
    {"ic-ivau", "translation-3", clean_code, 3},
    {"ldp-across", "read-write-3", load_pair, 3},
    {"ld1", "translation-2", load_vector, 3},
};

// Controls that change what the same tables mean.
static const struct {
  const char *name, *place;
  const u32 *victim;
  u32 level;
  struct change change;
} controlled[] = {
    {"wxn-writable", "privileged-3", fetch, 1, {SCTLR_EL1, 0, SCTLR_WXN}},
    {"wxn-writable", "read-write-3", fetch, 0, {SCTLR_EL1, 0, SCTLR_WXN}},
    {"wxn-read-only", "read-only-3", fetch, 1, {SCTLR_EL1, 0, SCTLR_WXN}},
    {"wxn-read-only", "read-only-3", fetch, 0, {SCTLR_EL1, 0, SCTLR_WXN}},
    {"epd1", "upper-half", load, 1, {TCR_EL1, 0, TCR_EPD1}},
    {"ips-44", "address-size-3", load, 1, {TCR_EL1, TCR_IPS, TCR_IPS_44}},
};

static void run_others(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(others); i++) {
    for (u32 level = 0; level < 2; level++) {
      if (!(others[i].levels & 1u << level)) continue;
      struct test test = {level, 0, others[i].victim, place(others[i].place), 0, {{}}};
      run(&test, "stage1", others[i].place, others[i].name, levels[level]);
    }
  }
}

// Bits 63:56 are ignored with TBI0, and are the address's without it.
static void run_tagged(void) {
  u64 tagged = place("translation-3") | 0x5aul << 56;
  struct test on = {0, 0, load, tagged, 0, {{TCR_EL1, 0, TCR_TBI0}}};
  struct test off = {0, 0, load, tagged, 0, {{}}};
  struct test through = {0, 0, load, place("read-write-3") | 0x5aul << 56, 0, {{TCR_EL1, 0, TCR_TBI0}}};
  run(&on, "stage1", "tag-ignored", "load", "EL0");
  run(&off, "stage1", "tag-not-ignored", "load", "EL0");
  run(&through, "stage1", "tag-ignored-mapped", "load", "EL0");
}

void stage1_cases(void) {
  for (const struct place *p = stage1_places; p->name; p++) {
    for (u32 a = 0; a < ARRAY_LENGTH(accesses); a++) {
      for (u32 level = 0; level <= highest(); level++) {
        struct test test = {level, 0, accesses[a].victim, p->address, 0, {{}}};
        run(&test, "stage1", p->name, accesses[a].name, levels[level]);
      }
    }
  }
  run_others();
  for (u32 i = 0; i < ARRAY_LENGTH(controlled); i++) {
    struct test test = {controlled[i].level, 0, controlled[i].victim, place(controlled[i].place), 0, {controlled[i].change}};
    run(&test, "stage1", controlled[i].place, controlled[i].name, levels[controlled[i].level]);
  }
  run_tagged();
}
