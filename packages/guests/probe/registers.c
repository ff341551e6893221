// Identification registers at both levels, and registers of EL1 that are to be what was written. DDI 0487 D17.2.
#include "probe.h"

#define IDENTIFICATION(row)                                                                        \
  row(midr_el1) row(mpidr_el1) row(revidr_el1) row(aidr_el1) row(clidr_el1) row(ctr_el0) row(dczid_el0) row(cntfrq_el0)                   \
  row(id_aa64pfr0_el1) row(id_aa64pfr1_el1) row(id_aa64dfr1_el1) row(id_aa64afr0_el1) row(id_aa64afr1_el1)                                \
  row(id_aa64isar0_el1) row(id_aa64isar1_el1) row(id_aa64mmfr0_el1) row(id_aa64mmfr1_el1) row(s3_0_c0_c7_2)                               \
  row(s3_0_c0_c4_4) row(s3_0_c0_c4_5) row(s3_0_c0_c6_2)                                                                                    \
  row(id_pfr0_el1) row(id_pfr1_el1) row(id_afr0_el1) row(id_mmfr0_el1) row(id_mmfr1_el1) row(id_mmfr2_el1)                                \
  row(id_mmfr3_el1) row(id_mmfr4_el1) row(id_isar0_el1) row(id_isar1_el1) row(id_isar2_el1) row(id_isar3_el1) row(id_isar4_el1)           \
  row(id_isar5_el1) row(mvfr0_el1) row(mvfr1_el1) row(mvfr2_el1)

#define READ_VICTIM(name) VICTIM(read_##name, "mrs x0, " #name)
IDENTIFICATION(READ_VICTIM)
READ_VICTIM(id_aa64dfr0_el1)
READ_VICTIM(id_dfr0_el1)
READ_VICTIM(pmuserenr_el0)
READ_VICTIM(pmccntr_el0)
VICTIM(user_enable, "msr pmuserenr_el0, x0\nmrs x0, pmuserenr_el0")

#define IDENTIFICATION_ROW(name) {#name, read_##name},
static const struct {
  const char *name, *victim;
} identification[] = {IDENTIFICATION(IDENTIFICATION_ROW)};
#define ROWS(table) (sizeof(table) / sizeof(table[0]))

// The performance monitors, of which PMUSERENR_EL0 can be read at EL0, and so never traps.
void resource_probes(void) {
  execute(read_id_aa64dfr0_el1, EL1H, 0, 0, 0);
  u64 a64 = record.x[0];
  execute(read_id_dfr0_el1, EL1H, 0, 0, 0);
  u64 a32 = record.x[0];
  say2("resource", "id", "id_aa64dfr0_el1 0x%lx id_dfr0_el1 0x%lx", a64, a32);
  execute(read_pmuserenr_el0, EL0T, 0, 0, 0);
  say_outcome("resource", "pmuserenr-EL0", read_pmuserenr_el0);
  execute(read_pmccntr_el0, EL0T, 0, 0, 0);
  say_outcome("resource", "pmccntr-EL0", read_pmccntr_el0);
  execute(user_enable, EL1H, 0xf, 0, 0);
  say_outcome("resource", "pmuserenr-written-EL1", user_enable);
  execute(read_pmuserenr_el0, EL0T, 0, 0, 0);
  say_outcome("resource", "pmuserenr-written-EL0", read_pmuserenr_el0);
  write_register(pmuserenr_el0, 0);
}

#define PATTERNS 3
static const u64 patterns[PATTERNS] = {0x5a5a5a5a5a5a5a5aul, 0xa5a5a5a5a5a5a5a5ul, 0x123456789abcdef0ul};
#define KEPT(row)                                                                                  \
  row(tpidr_el0, ~0ul) row(tpidr_el1, ~0ul) row(tpidrro_el0, ~0ul) row(far_el1, ~0ul) row(elr_el1, ~0ul) row(sp_el0, ~0ul)                \
  row(vbar_el1, 0xfffffffff800ul) row(contextidr_el1, 0xffffffff) row(esr_el1, 0xffffffff) row(mair_el1, ~0xff00ul)                      \
  row(afsr0_el1, 0) row(afsr1_el1, 0) row(amair_el1, 0) row(actlr_el1, 0) row(csselr_el1, 7)                                               \
  row(spsr_el1, 0xf00003c5) row(cpacr_el1, 0x300000) row(cntkctl_el1, 0x3ff) row(ttbr1_el1, 0xff000000fffff000ul) row(par_el1, 0x80fffffff380ul)  \
  row(mdscr_el1, 0x1000) row(osdlr_el1, 1) row(cntv_cval_el0, ~0ul) row(cntp_cval_el0, ~0ul)

// Written, read at once and after ten thousand instructions of others, and put back.
#define KEEP(name, mask)                                                                           \
  {                                                                                                \
    u64 sum = 0, before = read_register(name);                                                     \
    for (u32 i = 0; i < PATTERNS; i++) {                                                           \
      u64 value = (patterns[i] & (mask)) | (before & ~(u64)(mask) & -(u64)((mask) != ~0ul));       \
      write_register(name, value);                                                                 \
      isb();                                                                                       \
      sum = mixed(sum, read_register(name));                                                       \
    }                                                                                              \
    write_register(name, before);                                                                  \
    isb();                                                                                         \
    say2("kept", #name, "0x%lx then as before: %lu", sum, read_register(name) == before);          \
  }

// A pointer to what runs now, as Linux has it in SP_EL0 and TPIDR_EL1, read thousands of times.
VICTIM(read_often, "msr tpidr_el1, x0\nmsr tpidr_el0, x1\nmsr tpidrro_el0, x2\nmrs x6, sp_el0\nmov x5, #5000\nmov x7, #0\n"
                   "1: mrs x3, tpidr_el1\nmrs x4, tpidr_el0\neor x3, x3, x4\nmrs x4, tpidrro_el0\neor x3, x3, x4\nmrs x4, sp_el0\neor x4, x4, x6\n"
                   "add x3, x3, x4\nadd x7, x7, x3\nror x7, x7, #7\nsubs x5, x5, #1\nb.ne 1b\nmov x0, x7")
VICTIM(user_pointers, "msr tpidr_el0, x0\nmov x5, #3000\nmov x0, #0\n1: mrs x3, tpidr_el0\nmrs x4, tpidrro_el0\neor x3, x3, x4\nadd x0, x0, x3\nror x0, x0, #9\n"
                      "subs x5, x5, #1\nb.ne 1b\nsvc #0")
VICTIM(write_read_only, "msr tpidrro_el0, x0")

static void thread_pointers(void) {
  u64 before = read_register(tpidrro_el0);
  execute(read_often, EL1H, 0x1111222233334444, 0x5555666677778888, 0x9999aaaabbbbcccc);
  say_outcome("thread", "read-often-EL1", read_often);
  say1("thread", "read-only-kept", "0x%lx", read_register(tpidrro_el0));
  execute(user_pointers, EL0T, 0x0123456789abcdef, 0, 0);
  say_outcome("thread", "read-often-EL0", user_pointers);
  say2("thread", "after-EL0", "tpidr_el0 0x%lx tpidrro_el0 0x%lx", read_register(tpidr_el0), read_register(tpidrro_el0));
  execute(write_read_only, EL0T, 5, 0, 0);
  say_state("thread", "write-read-only-EL0", write_read_only);
  write_register(tpidrro_el0, before);
}

void register_probes(void) {
  for (u32 i = 0; i < ROWS(identification); i++) {
    execute(identification[i].victim, EL1H, 0, 0, 0);
    u64 value = record.x[0];
    if (!completed()) {
      say_state("id", identification[i].name, identification[i].victim);
      continue;
    }
    execute(identification[i].victim, EL0T, 0, 0, 0);
    say("id", identification[i].name, "0x%lx at EL0 ESR=0x%lx x0=0x%lx", value, record.esr, record.x[0]);
  }
  for (u64 i = 0; i < 3; i++) {
    write_register(csselr_el1, i);
    isb();
    say2("id", i == 0 ? "ccsidr-0" : i == 1 ? "ccsidr-1" : "ccsidr-2", "0x%lx csselr 0x%lx", read_register(ccsidr_el1), read_register(csselr_el1));
  }
  KEPT(KEEP)
  thread_pointers();
}
