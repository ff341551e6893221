// What operating systems do: calls from EL0, exceptions at the same level, more pages than any TLB holds, changes of a translation.
#include "bench.h"

#define CALLS 500

void exceptions_on(void) { cpu()->expecting = 1; }
void exceptions_off(void) { cpu()->expecting = 0; }

// Below an entry at EL2, EL0 runs under EL1's tables.
void el0_setup(void) {
  if (entry_level == 2) mmu_on(1);
  exceptions_on();
}

// The kit returns behind the instruction after SVC.
static u64 call_often(u64 calls) {
  while (calls--) asm volatile("svc #1\n\tnop" ::: "memory");
  return 0;
}

u64 syscall_unit(void) {
  u64 before = cpu()->caught;
  call_at(0, call_often, CALLS);
  return mix(cpu()->esr, cpu()->caught - before);
}

// By turns a breakpoint instruction and a load from a page that is not there.
u64 exception_unit(void) {
  u64 before = cpu()->caught, far = 0;
  for (u32 i = 0; i < CALLS / 2; i++) {
    asm volatile("brk #7" ::: "memory");
    asm volatile("ldr xzr, [%0]" ::"r"(TEST_AREA + 0x3000 + 8 * (i & 7)) : "memory");
    far ^= cpu()->far;
  }
  return mix(far, cpu()->caught - before);
}

#define PAGES ((ARENA_SIZE + CODE_ARENA_SIZE) / PAGE_SIZE)

static u64 *word_of(u64 page) {
  return (u64 *)(ARENA + page * PAGE_SIZE + (page % 61) * 64);
}

void tlb_setup(void) {
  for (u64 page = 0; page < PAGES; page++) *word_of(page) = mix(page, 3);
}

u64 tlb_unit(void) {
  u64 sum = 0;
  for (u64 i = 0, page = 0; i < PAGES; i++, page = (page + 2741) % PAGES) sum += *word_of(page);
  return sum;
}

#define REMAPPED (TEST_AREA + 0x10000)
static u64 two_pages[2][512] __attribute__((aligned(4096)));

void remap_setup(void) {
  two_pages[0][5] = 0x1111;
  two_pages[1][5] = 0x2222;
}

u64 remap_unit(void) {
  u64 hash = 0, page = REMAPPED >> 12;
  for (u32 i = 0; i < CALLS; i++) {
    test_table[0x10] = (u64)two_pages[i & 1] | NORMAL_PAGE;
    asm volatile("dsb ishst" ::: "memory");
    if (entry_level == 2) asm volatile("tlbi vae2, %0" ::"r"(page) : "memory");
    else asm volatile("tlbi vae1, %0" ::"r"(page) : "memory");
    asm volatile("dsb ish\n\tisb" ::: "memory");
    hash = hash * 3 + ((volatile u64 *)REMAPPED)[5];
  }
  return hash;
}
