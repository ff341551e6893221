// Translation tables of random bytes, walked by accesses and by AT, with random TCR and TLB maintenance.
// At EL1 they are the upper half's; at EL2 the EL1&0 regime's, with stage 2.
#include "fuzz.h"

#define TABLES (ARENA + 0x800000) // 16 pages

static u64 descriptor(void) {
  u64 attributes = random64() & 0xfff0000000000ffc;
  switch (below(4)) {
  case 0:
    return random64();
  case 1:
    return (TABLES + below(16) * 4096) | attributes | 3; // a table, maybe itself
  case 2:
    return (ARENA + below(0x100) * 4096) | attributes | 1 << 10 | (one_in(4) ? 1 : 3);
  default:
    return hostile_value();
  }
}

static void change(void) {
  u64 *table = (u64 *)(TABLES + below(16) * 4096);
  for (u32 i = 0; i < 4; i++) ((volatile u64 *)table)[below(512)] = descriptor();
  ((volatile u64 *)table)[one_in(2) ? 511 : below(4)] = descriptor();
  dsb();
}

static void control(void) {
  u64 root = one_in(8) ? hostile_address() : TABLES + below(16) * 4096;
  if (entry_level == 1) {
    u64 tcr = read_register(tcr_el1) & 0x3fffff;
    write_register(tcr_el1, tcr | (random64() & ~0x3fffffffful) | (u64)below(64) << 16 | random64() % 256 << 24 | (u64)below(8) << 32);
    write_register(ttbr1_el1, root | (random64() & 0xffff000000000000));
  } else {
    write_register(ttbr0_el1, root);
    write_register(ttbr1_el1, one_in(2) ? root : hostile_address());
    write_register(tcr_el1, random64());
    write_register(sctlr_el1, 0x30d00800 | 1 | (random64() & 0x0308100e));
    write_register(vttbr_el2, one_in(2) ? root : hostile_address());
    write_register(vtcr_el2, random64());
    write_register(hcr_el2, HCR_RW | (one_in(2) ? HCR_VM : 0) | (one_in(4) ? 1 << 12 : 0) | (one_in(4) ? 4 : 0));
  }
  isb();
}

static void invalidate(void) {
  static const u32 operations[] = {0xd508871f, 0xd5088720, 0xd5088740, 0xd5088760, 0xd50887a0, 0xd50887e0, 0xd508831f,
                                   0xd50c8420, 0xd50c84a0, 0xd50c879f, 0xd50c87df, 0xd50c8020};
  run_code(operations[below(entry_level == 1 ? 7 : ARRAY_LENGTH(operations))], random64());
  dsb();
}

static u64 upper(void) {
  u64 address = random64() >> below(40);
  return one_in(16) ? address : ~0ul << (16 + below(32)) | address;
}

static void at(void) {
  static const u32 operations[] = {0xd5087800, 0xd5087820, 0xd5087840, 0xd5087860, 0xd50c7800, 0xd50c7820, 0xd50c7880, 0xd50c78a0, 0xd50c78c0, 0xd50c78e0};
  run_code(operations[below(entry_level == 1 ? 4 : ARRAY_LENGTH(operations))], one_in(2) ? random64() >> below(40) : upper());
}

void fuzz_tables(void) {
  change();
  if (one_in(8)) control();
  if (one_in(4)) invalidate();
  at();
  if (entry_level != 1) return;
  u64 address = upper();
  if (address >> 55 == 0) return; // the lower half is our own
  if (one_in(2)) (void)*(volatile u64 *)address;
  else if (one_in(2)) *(volatile u32 *)address = 0x5a5a5a5a;
  else if (one_in(4)) ((void (*)(void))(address & ~3ul))();
}
