// Every trap control of EL1 and EL2, with every instruction that it traps, at each level: on and off
// (DDI 0487 D17.2, D17.3, D17.5, D17.8, HCR_EL2 and the others). A test compares the list with the CPU's.
#include "control_rows.h"

#define EL0 1u
#define EL1 2u
#define EL2 4u
#define ALL_LEVELS (EL0 | EL1 | EL2)

#define TRANSLATION "ttbr0_el1, ttbr1_el1, tcr_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1, mair_el1, amair_el1, contextidr_el1"
INSTRUCTIONS(translation_writes, "W sctlr_el1, " TRANSLATION)
INSTRUCTIONS(translation_reads, "R sctlr_el1, " TRANSLATION)
INSTRUCTIONS(auxiliary, "R actlr_el1\nW actlr_el1")
INSTRUCTIONS(id_group1, "R revidr_el1, aidr_el1")
INSTRUCTIONS(id_group2, "R ccsidr_el1, clidr_el1, csselr_el1\nW csselr_el1")
INSTRUCTIONS(cache_type, "R ctr_el0")
INSTRUCTIONS(id_group3,
             "R id_pfr0_el1, id_pfr1_el1, id_dfr0_el1, id_afr0_el1, id_mmfr0_el1, id_mmfr1_el1, id_mmfr2_el1, id_mmfr3_el1\n"
             "R id_mmfr4_el1, id_isar0_el1, id_isar1_el1, id_isar2_el1, id_isar3_el1, id_isar4_el1, id_isar5_el1\n"
             "R mvfr0_el1, mvfr1_el1, mvfr2_el1, s3_0_c0_c3_3, s3_0_c0_c7_7, id_aa64pfr0_el1, id_aa64pfr1_el1\n"
             "R id_aa64dfr0_el1, id_aa64dfr1_el1, id_aa64afr0_el1, id_aa64afr1_el1, id_aa64isar0_el1, id_aa64isar1_el1\n"
             "R id_aa64mmfr0_el1, id_aa64mmfr1_el1")
INSTRUCTIONS(set_way, "I dc isw, x3\nI dc csw, x3\nI dc cisw, x3")
INSTRUCTIONS(coherency_el1, "I dc ivac, x0")
INSTRUCTIONS(coherency, "I dc cvac, x0\nI dc civac, x0")
INSTRUCTIONS(unification_el1, "I ic iallu\nI ic ialluis")
INSTRUCTIONS(unification, "I ic ivau, x0\nI dc cvau, x0")
INSTRUCTIONS(by_address, "I dc cvac, x0\nI dc cvau, x0\nI dc civac, x0\nI ic ivau, x0")
INSTRUCTIONS(tlb, "I tlbi vmalle1\nI tlbi vmalle1is\nI tlbi vae1, x3\nI tlbi vae1is, x3\nI tlbi aside1, x3\nI tlbi aside1is, x3\n"
                  "I tlbi vaae1, x3\nI tlbi vaae1is, x3\nI tlbi vale1, x3\nI tlbi vale1is, x3\nI tlbi vaale1, x3\nI tlbi vaale1is, x3")
INSTRUCTIONS(zero, "I dc zva, x0")
INSTRUCTIONS(reserved, "R s3_1_c11_c0_2, s3_1_c15_c2_0, s3_1_c15_c2_1, s3_0_c11_c0_0, s3_3_c15_c2_1\nZ s3_1_c15_c0_0, s3_7_c15_c15_7\n"
                       "I sys #0, C11, C0, #0, x3\nI sys #7, C15, C3, #1, x3\nI sysl x3, #3, C15, C7, #7")
INSTRUCTIONS(call, "I smc #0x123")
INSTRUCTIONS(access, "R cpacr_el1\nW cpacr_el1")
INSTRUCTIONS(masks, "R daif\nZ daif\nI msr daifset, #0xf\nI msr daifclr, #0x3")
INSTRUCTIONS(floating, "I fadd d0, d1, d2\nI mov v1.16b, v2.16b\nR fpcr\nZ fpsr\nI ldr q0, [x0]")
INSTRUCTIONS(physical_count, "R cntpct_el0")
INSTRUCTIONS(virtual_count, "R cntvct_el0")
#define TIMER(t) "cnt" t "_tval_el0, cnt" t "_ctl_el0, cnt" t "_cval_el0"
INSTRUCTIONS(virtual_timer, "R " TIMER("v") "\nZ " TIMER("v"))
INSTRUCTIONS(physical_timer, "R " TIMER("p") "\nZ " TIMER("p"))
#define DEBUG                                                                                      \
  "mdscr_el1, dbgbvr0_el1, dbgbcr0_el1, dbgwvr0_el1, dbgwcr0_el1, mdccint_el1, dbgclaimset_el1, dbgclaimclr_el1, osdtrrx_el1, osdtrtx_el1, oseccr_el1"
INSTRUCTIONS(debug, "R " DEBUG ", dbgauthstatus_el1\nZ " DEBUG)
INSTRUCTIONS(channel, "R mdccsr_el0, dbgdtr_el0, dbgdtrrx_el0\nZ dbgdtrtx_el0")
INSTRUCTIONS(rom, "R mdrar_el1")
INSTRUCTIONS(locks, "R oslsr_el1, osdlr_el1, dbgprcr_el1\nZ oslar_el1, osdlr_el1, dbgprcr_el1")
INSTRUCTIONS(counters, "R pmcr_el0, pmcntenset_el0, pmcntenclr_el0, pmovsclr_el0, pmovsset_el0, pmselr_el0, pmceid0_el0, pmceid1_el0\n"
                       "R pmccntr_el0, pmxevtyper_el0, pmxevcntr_el0, pmccfiltr_el0, pmevcntr0_el0, pmevtyper0_el0")
INSTRUCTIONS(counter_writes, "R pmuserenr_el0\nZ pmcr_el0, pmcntenset_el0, pmcntenclr_el0, pmovsclr_el0, pmovsset_el0, pmselr_el0, pmswinc_el0\n"
                             "Z pmccntr_el0, pmxevtyper_el0, pmxevcntr_el0, pmccfiltr_el0, pmevcntr0_el0, pmevtyper0_el0")
INSTRUCTIONS(counter_interrupts, "R pmintenset_el1, pmintenclr_el1\nZ pmintenset_el1, pmintenclr_el1")
INSTRUCTIONS(counter_control, "R pmcr_el0\nZ pmcr_el0")
INSTRUCTIONS(increment, "Z pmswinc_el0")
INSTRUCTIONS(cycles, "R pmccntr_el0")
INSTRUCTIONS(event_reads, "R pmselr_el0, pmxevcntr_el0, pmevcntr0_el0")

// What leads to EL2: EL1's own, and what EL0 may do as well.
#define HCR(field, instructions) {"HCR_EL2." #field, instructions, EL1 | EL2, EL1, {HCR_EL2, 0, HCR_##field}, {}}
#define HCR_EL0(field, instructions) {"HCR_EL2." #field, instructions, ALL_LEVELS, EL0 | EL1, {HCR_EL2, 0, HCR_##field}, {}}
#define MDCR(field, bit, instructions) {"MDCR_EL2." field, instructions, EL1 | EL2, EL1, {MDCR_EL2, 0, 1 << bit}, {}}
#define MDCR_EL0(field, bit, instructions) {"MDCR_EL2." field, instructions, ALL_LEVELS, EL0 | EL1, {MDCR_EL2, 0, 1 << bit}, {}}
static const struct trap hypervisor[] = {
    HCR(TVM, translation_writes), HCR(TRVM, translation_reads), HCR(TACR, auxiliary), HCR(TID1, id_group1), HCR(TID2, id_group2),
    HCR_EL0(TID2, cache_type), HCR(TID3, id_group3), HCR(TSW, set_way), HCR(TPC, coherency_el1), HCR_EL0(TPC, coherency),
    HCR(TPU, unification_el1), HCR_EL0(TPU, unification), HCR(TTLB, tlb), HCR_EL0(TDZ, zero), HCR(TIDCP, reserved),
    {"HCR_EL2.TSC", call, EL1, 0, {HCR_EL2, 0, HCR_TSC}, {}},
    {"CPTR_EL2.TCPAC", access, EL1 | EL2, EL1, {CPTR_EL2, 0, 1ul << 31}, {}},
    {"CPTR_EL2.TFP", floating, ALL_LEVELS, ALL_LEVELS, {CPTR_EL2, 0, 1 << 10}, {}},
    {"CNTHCTL_EL2.EL1PCTEN", physical_count, ALL_LEVELS, EL0 | EL1, {CNTHCTL_EL2, 1, 0}, {}},
    {"CNTHCTL_EL2.EL1PCEN", physical_timer, ALL_LEVELS, EL0 | EL1, {CNTHCTL_EL2, 2, 0}, {}},
    MDCR("TDA", 9, debug), MDCR_EL0("TDA", 9, channel), MDCR("TDRA", 11, rom), MDCR("TDOSA", 10, locks), MDCR("TDE", 8, debug),
    MDCR("TDE", 8, locks), MDCR("TDE", 8, rom), MDCR_EL0("TDE", 8, channel), MDCR_EL0("TPM", 6, counters),
    MDCR_EL0("TPM", 6, counter_writes),
    MDCR("TPM", 6, counter_interrupts), MDCR_EL0("TPMCR", 5, counter_control),
};

// What leads from EL0 to EL1, and FP from EL1 too.
#define SCTLR(field, name, instructions) {"SCTLR_EL1." name, instructions, ALL_LEVELS, EL0, {SCTLR_EL1, SCTLR_##field, 0}, {}}
#define FPEN(value, trapped) {"CPACR_EL1.FPEN=" #value, floating, ALL_LEVELS, trapped, {CPACR_EL1, 3 << 20, value << 20}, {}}
#define CNTKCTL(name, bit, instructions) {"CNTKCTL_EL1." name, instructions, ALL_LEVELS, EL0, {CNTKCTL_EL1, 1 << bit, 0}, {}}
#define PMUSERENR(name, bit, instructions)                                                         \
  {"PMUSERENR_EL0." name, instructions, ALL_LEVELS, EL0, {PMUSERENR_EL0, ALL, 0}, {PMUSERENR_EL0, ALL, 1 << bit}}
static const struct trap kernel[] = {
    SCTLR(UCI, "UCI", by_address),
    SCTLR(UCT, "UCT", cache_type),
    SCTLR(DZE, "DZE", zero),
    SCTLR(UMA, "UMA", masks),
    FPEN(0, EL0 | EL1),
    FPEN(1, EL0),
    FPEN(2, EL0 | EL1),
    CNTKCTL("EL0PCTEN", 0, physical_count),
    CNTKCTL("EL0VCTEN", 1, virtual_count),
    CNTKCTL("EL0VTEN", 8, virtual_timer),
    CNTKCTL("EL0PTEN", 9, physical_timer),
    {"MDSCR_EL1.TDCC", channel, ALL_LEVELS, EL0, {MDSCR_EL1, 0, 1 << 12}, {}},
    PMUSERENR("EN", 0, counters),
    PMUSERENR("SW", 1, increment),
    PMUSERENR("CR", 2, cycles),
    PMUSERENR("ER", 3, event_reads),
};

static void run_trap(const struct trap *trap, const struct instruction *instruction, u32 level) {
  static const char *const on[] = {"EL0", "EL1", "EL2"}, *const off[] = {"EL0-off", "EL1-off", "EL2-off"};
  u64 value = instruction->read ? instruction->read() : 0;
  struct test test = {level, 0, instruction->victim, 7 * GIB + 7 * PAGE_SIZE, value, {trap->on}};
  run(&test, "control", trap->name, instruction->text, on[level]);
  if (!(trap->trapped & 1u << level)) return;
  test.changes[0] = trap->off;
  run(&test, "control", trap->name, instruction->text, off[level]);
}

void run_traps(const struct trap *traps, u32 count) {
  for (u32 i = 0; i < count; i++) {
    for (const struct instruction *at = traps[i].instructions; at->victim; at++) {
      for (u32 level = 0; level <= highest(); level++) {
        if (traps[i].levels & 1u << level) run_trap(&traps[i], at, level);
      }
    }
  }
}

// EL1's control and EL2's own at once: EL1's comes first (DDI 0487 D1.3.5). And with HCR_EL2.TGE, which
// takes to EL2 what would go to EL1.
static void run_both(const struct trap *own, const struct trap *other, const struct instruction *instruction) {
  struct test test = {0, 0, instruction->victim, 7 * GIB + 7 * PAGE_SIZE, 0, {own->on, other->on}};
  run(&test, "control-both", own->name, other->name, instruction->text);
}

static void run_pairs(const struct trap *own, const struct instruction *instruction) {
  for (u32 i = 0; i < ARRAY_LENGTH(hypervisor); i++) {
    if (!(hypervisor[i].trapped & EL0)) continue;
    for (const struct instruction *at = hypervisor[i].instructions; at->victim; at++) {
      if (strcmp(at->text, instruction->text) == 0) run_both(own, &hypervisor[i], instruction);
    }
  }
}

static void pair_cases(void) {
  static const struct trap tge = {"HCR_EL2.TGE", NULL, 0, 0, {HCR_EL2, 0, HCR_TGE}, {}};
  for (u32 i = 0; i < ARRAY_LENGTH(kernel); i++) {
    if (!(kernel[i].trapped & EL0)) continue;
    for (const struct instruction *at = kernel[i].instructions; at->victim; at++) {
      run_pairs(&kernel[i], at);
      run_both(&kernel[i], &tge, at);
    }
  }
}

void control_cases(void) {
  run_traps(kernel, ARRAY_LENGTH(kernel));
  if (highest() == 2) {
    run_traps(hypervisor, ARRAY_LENGTH(hypervisor));
    pair_cases();
  }
  control_effect_cases();
}
