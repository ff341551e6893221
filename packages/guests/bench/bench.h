// The benchmark image: kernels that do the same work again and again. A unit of work begins from the same state each time and
// returns a checksum of its result, so that results can be compared at any number of units.
#pragma once

#include <kit.h>

struct kernel {
  const char *name;
  void (*setup)(void); // before the clock starts; may be absent
  u64 (*unit)(void);
  void (*finish)(void); // undoes what `setup` did to the machine; may be absent
};

typedef signed short s16;

#define NOINLINE __attribute__((noinline))

static inline u64 mix(u64 hash, u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  return hash ^ hash >> 29;
}

// integer.c, text.c
u64 alu_unit(void), crc_unit(void), sha256_unit(void), fib_unit(void), interp_unit(void);
void bytes_setup(void), crc_setup(void), interp_setup(void);
u64 bytes_unit(void);

// memory.c: pages of 4 KiB at addresses of their own, data and code
#define ARENA 0xc0000000ul
#define ARENA_SIZE (16ul << 20)
#define CODE_ARENA (ARENA + ARENA_SIZE)
#define CODE_ARENA_SIZE (8ul << 20)
void arena_init(void);
void chase_small_setup(void), chase_medium_setup(void), chase_large_setup(void);
u64 chase_small_unit(void), chase_medium_unit(void), chase_large_unit(void);
void memcpy_setup(void);
u64 memcpy_unit(void), unaligned_unit(void);

// float.c, simd.c, crypto.c
void mm_setup(void), simd_setup(void), aes_setup(void);
u64 mm_unit(void), mmf_unit(void), fp_unit(void), simd_unit(void), aes_unit(void), sha_unit(void);

// core.c, records.c
void core_setup(void);
u64 core_unit(void), records_unit(void);

// pages.c
void breadth_setup(void), shared_setup(void), apart_setup(void);
u64 breadth_unit(void), shared_unit(void);

// system.c
void exceptions_on(void), exceptions_off(void), el0_setup(void), tlb_setup(void), remap_setup(void);
u64 syscall_unit(void), exception_unit(void), tlb_unit(void), remap_unit(void);
