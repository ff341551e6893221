// AT and PAR_EL1: success and each fault, of stage 1, of both stages, of EL2's own regime (DDI 0487
// C5.5, D8.2.12).
#include "arch.h"

#define AT(operation) "at " operation ", x0\n\tisb\n\tmrs x0, par_el1"
VICTIM(s1e0r, AT("s1e0r"))
VICTIM(s1e0w, AT("s1e0w"))
VICTIM(s1e1r, AT("s1e1r"))
VICTIM(s1e1w, AT("s1e1w"))
VICTIM(s12e0r, AT("s12e0r"))
VICTIM(s12e0w, AT("s12e0w"))
VICTIM(s12e1r, AT("s12e1r"))
VICTIM(s12e1w, AT("s12e1w"))
VICTIM(s1e2r, AT("s1e2r"))
VICTIM(s1e2w, AT("s1e2w"))

struct operation {
  const char *name;
  const u32 *victim;
};
static const struct operation at_el1[] = {{"s1e0r", s1e0r}, {"s1e0w", s1e0w}, {"s1e1r", s1e1r}, {"s1e1w", s1e1w}};
static const struct operation at_el2[] = {{"s12e0r", s12e0r}, {"s12e0w", s12e0w}, {"s12e1r", s12e1r}, {"s12e1w", s12e1w}};
static const struct operation own[] = {{"s1e2r", s1e2r}, {"s1e2w", s1e2w}};

static void run_operation(const char *group, const struct operation *operation, u32 level, u64 address, const char *place, struct change change) {
  struct test test = {level, SHOW_PAR, operation->victim, address, 0, {change}};
  if (change.which == HCR_EL2) test.changes[1] = (struct change){TCR_EL1, TCR_IPS, TCR_IPS_44};
  run(&test, group, place, operation->name, level == 1 ? "EL1" : "EL2");
}

// Walks that meet an external abort take it as an exception, and are in stage1.c's fetches and loads.
static int is_external(const struct place *p) {
  return memcmp(p->name, "external", 8) == 0;
}

static void stage1_places_all(void) {
  struct change none = {NONE, 0, 0};
  for (const struct place *p = stage1_places; p->name; p++) {
    if (is_external(p)) continue;
    for (u32 i = 0; i < 4; i++) run_operation("at", &at_el1[i], 1, p->address, p->name, none);
    if (highest() < 2) continue;
    for (u32 i = 0; i < 2; i++) run_operation("at", &own[i], 2, p->address, p->name, none);
  }
}

void address_translation_cases(void) {
  stage1_places_all();
  if (highest() < 2) return;
  struct change two_stages = {HCR_EL2, 0, HCR_VM};
  for (u32 n = 0; stage2_places[n].name; n++) {
    const struct place *p = &stage2_places[n];
    if (is_external(p)) continue;
    u64 address = WINDOW + offset_in_windows(p);
    for (u32 i = 0; i < 4; i++) run_operation("at-two-stages", &at_el2[i], 2, address, p->name, two_stages);
    run_operation("at-two-stages", &at_el1[2], 1, address, p->name, two_stages);
    // the same place under a stage 1 walk: in PAR_EL1 for EL2, an exception for EL1
    run_operation("at-walk", &at_el2[2], 2, WALK_PLACES + n * GIB, p->name, two_stages);
    run_operation("at-walk", &at_el1[2], 1, WALK_PLACES + n * GIB, p->name, two_stages);
  }
}
