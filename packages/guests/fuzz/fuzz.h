// The hostile guest: what its modes share.
#pragma once

#include <kit.h>

// Where each CPU keeps the number of operations done, for who looks at the machine's memory from outside.
#define OPERATIONS(number) mmio64(0x47f00000 + (number) * 8ul)
// And the number of results that were not what the architecture says.
#define MISTAKES(number) mmio64(0x47f00200 + (number) * 8ul)
#define ARENA 0x44000000ul // RAM that may be overwritten with anything
#define ARENA_SIZE 0x1000000ul

u64 random64(void);
extern u64 pool; // of random bits, for small numbers
extern u32 pool_left;
// Sixteen bits decide it: a guest of which most instructions make random numbers asks little of the machine.
static inline u32 below(u32 limit) {
  if (limit > 0x10000) return (u32)(random64() >> 33) % limit;
  if (!pool_left) {
    pool = random64();
    pool_left = 4;
  }
  pool_left--;
  u32 bits = pool & 0xffff;
  pool >>= 16;
  return bits * limit >> 16;
}
static inline int one_in(u32 n) {
  return below(n) == 0;
}
u64 hostile_value(void);   // zero, ones, single bits, small and huge numbers, addresses
u64 hostile_address(void); // in the arena, mostly; else of a device, of nothing, at the end of RAM

extern u32 code_pages[CPUS][1024];
#define code (code_pages[cpu_number()]) // each CPU's own
int other_cpu(void); // this one is not the first, and did something else
void run_code(u32 instruction, u64 value); // one instruction with x0 = value; an exception skips it
void skip(struct frame *frame);
void ignore_interrupt(struct frame *frame);

void fuzz_mmio(void);
void fuzz_virtio(void);
void fuzz_gic(void);
void fuzz_registers(void);
void fuzz_tables(void);
void fuzz_code(void);
void fuzz_outside(void);
void fuzz_calls(void);
void fuzz_tlb(void);
void fuzz_waits(void);
void fuzz_storm(void);
void fuzz_rewrite(void);
void fuzz_loops(void);
void fuzz_roots(void);
void fuzz_hole(void);
void fuzz_fill(void);
void fuzz_exclusive(void);
void fuzz_emulated(void);
void fuzz_sweep(void);
void fuzz_jumps(void);
void fuzz_patched(void);
void fuzz_cached(void);
void fuzz_quiet(void);
void fuzz_busy(void);
