// virtio-mmio devices set up as a driver would, or nearly, with rings of lies (virtio 1.2, 2.7, 4.2).
#include "fuzz.h"

#define SLOTS 32
#define DESCRIPTORS (ARENA + 0x10000)
#define AVAILABLE (ARENA + 0x20000)
#define USED (ARENA + 0x30000)
#define BUFFERS (ARENA + 0x100000)

static u32 present[SLOTS], count, looked;

static void look(void) {
  looked = 1;
  for (u32 i = 0; i < SLOTS; i++) {
    u64 at = 0x0a000000 + i * 0x200;
    if (mmio32(at) == 0x74726976 && mmio32(at + 8)) present[count++] = i;
  }
}

static u64 ring_address(u64 right) {
  return one_in(16) ? hostile_address() : one_in(16) ? right + below(16) : right;
}

static void set_address(u64 at, u32 offset, u64 address) {
  mmio32(at + offset) = (u32)address;
  mmio32(at + offset + 4) = (u32)(address >> 32);
}

static void set_up(u64 at, u32 queue) {
  mmio32(at + 0x70) = 0;
  mmio32(at + 0x70) = 1;
  mmio32(at + 0x70) = 3;
  for (u32 half = 0; half < 2; half++) {
    mmio32(at + 0x14) = half;
    u32 offered = mmio32(at + 0x10);
    mmio32(at + 0x24) = half;
    mmio32(at + 0x20) = one_in(4) ? offered & (u32)random64() : one_in(8) ? (u32)random64() : offered;
  }
  mmio32(at + 0x70) = 11;
  for (u32 q = 0; q <= queue; q++) {
    mmio32(at + 0x30) = q;
    mmio32(at + 0x38) = one_in(8) ? (u32)hostile_value() : 1u << below(9);
    set_address(at, 0x80, ring_address(DESCRIPTORS));
    set_address(at, 0x90, ring_address(AVAILABLE));
    set_address(at, 0xa0, ring_address(USED));
    mmio32(at + 0x44) = 1;
  }
  mmio32(at + 0x70) = 15;
}

struct descriptor {
  u64 address;
  u32 length;
  u16 flags, next;
};

static void lie(void) {
  volatile struct descriptor *table = (struct descriptor *)DESCRIPTORS;
  u32 first = below(32);
  for (u32 i = first; i < first + 4; i++) {
    table[i].address = one_in(4) ? hostile_address() : BUFFERS + below(64) * 512;
    table[i].length = one_in(4) ? (u32)hostile_value() : one_in(2) ? 16 : below(4096);
    table[i].flags = (u16)(one_in(8) ? random64() : below(8));
    table[i].next = (u16)(one_in(8) ? random64() : below(32));
  }
  // a request that a block device may take: type, sector; and a table that indirect descriptors may find
  *(volatile u32 *)(BUFFERS + below(64) * 512) = below(12);
  *(volatile u64 *)(BUFFERS + 8 + below(64) * 512) = one_in(4) ? hostile_value() : below(64);
  volatile u16 *available = (u16 *)AVAILABLE;
  available[0] = (u16)below(3);
  for (u32 i = 0; i < 2; i++) available[2 + below(256)] = (u16)(one_in(8) ? random64() : below(32));
  available[1] = (u16)(one_in(8) ? random64() : available[1] + below(4));
}

void fuzz_virtio(void) {
  if (!looked) look();
  if (!count) return;
  u64 at = 0x0a000000 + present[below(count)] * 0x200;
  u32 queue = below(4);
  if (one_in(8)) set_up(at, queue);
  lie();
  mmio32(at + 0x50) = one_in(16) ? (u32)random64() : queue;
  if (one_in(4)) mmio32(at + 0x64) = mmio32(at + 0x60);
  if (one_in(8)) mmio32(at + (below(0x80) & ~3u) * 2) = (u32)hostile_value();
  if (one_in(64)) for (volatile u32 i = 0; i < 200; i++) continue; // time for what the device does later
}
