// Debug exceptions in the Secure state: MDCR_EL3.SDD, with EL2's routing (DDI 0487 D2.4, D2.8, D2.9, D2.10): breakpoints, watchpoints,
// software step and BRK, which nothing disables.
#include "el3.h"

VICTIM(debugged, "nop\n\tnop")
VICTIM(watched, "ldr x1, [x0]\n\tnop")
VICTIM(broken, "brk #5")

#define MDE (1ul << 15)
#define KDE (1ul << 13)
#define SS 1ul
#define TDE (1ul << 8)

struct row {
  const char *name;
  const u32 *victim;
  u64 mdscr, spsr_set;
};

static void one(const struct row *row, u32 p, u32 sdd, u32 tde, u32 ssc) {
  struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = row->victim, .x0 = SPARE};
  given.mdcr = sdd ? SDD : 0, given.unmasked = 0x200, given.spsr_set = row->spsr_set;
  // all levels: HMC 1, PMC 0b11; one state: SSC 0b00 both, 0b01 Non-secure, 0b10 Secure
  u64 control = 1ul << 13 | 3ul << 1 | (u64)ssc << 14 | 1;
  if (ssc) control = (u64)ssc << 14 | 3ul << 1 | 1;
  write_register(dbgbvr0_el1, (u64)(row->victim + 1));
  write_register(dbgwvr0_el1, SPARE);
  write_register(dbgbcr0_el1, row->victim == debugged && !(row->mdscr & SS) ? control | 0xf << 5 : 0);
  write_register(dbgwcr0_el1, row->victim == watched ? control | 0xff << 5 | 3 << 3 : 0);
  if (has_el2) write_register(mdcr_el2, 6 | (tde ? TDE : 0));
  write_register(mdscr_el1, row->mdscr);
  isb();
  char name[48];
  static const char *const states[] = {"", "-of-ns", "-of-secure"};
  const char *const parts[] = {row->name, states[ssc], sdd ? "-sdd" : "", tde ? "-tde" : ""};
  name[0] = 0;
  for (u32 i = 0; i < 4; i++) copy_string(name + strlen(name), parts[i], sizeof(name) - strlen(name));
  run(&given, "debug", name);
  write_register(mdscr_el1, 0);
  if (has_el2) write_register(mdcr_el2, 6);
  isb();
}

void debug_cases(void) {
  static const struct row rows[] = {
      {"breakpoint", debugged, MDE | KDE, 0},
      {"breakpoint-kde-off", debugged, MDE, 0},
      {"watchpoint", watched, MDE | KDE, 0},
      {"step", debugged, SS | KDE, 1ul << 21},
      {"step-pending", debugged, SS | KDE, 0},
      {"brk", broken, MDE | KDE, 0},
  };
  write_register(oslar_el1, 0);
  isb();
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 settings = 0; settings < 12; settings++) {
      u32 sdd = settings & 1, tde = settings >> 1 & 1, ssc = settings >> 2;
      if ((tde && !has_el2) || (ssc && i != 0 && i != 2)) continue;
      for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
        if (is_here(p)) one(&rows[i], p, sdd, tde, ssc);
      }
    }
  }
  write_register(dbgbcr0_el1, 0);
  write_register(dbgwcr0_el1, 0);
}
