// All of both halves: what is not mapped faults as natively, and what is mapped is there, wherever a hypervisor keeps itself.
// DDI 0487 D8.2.
#include "probe.h"

VICTIM(address_load, "ldr x0, [x1]")
VICTIM(address_branch, "br x1")

// RAM's first GiB as a block, for EL1 alone.
#define BLOCK (0x40000000ul | 1 | 1 << 2 | 3 << 8 | 1 << 10 | 3ul << 53)

static u64 outcome_of(u64 address, u32 spsr) {
  execute(address_load, spsr, 0, address, 0);
  return completed() ? record.x[0] : mixed(record.esr, record.far == address);
}

// The first and last bytes of each entry of the first table, absent and then mapped, one after the other.
static void slots(const char *name, u32 upper, volatile u64 *level1_table) {
  u64 absent = 0, there = 0, right = 0, faults = 0, expected = *(volatile u64 *)frames[KERNEL];
  for (u64 slot = 0; slot < 512; slot++) {
    u64 base = (upper ? UPPER : 0) + slot * GIB;
    if (level1_table[slot] & 1) continue;
    absent = mixed(absent, outcome_of(base, EL1H));
    faults += !completed();
    absent = mixed(absent, outcome_of(base + GIB - 8, slot & 1 ? EL0T : EL1H));
    faults += !completed();
    level1_table[slot] = BLOCK;
    asm volatile("dsb ishst\n\tisb" ::: "memory");
    u64 value = outcome_of(base + ((u64)frames[KERNEL] - 0x40000000), EL1H);
    right += value == expected;
    there = mixed(there, value);
    there = mixed(there, outcome_of(base + ((u64)frames[USER] - 0x40000000), EL0T));
    remap(&level1_table[slot], 0);
  }
  say("addresses", name, "faults %lu absent 0x%lx mapped right %lu", faults, absent, right);
}

// With 48 bits: 512 entries of 512 GiB; the lower half stays as it is, by a table above it.
static u64 level0[2][512] TABLE_MEMORY;
static void wide(void) {
  u64 tcr = read_register(tcr_el1), ttbr0 = read_register(ttbr0_el1), ttbr1 = read_register(ttbr1_el1);
  u64 absent = 0, right = 0, faults = 0, expected = *(volatile u64 *)frames[KERNEL];
  level0[0][0] = (u64)level1 | 3;
  level0[1][511] = (u64)upper_level1 | 3;
  dsb();
  u64 sctlr = change_sctlr(0, 1);
  write_register(ttbr0_el1, level0[0]);
  write_register(ttbr1_el1, level0[1]);
  write_register(tcr_el1, (tcr & ~(63ul | 63ul << 16)) | 16 | 16ul << 16);
  asm volatile("isb\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
  restore_sctlr(sctlr);
  for (u64 half = 0; half < 2; half++)
    for (u64 slot = 0; slot < 512; slot++) {
      volatile u64 *entry = &level0[half][slot];
      if (*entry & 1) continue;
      u64 base = (half ? 0xffff000000000000 : 0) + (slot << 39);
      absent = mixed(absent, outcome_of(base + 0x7ffffffff8, EL1H));
      faults += !completed();
      *entry = (u64)upper_level1 | 3;
      asm volatile("dsb ishst\n\tisb" ::: "memory");
      right += outcome_of(base + 2 * GIB + KERNEL * PAGE_SIZE, EL1H) == expected;
      // What runs there has nothing above it that could be in the way.
      execute(address_branch, EL1H, 0, base + 2 * GIB + CODE * PAGE_SIZE, 0);
      right += record.x[0] == 0x1234;
      remap(entry, 0);
    }
  sctlr = change_sctlr(0, 1);
  write_register(ttbr0_el1, ttbr0);
  write_register(ttbr1_el1, ttbr1);
  write_register(tcr_el1, tcr);
  asm volatile("isb\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
  restore_sctlr(sctlr);
  say("addresses", "48-bits", "faults %lu absent 0x%lx mapped right %lu", faults, absent, right);
}

static void one(const char *name, u64 address) {
  execute(address_load, EL1H, 0, address, 0);
  say_outcome("addresses", name, address_load);
}

static void edges(void) {
  one("lowest", LOWER_TEST);
  one("end-of-lower", 0x7ffffffff8);
  one("behind-lower", 0x8000000000);
  one("before-upper", 0xffffff7ffffffff8);
  one("begin-of-upper", UPPER);
  one("highest", 0xfffffffffffffff8);
  one("middle", 0x0001000000000000);
  one("middle-upper", 0xfffeffffffffffff & ~7ul);
  // The last page of all is mapped, and the first of the upper half.
  static u64 last2[512] TABLE_MEMORY, last3[512] TABLE_MEMORY;
  last2[511] = (u64)last3 | 3;
  last3[511] = ((u64)frames[OTHER]) | 3 | 1 << 2 | 3 << 8 | 1 << 10 | 3ul << 53;
  last3[0] = last3[511];
  last2[0] = (u64)last3 | 3;
  upper_level1[511] = (u64)last2 | 3;
  upper_level1[0] = (u64)last2 | 3;
  level1[511] = (u64)last2 | 3;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  one("highest-mapped", 0xfffffffffffffff8);
  one("begin-of-upper-mapped", UPPER);
  one("end-of-lower-mapped", 0x7ffffffff8);
  upper_level1[511] = upper_level1[0] = level1[511] = 0;
  asm volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
}

void address_probes(void) {
  fill_frames();
  u32 *words = (u32 *)frames[CODE];
  words[0] = 0xd2824680; // MOVZ X0, #0x1234
  words[1] = 0xd4200000 | 0x7ff << 5;
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(words) : "memory");
  edges();
  slots("upper-half", 1, upper_level1);
  slots("lower-half", 0, level1);
  wide();
}
