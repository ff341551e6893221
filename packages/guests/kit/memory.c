// Identity-mapped memory: devices in the first GiB, RAM in the second, pages for the cases in the third.
// 39-bit addresses, 4 KiB granule, the same tables at every level (DDI 0487 D8.2, D8.3).
#include "kit.h"

u64 level1[512] TABLE_MEMORY, test_table[512] TABLE_MEMORY;
static u64 ram_table[512] TABLE_MEMORY, image_table[512] TABLE_MEMORY, test_level2[512] TABLE_MEMORY;
extern char image_start[], text_end[], code_start[], code_end[];

#define XN (1ul << 53 | 1ul << 54)
#define AF (1ul << 10)
#define NORMAL (1ul << 2 | 3ul << 8 | AF)
#define RAM_BASE 0x40000000ul

static u64 image_page(u64 page) {
  if (page < (u64)text_end) return NORMAL | 3 | EL0_TOO | 2 << 6; // read-only, executable at all levels
  if (page >= (u64)code_start && page < (u64)code_end) return NORMAL | 3;
  return NORMAL | 3 | EL0_TOO | XN;
}

void memory_init(void) {
  level1[0] = 1 | AF | XN; // Device-nGnRnE
  level1[1] = (u64)ram_table | 3;
  level1[2] = (u64)test_level2 | 3;
  test_level2[0] = (u64)test_table | 3;
  for (u64 i = 0; i < 512; i++) {
    ram_table[i] = (RAM_BASE + i * 0x200000) | 1 | NORMAL | EL0_TOO | XN;
    image_table[i] = ((u64)image_start + i * PAGE_SIZE) | image_page((u64)image_start + i * PAGE_SIZE);
  }
  ram_table[1] = (u64)image_table | 3;
}

#define MAIR 0xff00
// 39-bit addresses, write-back inner-shareable walks, 40-bit physical addresses
#define TCR (25 | 1 << 8 | 1 << 10 | 3 << 12)
#define SCTLR_EL1_ON (0x30d00800 | 1 << 26 | 1 << 18 | 1 << 16 | 1 << 15 | 1 << 14 | 1 << 12 | 1 << 9 | 1 << 2 | 1)
#define SCTLR_EL2_ON (0x30c50830 | 1 << 12 | 1 << 2 | 1)

void mmu_on(u32 level) {
  dsb();
  if (level == 1) {
    write_register(mair_el1, MAIR);
    write_register(ttbr0_el1, level1);
    write_register(tcr_el1, TCR | 1 << 23 | 2ul << 32);
    isb();
    asm volatile("tlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
    write_register(sctlr_el1, SCTLR_EL1_ON);
  } else if (level == 2) {
    write_register(mair_el2, MAIR);
    write_register(ttbr0_el2, level1);
    write_register(tcr_el2, TCR | 2 << 16 | 1 << 23 | 1ul << 31);
    isb();
    asm volatile("tlbi alle2\n\tdsb sy\n\tisb" ::: "memory");
    write_register(sctlr_el2, SCTLR_EL2_ON);
  } else {
    write_register(mair_el3, MAIR);
    write_register(ttbr0_el3, level1);
    write_register(tcr_el3, TCR | 2 << 16 | 1 << 23 | 1ul << 31);
    isb();
    asm volatile("tlbi alle3\n\tdsb sy\n\tisb" ::: "memory");
    write_register(sctlr_el3, SCTLR_EL2_ON);
  }
  isb();
}
