// IRQ and FIQ: where SCR_EL3 and HCR_EL2 send them from each level, and whether PSTATE masks them there
// (DDI 0487 D1.3.6). ISR_EL1 of those that wait. Virtual SErrors.
#include "el3.h"

VICTIM(wait_, "nop\n\tnop\n\tnop")
VICTIM(isr_, "mrs x0, isr_el1")

static const char *const routes[] = {"", "-to-el3"}, *const hcrs[] = {"", "-mo", "-tge"}, *const masks[] = {"", "-masked"};

static void one(u32 p, enum pending pending, u32 route, u32 hcr, u32 masked) {
  int irq = pending == AN_IRQ;
  struct given given = {.level = places[p].level, .ns = places[p].ns, .pending = pending};
  given.victim = masked ? isr_ : wait_;
  given.flags = masked ? SHOW_X0 : 0;
  given.unmasked = masked ? ALL_MASKED & ~(irq ? 0x80ul : 0x40ul) : ALL_MASKED;
  given.scr_set = route ? irq ? IRQ : FIQ : 0;
  given.hcr = hcr == 2 ? HCR_TGE : hcr == 1 ? irq ? HCR_IMO : HCR_FMO : 0;
  char name[32];
  copy_string(name, irq ? "irq" : "fiq", sizeof(name));
  const char *const parts[] = {routes[route], hcrs[hcr], masks[masked]};
  for (u32 i = 0; i < 3; i++) copy_string(name + strlen(name), parts[i], sizeof(name) - strlen(name));
  run(&given, "interrupt", name);
}

void interrupt_cases(void) {
  for (enum pending pending = AN_IRQ; pending <= AN_FIQ; pending++) {
    for (u32 settings = 0; settings < 12; settings++) {
      for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
        u32 hcr = settings / 2 % 3;
        if (!is_here(p) || (hcr == 2 && places[p].level == 1 && places[p].ns)) continue; // no EL1 with TGE
        one(p, pending, settings & 1, hcr, settings / 6);
      }
    }
  }
}

// HCR_EL2.VSE is a virtual SError of Non-secure EL1 and EL0, where AMO is set; SCR_EL3.EA has no part in it.
void serror_cases(void) {
  static const struct {
    const char *name;
    u64 hcr, scr_set, unmasked;
  } rows[] = {
      {"vse", VSE, 0, ALL_MASKED},
      {"vse-amo", VSE | HCR_AMO, 0, ALL_MASKED},
      {"vse-amo-masked", VSE | HCR_AMO, 0, ALL_MASKED & ~0x100ul},
      {"vse-amo-ea", VSE | HCR_AMO, EA, ALL_MASKED},
      {"vse-ea", VSE, EA, ALL_MASKED},
      {"vse-amo-tge", VSE | HCR_AMO | HCR_TGE, 0, ALL_MASKED},
  };
  if (!has_el2) return;
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
      if ((rows[i].hcr & HCR_TGE) && places[p].level == 1 && places[p].ns) continue;
      struct given given = {.level = places[p].level, .ns = places[p].ns, .hcr = rows[i].hcr, .scr_set = rows[i].scr_set};
      given.unmasked = rows[i].unmasked, given.victim = wait_;
      run(&given, "serror", rows[i].name);
      given.victim = isr_, given.flags = SHOW_X0, given.unmasked = 0;
      char name[32];
      copy_string(name, rows[i].name, sizeof(name));
      copy_string(name + strlen(name), "-isr", sizeof(name) - strlen(name));
      if (rows[i].unmasked == ALL_MASKED) run(&given, "serror", name);
    }
  }
}

// A synchronous External abort goes to EL3 with SCR_EL3.EA: of a load, a store, a fetch, from each level.
VICTIM(load_from, "ldr w1, [x0]")
VICTIM(store_to, "str w1, [x0]")
VICTIM(fetch_from, "br x0")

void external_abort_cases(void) {
  static const struct {
    const char *name;
    const u32 *victim;
  } accesses[] = {{"load", load_from}, {"store", store_to}, {"fetch", fetch_from}};
  // Normal memory, executable, for every level; stores need another page: writable ones are not executable at EL1
  test_table[0] = HOLE | NORMAL_EXECUTABLE | EL0_TOO | READ_ONLY;
  test_table[1] = HOLE | NORMAL_EXECUTABLE | EL0_TOO;
  for (u32 i = 0; i < 6; i++) {
    for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = accesses[i / 2].victim};
      given.scr_set = i & 1 ? EA : 0, given.x0 = TEST_AREA + (i / 2 == 1 ? 0x1000 : 0);
      char name[32];
      copy_string(name, accesses[i / 2].name, sizeof(name));
      if (i & 1) copy_string(name + strlen(name), "-ea", 4);
      run(&given, "external", name);
    }
  }
  test_table[0] = test_table[1] = 0;
}
