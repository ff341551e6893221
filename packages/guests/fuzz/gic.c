// The interrupt controller programmed at random, with interrupts taken.
#include "fuzz.h"

static void memory_mapped(void) {
  static const u64 bases[] = {GICD, GICC, GICH, GICV, GICR, GICR + 0x10000};
  u32 which = below(gic_version == 3 ? 6 : 4);
  if (gic_version == 3 && which > 0 && which < 4) which = 0;
  u64 at = bases[which] + (which == 0 && !one_in(4) ? below(0x1000) & ~3u : which == 0 ? below(0x10000) & ~3u : below(0x140) & ~3u);
  if (one_in(3)) (void)mmio32(at);
  else if (one_in(8)) mmio8(at + below(4)) = (u8)hostile_value();
  else mmio32(at) = (u32)hostile_value();
}

// MSR or MRS of an ICC, ICV or ICH register: op0 3, CRn 12 (or 4 for PMR).
static void by_register(void) {
  u32 op1 = one_in(2) ? 0 : one_in(2) ? 4 : 6;
  u32 encoding = 3u << 19 | op1 << 16 | 12u << 12 | (8 + below(8)) << 8 | below(8) << 5;
  if (one_in(16)) encoding = 3u << 19 | 4u << 12 | 6u << 8;
  run_code(0xd5000000 | encoding | (one_in(3) ? 1u << 21 : 0), hostile_value());
}

void fuzz_gic(void) {
  if (gic_version == 3 && one_in(2)) by_register();
  else memory_mapped();
  if (one_in(16)) {
    unmask_all();
    mask_all();
  }
  if (entry_level == 2 && one_in(64)) write_register(hcr_el2, HCR_RW | (random64() & (HCR_IMO | HCR_FMO | HCR_AMO)));
  if (one_in(1024)) {
    gic_init();
    gic_init_cpu();
  }
}
