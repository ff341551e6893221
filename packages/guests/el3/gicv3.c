// GICv3 with both Security states (IHI 0069 4.6, 4.7): groups 0, Secure 1 and Non-secure 1 as FIQ or IRQ, by the state of
// the CPU; what ICC_HPPIR, ICC_IAR and ICC_PMR show each level; ICC_SRE_EL3.Enable and the traps of SCR_EL3.IRQ and FIQ.
#include "el3.h"

#define ICC_CTLR_EL3 s3_6_c12_c12_4
#define ICC_IGRPEN1_EL3 s3_6_c12_c12_7
#define SGI_FRAME (GICR + 0x10000)

VICTIM(gic_wait, "nop\n\tnop\n\tnop")

static const char *const groups[] = {"g0", "g1s", "g1ns"};

static void set_group(u32 group) {
  u32 bit = 1u << 27;
  mmio32(SGI_FRAME + 0x80) = (mmio32(SGI_FRAME + 0x80) & ~bit) | (group == 2 ? bit : 0);
  mmio32(SGI_FRAME + 0xd00) = (mmio32(SGI_FRAME + 0xd00) & ~bit) | (group == 1 ? bit : 0);
}

static void init(void) {
  write_register(ICC_SRE_EL3, 0xf);
  isb();
  if (has_el2) write_register(ICC_SRE_EL2, 0xf);
  for (u64 ns = 0; ns < 2; ns++) {
    write_register(scr_el3, (read_register(scr_el3) & ~NS) | ns);
    isb();
    write_register(ICC_SRE_EL1, 7);
    isb();
  }
  mmio32(GICD) = 0x37; // ARE of both states, then all groups
  mmio32(GICR + 0x14) &= ~2u;
  while (mmio32(GICR + 0x14) & 4) continue;
  mmio8(SGI_FRAME + 0x400 + 27) = 0xa0;
  mmio32(SGI_FRAME + 0x100) = 1u << 27;
  write_register(ICC_PMR_EL1, 0xff);
  write_register(ICC_IGRPEN0_EL1, 1);
  write_register(ICC_IGRPEN1_EL3, 3);
  isb();
}

static void routing(void) {
  static const struct {
    const char *name;
    u64 scr, hcr;
  } routes[] = {
      {"", 0, 0}, {"-irq", IRQ, 0}, {"-fiq", FIQ, 0}, {"-both", IRQ | FIQ, 0}, {"-imo-fmo", 0, HCR_IMO | HCR_FMO}, {"-fiq-imo-fmo", FIQ, HCR_IMO | HCR_FMO},
  };
  for (u32 group = 0; group < 3; group++) {
    set_group(group);
    for (u32 i = 0; i < ARRAY_LENGTH(routes); i++) {
      if (routes[i].hcr && !has_el2) continue;
      for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
        if (!is_here(p)) continue;
        struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = gic_wait, .unmasked = ALL_MASKED, .pending = GROUP0 + group};
        given.scr_set = routes[i].scr, given.hcr = routes[i].hcr;
        char name[32];
        copy_string(name, groups[group], sizeof(name));
        copy_string(name + strlen(name), routes[i].name, sizeof(name) - strlen(name));
        run(&given, "gicv3", name);
      }
    }
  }
}

// What each level sees of one pending interrupt of each group; and the traps of the registers.
static void views(void) {
  static const struct {
    const char *name;
    u32 instruction;
  } rows[] = {
      {"isr_el1", MRS(ENCODING(3, 0, 12, 1, 0))},        {"icc_hppir0", MRS(ENCODING(3, 0, 12, 8, 2))},
      {"icc_hppir1", MRS(ENCODING(3, 0, 12, 12, 2))},    {"icc_pmr", MRS(ENCODING(3, 0, 4, 6, 0))},
      {"icc_rpr", MRS(ENCODING(3, 0, 12, 11, 3))},       {"icc_igrpen0", MRS(ENCODING(3, 0, 12, 12, 6))},
      {"icc_igrpen1", MRS(ENCODING(3, 0, 12, 12, 7))},
  };
  for (u32 group = 0; group < 3; group++) {
    set_group(group);
    for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
      if (group && i >= 3) continue;
      for (u32 p = 2; p < 7; p++) {
        u32 level = p == 6 ? 3 : places[p].level;
        u64 ns = p == 6 ? 0 : places[p].ns;
        if (level == 2 && !has_el2) continue;
        struct given given = {.level = level, .ns = ns, .flags = SHOW_X0, .pending = GROUP0 + group};
        given.victim = INSTRUCTIONS(rows[i].instruction);
        char name[48];
        copy_string(name, groups[group], sizeof(name));
        copy_string(name + strlen(name), "-", 2);
        copy_string(name + strlen(name), rows[i].name, 20);
        if (p == 6) copy_string(name + strlen(name), "-scr-s", 8);
        run(&given, "gicv3", name);
      }
    }
  }
}

static void traps(void) {
  static const struct {
    const char *name;
    u32 instruction;
  } rows[] = {
      {"icc_hppir0", MRS(ENCODING(3, 0, 12, 8, 2))},     {"icc_bpr0", MRS(ENCODING(3, 0, 12, 8, 3))},
      {"icc_ap0r0", MRS(ENCODING(3, 0, 12, 8, 4))},      {"icc_igrpen0", MRS(ENCODING(3, 0, 12, 12, 6))},
      {"icc_hppir1", MRS(ENCODING(3, 0, 12, 12, 2))},    {"icc_bpr1", MRS(ENCODING(3, 0, 12, 12, 3))},
      {"icc_ap1r0", MRS(ENCODING(3, 0, 12, 9, 0))},      {"icc_igrpen1", MRS(ENCODING(3, 0, 12, 12, 7))},
      {"icc_pmr", MRS(ENCODING(3, 0, 4, 6, 0))},         {"icc_rpr", MRS(ENCODING(3, 0, 12, 11, 3))},
      {"icc_ctlr", MRS(ENCODING(3, 0, 12, 12, 4))},      {"icc_sgi0r-write", MSR(ENCODING(3, 0, 12, 11, 7))},
      {"icc_ctlr_el3", MRS(ENCODING(3, 6, 12, 12, 4))},  {"icc_sre_el3", MRS(ENCODING(3, 6, 12, 12, 5))},
      {"icc_igrpen1_el3", MRS(ENCODING(3, 6, 12, 12, 7))}, {"icc_sre_el2", MRS(ENCODING(3, 4, 12, 9, 5))},
      {"ich_hcr_el2", MRS(ENCODING(3, 4, 12, 11, 0))},   {"ich_vmcr_el2-write", MSR(ENCODING(3, 4, 12, 11, 7))},
  };
  static const struct {
    const char *name;
    u64 scr;
  } controls[] = {{"", 0}, {"-irq", IRQ}, {"-fiq", FIQ}, {"-both", IRQ | FIQ}};
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 c = 0; c < ARRAY_LENGTH(controls); c++) {
      for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
        if (!is_here(p)) continue;
        struct given given = {.level = places[p].level, .ns = places[p].ns, .scr_set = controls[c].scr};
        given.victim = INSTRUCTIONS(rows[i].instruction);
        char name[48];
        copy_string(name, rows[i].name, sizeof(name));
        copy_string(name + strlen(name), controls[c].name, 8);
        run(&given, "icc", name);
      }
    }
  }
}

// ICC_SRE of the levels below is EL3's to allow.
static void enable(void) {
  static const struct {
    const char *name;
    u32 instruction;
  } rows[] = {
      {"icc_sre_el1", MRS(ENCODING(3, 0, 12, 12, 5))},
      {"icc_sre_el1-write", MSR(ENCODING(3, 0, 12, 12, 5))},
      {"icc_sre_el2", MRS(ENCODING(3, 4, 12, 9, 5))},
      {"icc_sre_el2-write", MSR(ENCODING(3, 4, 12, 9, 5))},
  };
  for (u32 off = 0; off < 3; off++) {
    write_register(ICC_SRE_EL3, off & 1 ? 7 : 0xf);
    if (has_el2) write_register(ICC_SRE_EL2, off & 2 ? 7 : 0xf);
    isb();
    for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
      for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
        if (!is_here(p) || (i & 1 && places[p].level == 3)) continue;
        struct given given = {.level = places[p].level, .ns = places[p].ns, .x0 = 0xf};
        given.victim = INSTRUCTIONS(rows[i].instruction);
        static const char *const names[] = {"sre", "sre-el3-off", "sre-el2-off"};
        run(&given, names[off], rows[i].name);
      }
    }
  }
  write_register(ICC_SRE_EL3, 0xf);
  if (has_el2) write_register(ICC_SRE_EL2, 0xf);
  isb();
}

void gicv3_cases(void) {
  init();
  routing();
  views();
  traps();
  enable();
}
