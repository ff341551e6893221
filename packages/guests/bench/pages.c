// Code on many pages, and code beside its own data. The code is written before the clock starts: 1,500 pages with seventy
// instructions each to visit, every page another mix; or one loop that changes its own page, or another one.
#include "bench.h"

#define PAGES 1500
#define ROUNDS 8

// A64 encodings (DDI 0487 C6.2); registers 0 to 5 and a pointer in x3.
#define ADD_IMMEDIATE(d, n, value) (0x91000000u | (value) << 10 | (n) << 5 | (d))
#define EOR(d, n, m) (0xca000000u | (m) << 16 | (n) << 5 | (d))
#define ADD(d, n, m) (0x8b000000u | (m) << 16 | (n) << 5 | (d))
#define ROR(d, n, amount) (0x93c00000u | (n) << 16 | (amount) << 10 | (n) << 5 | (d))
#define MADD(d, n, m, a) (0x9b000000u | (m) << 16 | (a) << 10 | (n) << 5 | (d))
#define LDR(t, n, slot) (0xf9400000u | (slot) << 10 | (n) << 5 | (t))
#define STR(t, n, slot) (0xf9000000u | (slot) << 10 | (n) << 5 | (t))
#define CMP(n, m) (0xeb00001fu | (m) << 16 | (n) << 5)
#define B_CONDITION(condition, words) (0x54000000u | (words) << 5 | (condition))
#define RET 0xd65f03c0u

static u64 data[16];
typedef u64 page_code(u64 value, u64 a, u64 b, u64 *data);

static u32 *make_page(u32 *at, u32 page) {
  for (u32 round = 0; round < ROUNDS; round++) {
    u32 n = (page * 7 + round * 13) & 0x1ff;
    *at++ = ADD_IMMEDIATE(0, 0, n);
    *at++ = LDR(2, 3, (page + round) & 15);
    *at++ = EOR(1, 1, 0);
    *at++ = (page + round) & 1 ? ROR(0, 0, 1 + n % 63) : MADD(0, 0, 1, 2);
    *at++ = ADD(1, 1, 2);
    *at++ = CMP(1, 0);
    *at++ = B_CONDITION((page ^ round) & 1 ? 8 : 11, 2); // HI or LT, over one instruction
    *at++ = ADD_IMMEDIATE(1, 1, n);
    *at++ = STR(1, 3, (page + round * 3) & 15);
  }
  *at++ = RET;
  return at;
}

static void publish(u64 from, u64 to) {
  for (u64 at = from; at < to; at += 64) asm volatile("dc cvau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish" ::: "memory");
  for (u64 at = from; at < to; at += 64) asm volatile("ic ivau, %0" ::"r"(at) : "memory");
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

static u64 place(u32 page) {
  return CODE_ARENA + page * PAGE_SIZE + (page % 29) * 64;
}

void breadth_setup(void) {
  for (u32 page = 0; page < PAGES; page++) {
    u32 *end = make_page((u32 *)place(page), page);
    publish(place(page), (u64)end);
  }
}

u64 breadth_unit(void) {
  u64 value = 1;
  for (u32 i = 0; i < ARRAY_LENGTH(data); i++) data[i] = i;
  for (u32 i = 0, page = 0; i < PAGES; i++, page = (page + 701) % PAGES) value = ((page_code *)place(page))(value, i, 0, data);
  return value;
}

extern const u32 loop_start[], loop_end[];
static u64 *loop_data;

static void place_loop(u64 *beside) {
  u32 *to = (u32 *)CODE_ARENA;
  for (const u32 *from = loop_start; from < loop_end; from++) *to++ = *from;
  publish(CODE_ARENA, (u64)to);
  loop_data = beside;
}

void shared_setup(void) { place_loop((u64 *)(CODE_ARENA + 2048)); }
void apart_setup(void) { place_loop((u64 *)ARENA); }

u64 shared_unit(void) {
  loop_data[0] = loop_data[1] = loop_data[2] = 1;
  return ((u64(*)(u64, u64 *))CODE_ARENA)(20000, loop_data);
}
