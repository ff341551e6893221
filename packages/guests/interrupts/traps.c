// GICv3: which accesses of EL1 to the ICC registers trap to EL2, and which are the guest's own
// (IHI 0069 6.2, ICH_HCR_EL2, ICC_SRE_EL2).
#include "guest.h"

#define GROUP "trap"

#define REGISTERS(X)                                                                               \
  X(pmr, ICC_PMR_EL1)                                                                              \
  X(ctlr, ICC_CTLR_EL1)                                                                            \
  X(rpr, ICC_RPR_EL1)                                                                              \
  X(iar0, ICC_IAR0_EL1)                                                                            \
  X(hppir0, ICC_HPPIR0_EL1)                                                                        \
  X(bpr0, ICC_BPR0_EL1)                                                                            \
  X(ap0r0, ICC_AP0R0_EL1)                                                                          \
  X(igrpen0, ICC_IGRPEN0_EL1)                                                                      \
  X(iar1, ICC_IAR1_EL1)                                                                            \
  X(hppir1, ICC_HPPIR1_EL1)                                                                        \
  X(bpr1, ICC_BPR1_EL1)                                                                            \
  X(ap1r0, ICC_AP1R0_EL1)                                                                          \
  X(igrpen1, ICC_IGRPEN1_EL1)                                                                      \
  X(sre, ICC_SRE_EL1)

#define READER(name, text)                                                                         \
  static u64 read_##name(u64 unused) {                                                             \
    (void)unused;                                                                                  \
    return read_register(text);                                                                    \
  }
REGISTERS(READER)
static u64 write_eoir0(u64 value) {
  write_register(ICC_EOIR0_EL1, value);
  return 0;
}
static u64 write_eoir1(u64 value) {
  write_register(ICC_EOIR1_EL1, value);
  return 0;
}
static u64 write_dir(u64 value) {
  write_register(ICC_DIR_EL1, value);
  return 0;
}
static u64 write_sgi1r(u64 value) {
  write_register(ICC_SGI1R_EL1, value);
  return 0;
}
static u64 write_sgi0r(u64 value) {
  write_register(ICC_SGI0R_EL1, value);
  return 0;
}
static u64 read_hcr(u64 unused) {
  (void)unused;
  return read_register(ICH_HCR_EL2);
}

static const struct {
  const char *name;
  u64 (*access)(u64);
} accesses[] = {
#define ROW(name, text) {#name, read_##name},
    REGISTERS(ROW){"eoir0", write_eoir0}, {"eoir1", write_eoir1}, {"dir", write_dir}, {"sgi1r", write_sgi1r}, {"sgi0r", write_sgi0r},
    {"ich_hcr", read_hcr},
};

static void try(const char *control, u32 bits) {
  for (u32 i = 0; i < ARRAY_LENGTH(accesses); i++) {
    fresh_guest();
    guest_groups(1, 1);
    set_hcr(HCR_EN | bits);
    u64 esr = syndrome_of(call_at(1, accesses[i].access, NONE));
    print("case trap/%s/%s: ", control, accesses[i].name);
    if (esr) print("EL=%lu ESR=0x%lx\n", cpu()->level, esr);
    else print("completes\n");
  }
}

// HCR_EL2.IMO and FMO choose between the physical and the virtual interface at EL1.
static void selection_cases(void) {
  static const struct {
    const char *name;
    u64 bits;
  } rows[] = {{"none", 0}, {"imo", HCR_IMO}, {"fmo", HCR_FMO}, {"both", HCR_IMO | HCR_FMO}};
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    fresh_guest();
    guest_groups(1, 1);
    set_mask(0); // pending, and not signalled
    guest_mask(0xa0);
    set_list_group(0, 50, 0x80, PENDING, 1);
    set_list_group(1, 51, 0x80, PENDING, 0);
    set_group(SPI_B, 0);
    enable_groups(1, 1);
    gic_set_pending(SPI_A);
    gic_set_pending(SPI_B);
    dsb();
    write_register(hcr_el2, HCR_RW | rows[i].bits);
    isb();
    u64 one = call_at(1, read_hppir1, 0), pmr = call_at(1, read_pmr, 0), at2 = read_register(ICC_HPPIR1_EL1);
    gic_clear_pending(SPI_A); // of equal priority, it came first
    set_list(0, 0, 0, INVALID);
    dsb();
    u64 zero = call_at(1, read_hppir0, 0);
    print("case trap/selection/%s: HPPIR1=%lu HPPIR0=%lu PMR=0x%lx EL2=%lu\n", rows[i].name, one, zero, pmr, at2);
    gic_clear_pending(SPI_B);
  }
  static const u64 routes[] = {0, HCR_IMO, HCR_FMO};
  static const char *const names[] = {"none", "imo", "fmo"};
  for (u32 i = 0; i < 3; i++) {
    fresh_guest();
    write_register(hcr_el2, HCR_RW | routes[i]);
    isb();
    u64 one = syndrome_of(call_at(1, write_sgi1r, 0)), zero = syndrome_of(call_at(1, write_sgi0r, 0));
    print("case trap/sgi/%s: SGI1R=0x%lx SGI0R=0x%lx\n", names[i], one, zero);
  }
}

static void sre_cases(void) {
  fresh_guest();
  u64 value = read_register(ICC_SRE_EL2);
  CASE("sre/el2", "0x%lx", value);
  write_register(ICC_SRE_EL2, value & ~8ul);
  isb();
  u64 esr = syndrome_of(call_at(1, read_sre, 0));
  CASE("sre/enable-off", "ESR=0x%lx", esr);
  write_register(ICC_SRE_EL2, value);
  isb();
  CASE("vtr", "lists=%lu priority-bits=%lu preemption-bits=%lu", (read_register(ICH_VTR_EL2) & 31) + 1, (read_register(ICH_VTR_EL2) >> 29) + 1,
       (read_register(ICH_VTR_EL2) >> 26 & 7) + 1);
}

void trap_cases(void) {
  try("none", 0);
  try("tc", 1 << 10);
  try("tall0", 1 << 11);
  try("tall1", 1 << 12);
  try("tdir", 1 << 14);
  selection_cases();
  sre_cases();
  set_hcr(0);
  write_register(hcr_el2, HCR_RW);
  fresh();
}
