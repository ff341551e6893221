// The hostile guest: what its modes share.
#pragma once

#include <kit.h>

// Where the number of operations done is kept, for who looks at the machine's memory from outside.
#define OPERATIONS mmio64(0x47f00000)
#define ARENA 0x44000000ul // RAM that may be overwritten with anything
#define ARENA_SIZE 0x1000000ul

u64 random64(void);
static inline u32 below(u32 limit) {
  return (u32)(random64() >> 33) % limit;
}
static inline int one_in(u32 n) {
  return below(n) == 0;
}
u64 hostile_value(void);   // zero, ones, single bits, small and huge numbers, addresses
u64 hostile_address(void); // in the arena, mostly; else of a device, of nothing, at the end of RAM

extern u32 code[1024];
void run_code(u32 instruction, u64 value); // one instruction with x0 = value; an exception skips it
void skip(struct frame *frame);
void ignore_interrupt(struct frame *frame);

void fuzz_mmio(void);
void fuzz_virtio(void);
void fuzz_gic(void);
void fuzz_registers(void);
void fuzz_tables(void);
void fuzz_code(void);
