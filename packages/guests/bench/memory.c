// Memory: an arena of 4 KiB pages in the fourth GiB (DDI 0487 D8.3), pointer chases through 12 KiB, 384 KiB and 12 MiB of it,
// a copy by pairs of registers, and loads at any byte.
#include "bench.h"

#define PHYSICAL 0x42000000ul
#define TABLES ((ARENA_SIZE + CODE_ARENA_SIZE) >> 21)
#define NORMAL_CODE (3ul | 1 << 2 | 3 << 8 | 1 << 10) // writable, executable at our level alone
static u64 level2[512] TABLE_MEMORY;
static u64 level3[TABLES][512] TABLE_MEMORY;

void arena_init(void) {
  for (u64 page = 0; page < TABLES * 512; page++) {
    u64 kind = page < ARENA_SIZE / PAGE_SIZE ? NORMAL_PAGE : NORMAL_CODE;
    level3[page / 512][page % 512] = (PHYSICAL + page * PAGE_SIZE) | kind;
  }
  for (u64 i = 0; i < TABLES; i++) level2[i] = (u64)level3[i] | DESCRIPTOR_PAGE;
  level1[ARENA / GIB] = (u64)level2 | DESCRIPTOR_PAGE;
  dsb();
  isb();
}

// 48 bytes, at multiples of 16: no pair of words lies on two pages.
struct node {
  struct node *next;
  u64 value, more[4];
};
#define NODES ((struct node *)ARENA)

// One ring through all nodes: a linear congruence of full period says who follows whom.
static void make_ring(u64 count) {
  u64 at = 0;
  for (u64 i = 0; i < count; i++) {
    u64 next = (at * 0x1b2d5 + 0x3039) % count;
    NODES[at].next = &NODES[next];
    NODES[at].value = i;
    at = next;
  }
}

#define SMALL (1u << 8)
#define MEDIUM (1u << 13)
#define LARGE (1u << 18)
void chase_small_setup(void) { make_ring(SMALL); }
void chase_medium_setup(void) { make_ring(MEDIUM); }
void chase_large_setup(void) { make_ring(LARGE); }

NOINLINE static u64 chase(u64 links) {
  const struct node *at = NODES;
  u64 sum = 0;
  while (links--) {
    sum += at->value;
    at = at->next;
  }
  return sum ^ (u64)at;
}

u64 chase_small_unit(void) { return chase(128 * SMALL + 5); }
u64 chase_medium_unit(void) { return chase(4 * MEDIUM + 5); }
u64 chase_large_unit(void) { return chase(LARGE + 5); }

#define BLOCK 0x10000ul

void memcpy_setup(void) {
  u64 *words = (u64 *)ARENA;
  for (u64 i = 0; i < BLOCK / 8; i++) words[i] = mix(i, 77);
}

NOINLINE static void copy_pairs(void *to, const void *from, u64 bytes) {
  asm volatile("1: ldp x4, x5, [%1], #64\n\t"
               "ldp x6, x7, [%1, #-48]\n\t"
               "ldp x8, x9, [%1, #-32]\n\t"
               "ldp x10, x11, [%1, #-16]\n\t"
               "subs %2, %2, #64\n\t"
               "stp x4, x5, [%0], #64\n\t"
               "stp x6, x7, [%0, #-48]\n\t"
               "stp x8, x9, [%0, #-32]\n\t"
               "stp x10, x11, [%0, #-16]\n\t"
               "b.ne 1b"
               : "+r"(to), "+r"(from), "+r"(bytes)::"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "cc", "memory");
}

u64 memcpy_unit(void) {
  char *a = (char *)ARENA, *b = a + 2 * BLOCK;
  for (u32 i = 0; i < 4; i++) {
    copy_pairs(b, a, BLOCK);
    copy_pairs(a, b, BLOCK);
  }
  return mix(*(u64 *)(b + 8), *(u64 *)(a + BLOCK - 8));
}

#define SPAN 0x10000ul

// One load in 600 lies on two pages.
u64 unaligned_unit(void) {
  u64 sum = 0;
  for (u64 at = ARENA; at < ARENA + SPAN; at += 9) {
    u64 value;
    asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(at) : "memory");
    sum = sum * 3 + value;
  }
  return sum;
}
