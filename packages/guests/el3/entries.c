// Entries of each level, calls and their controls, and traps to EL3 of single instructions (DDI 0487 D1.3, D1.4;
// SCR_EL3, CPTR_EL3, MDCR_EL3).
#include "el3.h"

VICTIM(nothing, "nop")
VICTIM(svc_, "svc #1")
VICTIM(hvc_, "hvc #2")
VICTIM(smc_, "smc #3")
VICTIM(brk_, "brk #4")
VICTIM(wfi_, "wfi")
VICTIM(wfe_, "sevl\n\twfe\n\twfe")
VICTIM(fp_, ".inst 0x1e622820") // FADD d0, d1, d2
VICTIM(load_, "ldr x1, [x0]")

struct row {
  const char *name;
  const u32 *victim;
  u32 places;
  u64 scr_clear, scr_set, cptr, hcr;
};

static const struct row rows[] = {
    {"enter", nothing, EVERY, 0, 0, 0, 0},
    {"svc", svc_, EVERY, 0, 0, 0, 0},
    {"svc-tge", svc_, EL0_NS | EL0_S, 0, 0, 0, HCR_TGE},
    {"brk", brk_, EVERY, 0, 0, 0, 0},
    {"brk-tge", brk_, EL0_NS | EL0_S, 0, 0, 0, HCR_TGE},
    // not from EL3, where QEMU 7.2 loses its way
    {"hvc", hvc_, BELOW, 0, 0, 0, 0},
    {"hvc-hce-off", hvc_, BELOW, HCE, 0, 0, 0},
    {"hvc-hcd", hvc_, BELOW, 0, 0, 0, 1ul << 29},
    {"smc", smc_, EVERY, 0, 0, 0, 0},
    {"smc-smd", smc_, EVERY, 0, SMD, 0, 0},
    {"smc-tsc", smc_, BELOW, 0, 0, 0, 1ul << 19},
    {"smc-smd-tsc", smc_, BELOW, 0, SMD, 0, 1ul << 19},
    {"wfi-twi", wfi_, BELOW, 0, TWI, 0, 0},
    {"wfi-twi-both", wfi_, BELOW, 0, TWI, 0, 1ul << 13},
    {"wfe-twe", wfe_, BELOW, 0, TWE, 0, 0},
    {"tfp", fp_, EVERY, 0, 0, TFP, 0},
    {"fault", load_, EVERY, 0, 0, 0, 0},
    {"fault-ea", load_, EVERY, 0, EA, 0, 0},
    {"fault-tge", load_, EL0_NS | EL0_S, 0, 0, 0, HCR_TGE},
};

void entry_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
      if (!(rows[i].places & 1u << p) || !is_here(p)) continue;
      const struct row *row = &rows[i];
      struct given given = {.victim = row->victim, .level = places[p].level, .ns = places[p].ns, .x0 = TEST_AREA + 0x1000};
      given.scr_clear = row->scr_clear, given.scr_set = row->scr_set, given.cptr = row->cptr, given.hcr = row->hcr;
      run(&given, "el3", row->name);
      given.sp0 = 1;
      if (given.level && row->cptr == 0) run(&given, "el3", row->name);
    }
  }
}
