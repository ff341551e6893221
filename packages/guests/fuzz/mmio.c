// Accesses of all widths to all device windows, mostly at registers, sometimes anywhere.
#include "fuzz.h"

static const struct {
  u64 base;
  u32 size;
} windows[] = {
    {GICD, 0x10000}, {GICC, 0x2000},      {0x08020000, 0x1000}, {GICH, 0x1000},       {GICV, 0x2000},       {GICR, 0x80000},
    {0x09000000, 0x1000}, {0x09010000, 0x1000}, {0x09020000, 0x1000}, {0x09030000, 0x1000}, {0x0a000000, 0x4000}, {0x0a003c00, 0x400},
};

void fuzz_mmio(void) {
  u32 which = below(ARRAY_LENGTH(windows)), width = below(4);
  u64 offset = below(windows[which].size);
  if (!one_in(4)) offset &= one_in(2) ? 0xffc : 0xfc;
  if (!one_in(8)) offset &= ~((1ul << width) - 1);
  u64 at = windows[which].base + offset;
  if (one_in(64)) at = hostile_address() & 0x0fffffff; // anywhere below RAM
  u64 value = hostile_value();
  if (one_in(256)) { // pairs, vectors, exclusives, DC ZVA: to devices
    static const u32 odd[] = {0xa9400822, 0xa9000800, 0xc85f7c22, 0xc8027c20, 0xd50b7421, 0x3dc00020, 0x3d800020, 0xc8dffc22};
    run_code(odd[below(ARRAY_LENGTH(odd))] & ~0x3e0u, at); // base: x0, which is the address
    return;
  }
  u32 store = below(2);
  asm volatile("" ::: "memory");
  switch (store << 2 | width) {
  case 0:
    (void)*(volatile u8 *)at;
    break;
  case 1:
    (void)*(volatile u16 *)at;
    break;
  case 2:
    (void)*(volatile u32 *)at;
    break;
  case 3:
    (void)*(volatile u64 *)at;
    break;
  case 4:
    *(volatile u8 *)at = (u8)value;
    break;
  case 5:
    *(volatile u16 *)at = (u16)value;
    break;
  case 6:
    *(volatile u32 *)at = (u32)value;
    break;
  default:
    *(volatile u64 *)at = value;
  }
}
