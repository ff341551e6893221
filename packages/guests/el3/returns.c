// ERET to what cannot be: reserved modes, AArch32 below an AArch64 level, levels above, EL2 in the Secure state or
// behind TGE (DDI 0487 D1.4.4): the level stays, with PSTATE.IL, and the next instruction is the exception.
// And stack pointers: SPSel at each level, alignment.
#include "el3.h"

VICTIM(return_el1, "adr x1, 1f\n\tmsr elr_el1, x1\n\tmsr spsr_el1, x0\n\tisb\n\teret\n1:")
VICTIM(return_el2, "adr x1, 1f\n\tmsr elr_el2, x1\n\tmsr spsr_el2, x0\n\tisb\n\teret\n1:")
VICTIM(return_el3, "adr x1, 1f\n\tmsr elr_el3, x1\n\tmsr spsr_el3, x0\n\tisb\n\teret\n1:")

static const struct {
  const char *name;
  u64 spsr;
} targets[] = {
    {"to-el0t", 0x3c0},         {"to-m1", 0x3c1},           {"to-m2", 0x3c2},           {"to-m3", 0x3c3},
    {"to-el1t", 0x3c4},         {"to-el1h", 0x3c5},         {"to-m6", 0x3c6},           {"to-m7", 0x3c7},
    {"to-el2t", 0x3c8},         {"to-el2h", 0x3c9},         {"to-m10", 0x3ca},          {"to-m11", 0x3cb},
    {"to-el3t", 0x3cc},         {"to-el3h", 0x3cd},         {"to-m14", 0x3ce},          {"to-m15", 0x3cf},
    {"to-aarch32-fiq", 0x3d1},  {"to-aarch32-irq", 0x3d2},  {"to-aarch32-svc", 0x3d3},  {"to-aarch32-m4", 0x3d4},
    {"to-aarch32-mon", 0x3d6},  {"to-aarch32-abt", 0x3d7},  {"to-aarch32-hyp", 0x3da},  {"to-aarch32-und", 0x3db},
    {"to-aarch32-m14", 0x3de},  {"to-aarch32-sys", 0x3df},  {"to-el1h-il", 0x1003c5},   {"to-m6-il-flags", 0xf01003c6},
    {"to-m6-flags", 0xf00003c6}, {"to-m6-unmasked", 0x6},
};

static void row(u32 i, u32 p, u64 hcr, const char *group) {
  const u32 *const victims[] = {NULL, return_el1, return_el2, return_el3};
  struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = victims[places[p].level], .x0 = targets[i].spsr, .hcr = hcr};
  given.cptr = TFP; // the way back from what EL3 returns to
  run(&given, group, targets[i].name);
  if (places[p].level != 3) return;
  given.ns = 0; // the same from EL3 to the Secure state, and with SP_EL0
  run(&given, hcr ? "eret-tge-secure" : "eret-secure", targets[i].name);
  given.sp0 = 1;
  if (!hcr) run(&given, "eret-secure", targets[i].name);
}

void return_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(targets); i++) {
    for (u32 p = 2; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      row(i, p, 0, "eret");
      if (i <= 9 && places[p].level >= 2 && has_el2) row(i, p, HCR_TGE, "eret-tge");
    }
  }
}

VICTIM(select_other, "mrs x0, spsel\n\teor x0, x0, #1\n\tmsr spsel, x0\n\tmrs x0, spsel")
VICTIM(read_selected, "mrs x0, spsel")
VICTIM(read_sp0, "mrs x0, sp_el0")
VICTIM(write_sp0, "msr spsel, #1\n\tmov x1, #0x123\n\tmsr sp_el0, x1\n\tmsr spsel, #0\n\tmov x0, sp")
VICTIM(separate, "msr spsel, #0\n\tsub sp, sp, #32\n\tmov x0, sp\n\tmsr spsel, #1\n\tmov x1, sp\n\tcmp x0, x1\n\tcset x0, eq")
VICTIM(misaligned_load, "msr spsel, #0\n\tmov x1, #0x44000000\n\tadd x1, x1, #8\n\tmov sp, x1\n\tldr x1, [sp, #8]")
VICTIM(misaligned_store, "msr spsel, #0\n\tmov x1, #0x44000000\n\tadd x1, x1, #4\n\tmov sp, x1\n\tstp x1, x1, [sp, #16]")
VICTIM(misaligned_pc, "adr x0, .\n\tadd x0, x0, #6\n\tbr x0")

void stack_cases(void) {
  static const struct {
    const char *name;
    const u32 *victim;
    u64 sctlr;
    u32 flags;
  } rows[] = {
      {"selected", read_selected, 0, SHOW_X0}, {"select-other", select_other, 0, SHOW_X0}, {"read-sp-el0", read_sp0, 0, 0},
      {"write-sp-el0", write_sp0, 0, SHOW_X0}, {"separate", separate, 0, SHOW_X0},         {"misaligned-load", misaligned_load, 8, 0},
      {"misaligned-store", misaligned_store, 8, 0}, {"misaligned-pc", misaligned_pc, 0, 0},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 p = 2; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      for (u32 sp0 = 0; sp0 < 2; sp0++) {
        struct given given = {.level = places[p].level, .ns = places[p].ns, .sp0 = sp0, .victim = rows[i].victim, .flags = rows[i].flags};
        // SCTLR_ELx.SA: on where the kit has left it off
        u64 sctlr = given.level == 3 ? read_register(sctlr_el3) : given.level == 2 ? read_register(sctlr_el2) : read_register(sctlr_el1);
        given.sctlr = ~sctlr & rows[i].sctlr;
        run(&given, "stack", rows[i].name);
      }
    }
  }
}
