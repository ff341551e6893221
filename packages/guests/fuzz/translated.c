// What is meant for a translator of this kernel's code: more text than a cache has room for, jumps to everywhere, text that changes, and
// registers and addresses that are the translator's own. Results are compared with what the architecture says.
#include "fuzz.h"

#define TEXT (ARENA + 0x100000)
#define TEXT_SIZE 0x400000u
#define RETURN 0xd65f03c0u
#define UPPER_TEXT (~0ul << 39)

static u64 upper_tables[512] TABLE_MEMORY;

static void check(int holds) {
  if (!holds) MISTAKES(cpu_number())++;
}

static void flush(volatile u32 *at) {
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
}
static void flush_all(void) {
  asm volatile("dsb ish\n\tic iallu\n\tdsb sy\n\tisb" ::: "memory");
}

// Memory once more in the upper half, where a kernel's text is: executable at EL1.
static void executable(void) {
  for (u32 i = 0; i < 512; i++) upper_tables[i] = i * GIB | 1 | 1 << 2 | 3 << 8 | 1 << 10;
  dsb();
  write_register(ttbr1_el1, upper_tables);
  write_register(tcr_el1, (read_register(tcr_el1) & ~0xffc00000ul) | 25ul << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ul << 30);
  asm volatile("tlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
}

static u64 call(u64 at, u64 value) {
  return ((u64(*)(u64))(UPPER_TEXT | at))(value);
}

// A chain through the whole of the text: each block adds what it is and goes on to another.
#define BLOCK 32u // bytes
#define BLOCKS 150000u
static u32 following(u32 block) {
  return (u32)((block * 2654435761ul + 12345) % BLOCKS);
}
void fuzz_sweep(void) {
  static u32 ready, at;
  static const u32 reads[] = {0xd5384101, 0xd5384241, 0xd53b4221}; // SP_EL0, CurrentEL, DAIF
  if (other_cpu()) return;
  if (!ready) {
    executable();
    for (u32 i = 0; i < BLOCKS; i++) {
      volatile u32 *to = (volatile u32 *)(TEXT + i * BLOCK);
      to[0] = 0x91000000 | (i & 0xfff) << 10;            // add x0, x0, #
      to[1] = reads[i % 3];                              // into x1
      to[2] = 0xd1000442;                                // sub x2, x2, #1
      to[3] = 0xb4000082;                                // cbz x2, to[7]
      u32 other = following(i);
      to[4] = 0x14000000 | ((u32)(((int)other - (int)i) * (int)(BLOCK / 4) - 4) & 0x3ffffff);
      to[5] = to[6] = 0;
      to[7] = RETURN;
    }
    flush_all();
    ready = 1;
  }
  u64 expected = 0;
  u32 steps = 1 + below(256), from = at;
  for (u32 i = 0; i < steps; i++) {
    expected += at & 0xfff;
    at = following(at);
  }
  if (one_in(4)) at = below(BLOCKS); // elsewhere
  register u64 x0 asm("x0") = 0;
  register u64 x2 asm("x2") = steps;
  register u64 target asm("x3") = UPPER_TEXT | (TEXT + from * BLOCK);
  asm volatile("blr %2" : "+r"(x0), "+r"(x2) : "r"(target) : "x1", "x30", "memory");
  check(x0 == expected);
}

// To every word: what returns at once, what is nothing, what is misaligned; to the cache itself.
void fuzz_jumps(void) {
  static u32 ready, next;
  static const u32 words[] = {RETURN, 0xd61f03c0, 0x91000400, 0xd503201f, 0, 0xd5384100, 0xd61f0000, 0x54000040, 0xd50342df, 0xd4000001, 0xd4200000};
  if (other_cpu()) return;
  if (!ready) {
    executable();
    volatile u32 *text = (volatile u32 *)TEXT;
    for (u32 i = 0; i < TEXT_SIZE / 4; i++) text[i] = i % 4 == 3 || i % 4 == 1 ? RETURN : words[below(ARRAY_LENGTH(words))];
    flush_all();
    ready = 1;
  }
  for (u32 i = 0; i < 16; i++) {
    u64 at = TEXT + (one_in(2) ? (u64)(next += 3) * 4 : random64()) % TEXT_SIZE;
    if (!one_in(8)) at &= ~3ul;
    u32 word = *(volatile u32 *)(at & ~3ul);
    if (word == 0xd61f0000) continue; // br x0
    u64 value = random64(), result = call(at, value);
    if (at % 4 != 0 || word == RETURN || word == 0xd61f03c0) check(result == value);
    else if (word == 0x91000400) check(result == value + 1);
  }
  static const u64 own[] = {0xfffff07fc0000000, 0xfffff07fe0000000, 0xfffff0000b000000, 0xfffff00040000000};
  if (one_in(8)) ((void (*)(void))(own[below(4)] + (random64() & 0x3ffffc)))();
  if (one_in(64)) ((void (*)(void))random64())();
}

// A page that is rewritten while it is run, from any place in it: with maintenance it is new; without it is old or new.
#define SLOTS 512u
void fuzz_patched(void) {
  static u32 ready, oldest[SLOTS], newest[SLOTS], generation;
  volatile u32 *page = (volatile u32 *)TEXT;
  if (other_cpu()) return;
  if (!ready) {
    executable();
    for (u32 i = 0; i < SLOTS; i++) {
      page[2 * i] = 0xd2800000;
      page[2 * i + 1] = i % 4 ? 0xd503201f : RETURN;
    }
    page[2 * SLOTS - 1] = RETURN;
    flush_all();
    ready = 1;
  }
  generation = (generation + 1) & 0xffff;
  u32 count = 1 + below(4), first = below(SLOTS);
  for (u32 i = 0; i < count; i++) {
    u32 slot = (first + i * below(64)) % SLOTS;
    page[2 * slot] = 0xd2800000 | generation << 5; // movz x0, #
    newest[slot] = generation;
    if (one_in(2)) {
      // By either address, with a line of the page or all that there is.
      u64 where = (u64)&page[2 * slot] | (one_in(2) ? UPPER_TEXT : 0);
      flush((volatile u32 *)where);
      u32 line = slot & ~7u;
      for (u32 n = line; n < line + 8; n++) oldest[n] = newest[n];
    } else if (one_in(8)) {
      flush_all();
      for (u32 n = 0; n < SLOTS; n++) oldest[n] = newest[n];
    }
    u32 from = one_in(2) ? slot : below(SLOTS), last = from;
    // What runs sets X0 in each slot up to a return: the last one counts.
    while (last % 4 != 0 && last != SLOTS - 1) last++;
    u64 result = call((u64)&page[2 * from], 0);
    check(oldest[last] == newest[last] ? result == newest[last] : ((u32)(result - oldest[last]) & 0xffff) <= ((newest[last] - oldest[last]) & 0xffff));
  }
}

// Where a translator keeps what it knows, from a kernel and from its user code; registers that it uses itself.
void fuzz_cached(void) {
  static const u64 places[] = {0xfffff07fc0000000, 0xfffff07fe0000000};
  u64 at = places[below(2)] + (one_in(2) ? below(0x400) * 8 : random64() & 0x3ffff8);
  if (one_in(8)) at ^= (u64)below(512) << 39; // it may have moved
  u64 value = hostile_value();
  switch (below(4)) {
  case 0:
    asm volatile("ldr %0, [%1]" : "+r"(value) : "r"(at) : "memory", "x30");
    break;
  case 1:
    asm volatile("str %0, [%1]" ::"r"(value), "r"(at) : "memory", "x30");
    break;
  case 2:
    if (one_in(4)) ((void (*)(u64))(at & ~3ul))(value);
    break;
  default:
    write_register(tpidr_el0, value);
    write_register(tpidrro_el0, ~value);
    write_register(sp_el0, at);
    check(read_register(tpidr_el0) == value && read_register(tpidrro_el0) == ~value && read_register(sp_el0) == at);
  }
}
