// The registers and instructions of EL2 and EL3 from each level: UNDEFINED below their own (DDI 0487 D17.1). And those
// that EL3 takes away: CPTR_EL3, MDCR_EL3, SCR_EL3.ST, ICC_SRE_EL3.
#include "el3.h"

struct named {
  const char *name;
  u32 encoding;
};

static const struct named el2[] = {
    {"actlr_el2", ENCODING(3, 4, 1, 0, 1)},      {"sctlr_el2", ENCODING(3, 4, 1, 0, 0)},    {"hcr_el2", ENCODING(3, 4, 1, 1, 0)},
    {"mdcr_el2", ENCODING(3, 4, 1, 1, 1)},       {"cptr_el2", ENCODING(3, 4, 1, 1, 2)},     {"hstr_el2", ENCODING(3, 4, 1, 1, 3)},
    {"hacr_el2", ENCODING(3, 4, 1, 1, 7)},       {"ttbr0_el2", ENCODING(3, 4, 2, 0, 0)},    {"tcr_el2", ENCODING(3, 4, 2, 0, 2)},
    {"vttbr_el2", ENCODING(3, 4, 2, 1, 0)},      {"vtcr_el2", ENCODING(3, 4, 2, 1, 2)},     {"spsr_el2", ENCODING(3, 4, 4, 0, 0)},
    {"elr_el2", ENCODING(3, 4, 4, 0, 1)},        {"sp_el1", ENCODING(3, 4, 4, 1, 0)},       {"spsr_irq", ENCODING(3, 4, 4, 3, 0)},
    {"spsr_abt", ENCODING(3, 4, 4, 3, 1)},       {"spsr_und", ENCODING(3, 4, 4, 3, 2)},     {"spsr_fiq", ENCODING(3, 4, 4, 3, 3)},
    {"dacr32_el2", ENCODING(3, 4, 3, 0, 0)},     {"ifsr32_el2", ENCODING(3, 4, 5, 0, 1)},   {"fpexc32_el2", ENCODING(3, 4, 5, 3, 0)},
    {"afsr0_el2", ENCODING(3, 4, 5, 1, 0)},      {"afsr1_el2", ENCODING(3, 4, 5, 1, 1)},    {"esr_el2", ENCODING(3, 4, 5, 2, 0)},
    {"far_el2", ENCODING(3, 4, 6, 0, 0)},        {"hpfar_el2", ENCODING(3, 4, 6, 0, 4)},    {"mair_el2", ENCODING(3, 4, 10, 2, 0)},
    {"amair_el2", ENCODING(3, 4, 10, 3, 0)},     {"vbar_el2", ENCODING(3, 4, 12, 0, 0)},    {"rvbar_el2", ENCODING(3, 4, 12, 0, 1)},
    {"rmr_el2", ENCODING(3, 4, 12, 0, 2)},       {"tpidr_el2", ENCODING(3, 4, 13, 0, 2)},   {"cntvoff_el2", ENCODING(3, 4, 14, 0, 3)},
    {"cnthctl_el2", ENCODING(3, 4, 14, 1, 0)},   {"cnthp_tval_el2", ENCODING(3, 4, 14, 2, 0)}, {"cnthp_ctl_el2", ENCODING(3, 4, 14, 2, 1)},
    {"cnthp_cval_el2", ENCODING(3, 4, 14, 2, 2)}, {"vpidr_el2", ENCODING(3, 4, 0, 0, 0)},   {"vmpidr_el2", ENCODING(3, 4, 0, 0, 5)},
    {"dbgvcr32_el2", ENCODING(2, 4, 0, 7, 0)},
    // of later versions of the architecture: UNDEFINED everywhere
    {"ttbr1_el2", ENCODING(3, 4, 2, 0, 1)},      {"contextidr_el2", ENCODING(3, 4, 13, 0, 1)}, {"cnthv_ctl_el2", ENCODING(3, 4, 14, 3, 1)},
    {"sctlr_el12", ENCODING(3, 5, 1, 0, 0)},
};

static const struct named el3[] = {
    {"sctlr_el3", ENCODING(3, 6, 1, 0, 0)},  {"actlr_el3", ENCODING(3, 6, 1, 0, 1)}, {"scr_el3", ENCODING(3, 6, 1, 1, 0)},
    {"sder32_el3", ENCODING(3, 6, 1, 1, 1)}, {"cptr_el3", ENCODING(3, 6, 1, 1, 2)},  {"mdcr_el3", ENCODING(3, 6, 1, 3, 1)},
    {"ttbr0_el3", ENCODING(3, 6, 2, 0, 0)},  {"tcr_el3", ENCODING(3, 6, 2, 0, 2)},   {"spsr_el3", ENCODING(3, 6, 4, 0, 0)},
    {"elr_el3", ENCODING(3, 6, 4, 0, 1)},    {"sp_el2", ENCODING(3, 6, 4, 1, 0)},    {"afsr0_el3", ENCODING(3, 6, 5, 1, 0)},
    {"afsr1_el3", ENCODING(3, 6, 5, 1, 1)},  {"esr_el3", ENCODING(3, 6, 5, 2, 0)},   {"far_el3", ENCODING(3, 6, 6, 0, 0)},
    {"mair_el3", ENCODING(3, 6, 10, 2, 0)},  {"amair_el3", ENCODING(3, 6, 10, 3, 0)}, {"vbar_el3", ENCODING(3, 6, 12, 0, 0)},
    {"rvbar_el3", ENCODING(3, 6, 12, 0, 1)}, {"rmr_el3", ENCODING(3, 6, 12, 0, 2)},  {"tpidr_el3", ENCODING(3, 6, 13, 0, 2)},
    {"sp_el3", ENCODING(3, 7, 4, 1, 0)},
};

static void access(const struct named *name, u32 p, u64 ns, int write, const char *group) {
  struct given given = {.level = places[p].level, .ns = ns};
  given.victim = INSTRUCTIONS((write ? MSR(0) : MRS(0)) | name->encoding);
  run(&given, group, name->name);
}

static void each_access(const struct named *name, u32 level) {
  for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
    if (!is_here(p)) continue;
    access(name, p, places[p].ns, 0, "read");
    if (places[p].level < level) access(name, p, places[p].ns, 1, "write");
    else if (places[p].level == 3) access(name, p, 0, 0, "read-secure"); // SCR_EL3.NS is 0
  }
}

void register_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(el2); i++) each_access(&el2[i], 2);
  for (u32 i = 0; i < ARRAY_LENGTH(el3); i++) each_access(&el3[i], 3);
}

// TLBI and AT of EL2 and EL3.
void instruction_cases(void) {
  static const struct named rows[] = {
      {"tlbi-alle3", ENCODING(1, 6, 8, 7, 0)},       {"tlbi-vae3", ENCODING(1, 6, 8, 7, 1)},     {"tlbi-vale3", ENCODING(1, 6, 8, 7, 5)},
      {"tlbi-alle3is", ENCODING(1, 6, 8, 3, 0)},     {"tlbi-vae3is", ENCODING(1, 6, 8, 3, 1)},   {"tlbi-vale3is", ENCODING(1, 6, 8, 3, 5)},
      {"tlbi-alle2", ENCODING(1, 4, 8, 7, 0)},       {"tlbi-vae2", ENCODING(1, 4, 8, 7, 1)},     {"tlbi-vale2", ENCODING(1, 4, 8, 7, 5)},
      {"tlbi-alle2is", ENCODING(1, 4, 8, 3, 0)},     {"tlbi-vae2is", ENCODING(1, 4, 8, 3, 1)},   {"tlbi-vale2is", ENCODING(1, 4, 8, 3, 5)},
      {"tlbi-alle1", ENCODING(1, 4, 8, 7, 4)},       {"tlbi-alle1is", ENCODING(1, 4, 8, 3, 4)},  {"tlbi-vmalls12e1", ENCODING(1, 4, 8, 7, 6)},
      {"tlbi-vmalls12e1is", ENCODING(1, 4, 8, 3, 6)}, {"tlbi-ipas2e1", ENCODING(1, 4, 8, 4, 1)}, {"tlbi-ipas2le1", ENCODING(1, 4, 8, 4, 5)},
      {"tlbi-ipas2e1is", ENCODING(1, 4, 8, 0, 1)},   {"tlbi-ipas2le1is", ENCODING(1, 4, 8, 0, 5)}, {"tlbi-vmalle1", ENCODING(1, 0, 8, 7, 0)},
      {"at-s1e3r", ENCODING(1, 6, 7, 8, 0)},         {"at-s1e3w", ENCODING(1, 6, 7, 8, 1)},      {"at-s1e2r", ENCODING(1, 4, 7, 8, 0)},
      {"at-s1e2w", ENCODING(1, 4, 7, 8, 1)},         {"at-s12e1r", ENCODING(1, 4, 7, 8, 4)},     {"at-s12e0w", ENCODING(1, 4, 7, 8, 7)},
      {"at-s1e1r", ENCODING(1, 0, 7, 8, 0)},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      access(&rows[i], p, places[p].ns, 1, "instruction");
      if (places[p].level == 3) access(&rows[i], p, 0, 1, "instruction-secure");
    }
  }
}

// Each trap of CPTR_EL3 and MDCR_EL3, set and clear, alone and with EL2's of the same instruction.
void trap_cases(void) {
  static const struct {
    const char *name;
    u32 instruction;
    u64 cptr, mdcr, scr;
  } rows[] = {
      {"tcpac/cpacr_el1", MRS(ENCODING(3, 0, 1, 0, 2)), TCPAC, 0, 0},
      {"tcpac/cpacr_el1-write", MSR(ENCODING(3, 0, 1, 0, 2)), TCPAC, 0, 0},
      {"tcpac/cptr_el2", MRS(ENCODING(3, 4, 1, 1, 2)), TCPAC, 0, 0},
      {"tta/trcstatr", MRS(ENCODING(2, 1, 0, 3, 0)), TTA, 0, 0},
      {"tta/trcprgctlr-write", MSR(ENCODING(2, 1, 0, 1, 0)), TTA, 0, 0},
      {"tfp/fadd", 0x1e622820, TFP, 0, 0},
      {"tfp/fmov-to-x", 0x9e660000, TFP, 0, 0},
      {"tfp/ldr-q", 0x3dc00000, TFP, 0, 0},
      {"tfp/mov-v", 0x4ea21c40, TFP, 0, 0},
      {"tfp/fpcr", MRS(ENCODING(3, 3, 4, 4, 0)), TFP, 0, 0},
      {"tfp/fpsr-write", MSR(ENCODING(3, 3, 4, 4, 1)), TFP, 0, 0},
      {"tdosa/oslar_el1-write", MSR(ENCODING(2, 0, 1, 0, 4)), 0, TDOSA, 0},
      {"tdosa/oslsr_el1", MRS(ENCODING(2, 0, 1, 1, 4)), 0, TDOSA, 0},
      {"tdosa/osdlr_el1", MRS(ENCODING(2, 0, 1, 3, 4)), 0, TDOSA, 0},
      {"tdosa/dbgprcr_el1", MRS(ENCODING(2, 0, 1, 4, 4)), 0, TDOSA, 0},
      {"tdosa/mdscr_el1", MRS(ENCODING(2, 0, 0, 2, 2)), 0, TDOSA, 0},
      {"tda/mdscr_el1", MRS(ENCODING(2, 0, 0, 2, 2)), 0, TDA, 0},
      {"tda/mdccint_el1", MRS(ENCODING(2, 0, 0, 2, 0)), 0, TDA, 0},
      {"tda/osdtrrx_el1", MRS(ENCODING(2, 0, 0, 0, 2)), 0, TDA, 0},
      {"tda/oseccr_el1", MRS(ENCODING(2, 0, 0, 6, 2)), 0, TDA, 0},
      {"tda/dbgbvr0_el1", MRS(ENCODING(2, 0, 0, 0, 4)), 0, TDA, 0},
      {"tda/dbgbcr0_el1-write", MSR(ENCODING(2, 0, 0, 0, 5)), 0, TDA, 0},
      {"tda/dbgwvr0_el1", MRS(ENCODING(2, 0, 0, 0, 6)), 0, TDA, 0},
      {"tda/dbgwcr0_el1", MRS(ENCODING(2, 0, 0, 0, 7)), 0, TDA, 0},
      {"tda/dbgclaimset_el1", MRS(ENCODING(2, 0, 7, 8, 6)), 0, TDA, 0},
      {"tda/dbgauthstatus_el1", MRS(ENCODING(2, 0, 7, 14, 6)), 0, TDA, 0},
      {"tda/mdrar_el1", MRS(ENCODING(2, 0, 1, 0, 0)), 0, TDA, 0},
      {"tda/mdccsr_el0", MRS(ENCODING(2, 3, 0, 1, 0)), 0, TDA, 0},
      {"tda/osdlr_el1", MRS(ENCODING(2, 0, 1, 3, 4)), 0, TDA, 0},
      {"tda/mdcr_el2", MRS(ENCODING(3, 4, 1, 1, 1)), 0, TDA, 0},
      {"tpm/pmcr_el0", MRS(ENCODING(3, 3, 9, 12, 0)), 0, TPM, 0},
      {"tpm/pmccntr_el0", MRS(ENCODING(3, 3, 9, 13, 0)), 0, TPM, 0},
      {"tpm/pmuserenr_el0", MRS(ENCODING(3, 3, 9, 14, 0)), 0, TPM, 0},
      {"tpm/pmswinc_el0-write", MSR(ENCODING(3, 3, 9, 12, 4)), 0, TPM, 0},
      {"tpm/pmintenset_el1", MRS(ENCODING(3, 0, 9, 14, 1)), 0, TPM, 0},
      {"tpm/pmevcntr0_el0", MRS(ENCODING(3, 3, 14, 8, 0)), 0, TPM, 0},
      {"tpm/pmccfiltr_el0", MRS(ENCODING(3, 3, 14, 15, 7)), 0, TPM, 0},
      {"tpm/mdcr_el2", MRS(ENCODING(3, 4, 1, 1, 1)), 0, TPM, 0},
      {"st/cntps_ctl_el1", MRS(ENCODING(3, 7, 14, 2, 1)), 0, 0, ST},
      {"st/cntps_cval_el1", MRS(ENCODING(3, 7, 14, 2, 2)), 0, 0, ST},
      {"st/cntps_tval_el1", MRS(ENCODING(3, 7, 14, 2, 0)), 0, 0, ST},
      {"st/cntps_cval_el1-write", MSR(ENCODING(3, 7, 14, 2, 2)), 0, 0, ST},
  };
  write_register(pmuserenr_el0, 0xf);
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
      if (!is_here(p)) continue;
      for (u32 set = 0; set < 2; set++) {
        // the end of a case at a lower level is an FP instruction that traps: without TFP this cannot be seen of FP itself
        if (!set && rows[i].cptr == TFP && places[p].level < 3) continue;
        struct given given = {.level = places[p].level, .ns = places[p].ns, .x0 = SPARE + 0x300000}; // CPACR_EL1 may have it
        given.victim = INSTRUCTIONS(rows[i].instruction);
        if (set) given.cptr = rows[i].cptr, given.mdcr = rows[i].mdcr, given.scr_set = rows[i].scr;
        run(&given, set ? "trap" : "no-trap", rows[i].name);
      }
    }
  }
  write_register(pmuserenr_el0, 0);
}
