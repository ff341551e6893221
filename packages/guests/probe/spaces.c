// The pages that probes are about: one of each kind, at the same offsets in both halves, over the same frames. DDI 0487 D8.3.
#include "probe.h"

u64 upper_level1[512] TABLE_MEMORY, upper_level2[512] TABLE_MEMORY, upper_table[512] TABLE_MEMORY;
u8 frames[PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
const char *const page_names[PAGES] = {"user", "user-ro", "kernel", "kernel-ro", "absent", "no-access-flag", "user-device", "kernel-device",
                                       "code", "spare", "other"};

#define VALID 3ul
#define NORMAL_MEMORY (1ul << 2 | 3ul << 8)
#define AF (1ul << 10)
#define READ_ONLY (1ul << 7)
#define PXN (1ul << 53)
#define UXN (1ul << 54)
#define UART_PAGE 0x09000000ul

static u64 descriptor_of(enum page page) {
  u64 normal = (u64)frames[page] | VALID | NORMAL_MEMORY | AF;
  switch (page) {
    case USER: return normal | EL0_TOO | PXN | UXN;
    case USER_RO: return normal | EL0_TOO | READ_ONLY | PXN | UXN;
    case KERNEL: case SPARE: case OTHER: return normal | PXN | UXN;
    case KERNEL_RO: return normal | READ_ONLY | PXN | UXN;
    case NO_ACCESS_FLAG: return (normal | EL0_TOO | PXN | UXN) & ~AF;
    case USER_DEVICE: return UART_PAGE | VALID | AF | EL0_TOO | PXN | UXN;
    case KERNEL_DEVICE: return UART_PAGE | VALID | AF | PXN | UXN;
    case CODE: return normal | UXN;
    default: return 0;
  }
}

static void fill(u32 words) {
  for (u32 page = 0; page < PAGES; page++)
    for (u32 i = 0; i < words; i++) ((u64 *)frames[page])[i] = 0xf00d000000000000ul | (u64)page << 32 | i;
}

// Their beginnings, which is all that most probes touch.
void fill_frames(void) {
  fill(40);
}

static void tlbi(void) {
  asm volatile("dsb ishst\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
}

void remap(volatile u64 *entry, u64 descriptor) {
  *entry = 0;
  tlbi();
  *entry = descriptor;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}

void spaces_init(void) {
  fill(PAGE_SIZE / 8);
  // Not the page of code: its text is written by the probes.
  for (u32 page = 0; page < PAGES; page++) test_table[page] = upper_table[page] = descriptor_of(page);
  // The image again: RAM's second GiB, by the very tables of the lower half.
  upper_level1[1] = level1[1];
  upper_level1[2] = (u64)upper_level2 | VALID;
  upper_level2[0] = (u64)upper_table | VALID;
  dsb();
  write_register(ttbr1_el1, upper_level1);
  u64 tcr = read_register(tcr_el1) & ~(1ul << 23);
  // 39 bits, 4 KiB, write-back inner-shareable walks in the upper half, too.
  write_register(tcr_el1, tcr | 25ul << 16 | 1ul << 24 | 1ul << 26 | 3ul << 28 | 2ul << 30);
  tlbi();
}
