// TLB maintenance that is broadcast (DDI 0487 D8.14): after break-before-make with an IS operation and DSB
// no CPU uses the old translation.
#include "smp.h"

#define GROUP "tlb"

static u64 pages[2][512] TABLE_MEMORY;
static volatile u64 value, fault;

static void read_page(u64 address) {
  fault = syndrome_of(value = *(volatile u64 *)address);
}

// Reads on CPU 1: its TLB may hold what it saw.
static u64 read_there(u64 address) {
  run_on(1, read_page, address);
  wait_for(1);
  return fault ? 0xf000 | (fault & 0x3f) : value;
}

enum operation { BY_VA, BY_VA_LAST, BY_VA_ALL_ASID, BY_ASID, EVERYTHING, OPERATIONS };
static const char *const names[] = {"by-va", "by-va-last-level", "by-va-all-asid", "by-asid", "everything"};

static void invalidate(enum operation operation, u64 address) {
  u64 page = address >> 12;
  asm volatile("dsb ishst" ::: "memory");
  if (entry_level == 1) {
    switch (operation) {
    case BY_VA:
      asm volatile("tlbi vae1is, %0" ::"r"(page));
      break;
    case BY_VA_LAST:
      asm volatile("tlbi vale1is, %0" ::"r"(page));
      break;
    case BY_VA_ALL_ASID:
      asm volatile("tlbi vaae1is, %0" ::"r"(page));
      break;
    case BY_ASID:
      asm volatile("tlbi aside1is, %0" ::"r"(0ul));
      break;
    default:
      asm volatile("tlbi vmalle1is");
    }
  } else if (operation == BY_VA_LAST) {
    asm volatile("tlbi vale2is, %0" ::"r"(page));
  } else if (operation == BY_VA) {
    asm volatile("tlbi vae2is, %0" ::"r"(page));
  } else {
    asm volatile("tlbi alle2is");
  }
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

static void change(enum operation operation) {
  u64 address = TEST_AREA + operation * PAGE_SIZE;
  u64 attributes = NORMAL_PAGE | EL0_TOO | (operation == BY_ASID && entry_level == 1 ? NOT_GLOBAL : 0);
  u64 *entry = &test_table[operation];
  *entry = (u64)pages[0] | attributes;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  u64 before = read_there(address);
  *entry = 0;
  invalidate(operation, address);
  u64 broken = read_there(address);
  *entry = (u64)pages[1] | attributes;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  u64 after = read_there(address);
  CASE(names[operation], "before=0x%lx broken=0x%lx after=0x%lx", before, broken, after);
}

// Permissions taken away: a store that worked does not any more.
static void write_page(u64 address) {
  fault = syndrome_of(*(volatile u64 *)address = 0x333);
}

static void read_only(void) {
  u64 address = TEST_AREA + 16 * PAGE_SIZE;
  test_table[16] = (u64)pages[0] | NORMAL_PAGE | EL0_TOO;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  run_on(1, write_page, address);
  wait_for(1);
  u64 first = fault;
  test_table[16] = (u64)pages[0] | NORMAL_PAGE | EL0_TOO | 2 << 6;
  invalidate(BY_VA, address);
  run_on(1, write_page, address);
  wait_for(1);
  CASE("read-only", "before=0x%lx EC=0x%02lx FSC=0x%02lx", first, fault >> 26, fault & 0x3f);
}

void tlb_cases(void) {
  pages[0][0] = 0x111;
  pages[1][0] = 0x222;
  for (enum operation operation = 0; operation < OPERATIONS; operation++) change(operation);
  read_only();
}
