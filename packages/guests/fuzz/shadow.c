// What is meant for a hypervisor that has no second stage: it shadows tables, runs this kernel without privilege, or translates it. Where
// the architecture says what comes out it is compared, and a mistake is counted for who looks from outside.
#include "fuzz.h"

#define LEVELS (ARENA + 0x800000) // tables that a mode builds
#define DATA (ARENA + 0xa00000)   // pages that begin with their own number
#define DATA_PAGES 256u
#define PAGE_OF(number) (DATA + (u64)(number) * PAGE_SIZE)
#define NOTHING 0xdeadul // what a load leaves that faults
#define VALID 3ul
#define SHARED (1ul << 2 | 3ul << 8 | 1ul << 10)
#define XN_ALL (3ul << 53)
#define TCR_48_UPPER (16ul << 16 | 1ul << 24 | 1ul << 26 | 3ul << 28 | 2ul << 30)

extern char back_from_below[];
u64 enter_below_el1(u64 pc, u64 spsr, u64 stack, u64 x0);

static void check(int holds) {
  if (!holds) MISTAKES(cpu_number())++;
}

// What one CPU does is checked; others are in its way.
int other_cpu(void) {
  if (cpu_number()) fuzz_tlb();
  return cpu_number() != 0;
}

static volatile u64 *table(u32 number) {
  return (volatile u64 *)(LEVELS + (u64)number * PAGE_SIZE);
}

// A load that may fault; then its instruction is skipped.
static u64 peek(u64 at) {
  u64 value = NOTHING;
  asm volatile("ldr %0, [%1]" : "+r"(value) : "r"(at) : "memory", "x30");
  return value;
}
static void poke(u64 at, u64 value) {
  asm volatile("str %0, [%1]" ::"r"(value), "r"(at) : "memory", "x30");
}

static void number_pages(void) {
  for (u32 i = 0; i < DATA_PAGES; i++) mmio64(PAGE_OF(i)) = i;
}

static void upper_half(u64 root, u64 control) {
  dsb();
  write_register(ttbr1_el1, root);
  write_register(tcr_el1, (read_register(tcr_el1) & ~0xffc00000ul) | control);
  isb();
}

static void invalidate_all(void) {
  asm volatile("dsb ish\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
}

// At EL0, in place of what it is called by: a few instructions until SVC.
static void user_skip(struct frame *frame) {
  if ((u32)frame->esr >> 26 == 0x15 || frame->elr < (u64)code || frame->elr >= (u64)code + 64) {
    frame->elr = (u64)back_from_below;
    frame->spsr = 0x3c5;
  } else {
    frame->elr += 4;
  }
}

static void as_user(u32 instruction, u64 at) {
  struct cpu *self = cpu();
  volatile u32 *to = code;
  to[0] = instruction;
  to[1] = 0xd4000001; // SVC
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(to) : "memory");
  self->synchronous = user_skip;
  enter_below_el1((u64)to, 0x3c0, ARENA + 0x400000, at);
  self->synchronous = skip;
}

// ---- hostile tables: loops, tables in devices and outside of memory, of themselves, over addresses of the hypervisor

static u64 loop_entry(void) {
  u64 attributes = (random64() & 0xfff0000000000ffc) | 1 << 10;
  switch (below(8)) {
  case 0:
  case 1:
  case 2:
    return (LEVELS + below(16) * PAGE_SIZE) | VALID | (one_in(4) ? attributes & 0xfff0000000000000 : 0);
  case 3:
    return PAGE_OF(below(DATA_PAGES)) | attributes | VALID;
  case 4:
    return (LEVELS + below(16) * PAGE_SIZE) | attributes | VALID;
  case 5: // a table or a page in a device, below and above memory, anywhere
    return (one_in(2) ? 0x08000000 + (random64() & 0x3fff000) : one_in(2) ? 0x48000000 + (random64() & 0x3ffff000) : random64() & 0xfffffffff000) |
           attributes | VALID;
  case 6:
    return (0x40000000 + (u64)below(64) * 0x200000) | attributes | 1;
  default:
    return random64();
  }
}

static u64 loop_address(void) {
  u64 address = ~0ul << 48 | random64() >> 16;
  if (one_in(4)) address = 0xfffff00000000000 | (random64() & 0x7fffffffff); // where a hypervisor may be
  if (one_in(4)) address |= 0x1fful << (12 + 9 * below(4)); // through itself
  return one_in(8) ? address & ~0xffful : address & ~7ul;
}

void fuzz_loops(void) {
  static u32 ready;
  if (!ready || one_in(64)) {
    for (u32 i = 0; i < 16 * 512; i++) table(0)[i] = loop_entry();
    ready = 1;
    invalidate_all();
  }
  if (one_in(16)) {
    static const u8 sizes[] = {16, 16, 25, 34, 21, 28, 39, 12};
    u64 size = one_in(8) ? below(64) : sizes[below(ARRAY_LENGTH(sizes))];
    u64 granule = one_in(8) ? below(4) : 2;
    u64 root = one_in(16) ? hostile_address() & 0xffffffffffff : LEVELS + below(16) * PAGE_SIZE;
    upper_half(root | (random64() & 0xffff000000000000), size << 16 | granule << 30 | (u64)below(64) << 24 | (one_in(8) ? 1ul << 22 : 0));
    if (one_in(2)) invalidate_all();
  }
  u64 at = loop_address();
  switch (below(8)) {
  case 0: // tables rewritten where they are, and from another address; maintenance is for others
    table(below(16))[below(512)] = loop_entry();
    break;
  case 1:
    poke(at, loop_entry());
    break;
  case 2:
    poke(at, random64());
    break;
  case 3: {
    static const u32 odd[] = {0xa9400801, 0xa9000801, 0xc85f7c01, 0xc8027c01, 0xc89ffc01, 0xd50b7420, 0xd50b7b20, 0x3dc00000, 0x3d800000, 0xf8408401, 0xc8627c01};
    run_code(odd[below(ARRAY_LENGTH(odd))] & ~31u, at); // XZR is what most leave alone
    break;
  }
  case 4:
    as_user(one_in(2) ? 0xf9400001 : one_in(2) ? 0xf9000001 : 0xc85f7c01, at);
    break;
  case 5:
    if (one_in(8)) ((void (*)(void))(at & ~3ul))();
    break;
  case 6:
    run_code(0xd5087800 | below(4) << 5, at);
    break;
  default:
    (void)peek(at);
  }
}

// ---- all ASIDs, each with one of many roots

#define ROOTS 128u
#define ROOT(number) (ARENA + (u64)(number) * 0x4000)
#define PRIVATE (3 * GIB)

void fuzz_roots(void) {
  static u32 ready, next;
  if (other_cpu()) return;
  if (!ready) {
    for (u32 i = 0; i < ROOTS; i++) {
      volatile u64 *root = (volatile u64 *)ROOT(i);
      for (u32 n = 0; n < 4 * 512; n++) root[n] = 0;
      for (u32 n = 0; n < 3; n++) root[n] = level1[n];
      root[3] = (ROOT(i) + PAGE_SIZE) | VALID;
      root[512] = (ROOT(i) + 2 * PAGE_SIZE) | VALID;
      root[1024] = (ROOT(i) + 3 * PAGE_SIZE) | VALID | SHARED | NOT_GLOBAL | EL0_TOO | XN_ALL;
      root[1536] = i;
    }
    dsb();
    write_register(tcr_el1, read_register(tcr_el1) | 1ul << 36); // AS: 16 bits
    ready = 1;
    invalidate_all();
  }
  u64 asid = one_in(4) ? below(0x10000) : next++ & 0xffff;
  u64 own = asid % ROOTS;
  write_register(ttbr0_el1, ROOT(own) | asid << 48);
  isb();
  check(peek(PRIVATE) == own);
  if (one_in(8)) {
    poke(PRIVATE + 8, asid);
    check(mmio64(ROOT(own) + 3 * PAGE_SIZE + 8) == asid);
  }
  if (one_in(16)) as_user(0xf9000400, PRIVATE); // str x0, [x0, #8]
  if (one_in(64)) asm volatile("dsb ish\n\ttlbi aside1, %0\n\tdsb ish\n\tisb" ::"r"(asid << 48) : "memory");
  write_register(ttbr0_el1, level1);
  isb();
}

// ---- every slot of the upper half, the hypervisor's above all

void fuzz_hole(void) {
  static u32 ready, mapped[512];
  if (other_cpu()) return;
  if (!ready) {
    number_pages();
    for (u32 i = 0; i < 4 * 512; i++) table(0)[i] = 0;
    for (u32 i = 0; i < 512; i++) {
      table(1)[i] = table(2)[i] = 0;
      table(3)[i] = PAGE_OF(i % DATA_PAGES) | VALID | SHARED | XN_ALL;
    }
    table(1)[1] = (u64)table(2) | VALID;
    table(2)[2] = (u64)table(3) | VALID;
    upper_half((u64)table(0), TCR_48_UPPER);
    invalidate_all();
    ready = 1;
  }
  u32 slot = one_in(2) ? 0x1e0 + below(4) : below(512);
  u32 first = slot, last = slot;
  if (one_in(64)) first = 0, last = 511;
  u32 present = one_in(2);
  for (u32 i = first; i <= last; i++) {
    table(0)[i] = present ? (u64)table(1) | VALID : 0;
    mapped[i] = present;
  }
  invalidate_all();
  for (u32 i = first; i <= last; i++) {
    u32 page = below(one_in(4) ? 512 : 8);
    u64 at = ~0ul << 48 | (u64)i << 39 | 1ul << 30 | 2ul << 21 | (u64)page << 12;
    check(peek(at) == (mapped[i] ? page % DATA_PAGES : NOTHING));
    if (one_in(4)) check(peek(~0ul << 48 | (u64)i << 39 | (random64() & 0x3fffffff)) == NOTHING);
  }
  u32 other = below(512);
  check(peek(~0ul << 48 | (u64)other << 39 | 1ul << 30 | 2ul << 21) == (mapped[other] ? 0 : NOTHING));
}

// ---- an address space in which every page needs tables of its own, and some pages are those tables

static void recursive(void) {
  number_pages();
  for (u32 i = 0; i < 512; i++) {
    for (u32 n = 0; n < 3; n++) table(n)[i] = (u64)table(n + 1) | VALID;
    table(3)[i] = (i % 16 == 15 ? (u64)table(i / 16 % 4) : PAGE_OF(i % DATA_PAGES)) | VALID | SHARED | XN_ALL | (i % 2 ? NOT_GLOBAL : 0);
  }
  upper_half((u64)table(0), TCR_48_UPPER);
  invalidate_all();
}

void fuzz_fill(void) {
  static u32 ready;
  if (other_cpu()) return;
  if (!ready) recursive();
  ready = 1;
  u64 at = ~0ul << 48 | (random64() >> 16 & ~0xffful);
  u32 page = at >> 12 & 511;
  if (page % 16 != 15) {
    check(peek(at) == page % DATA_PAGES);
    if (one_in(4)) poke(at, page % DATA_PAGES);
    return;
  }
  // The same descriptor again, by an address that no one knows.
  u32 number = page / 16 % 4, entry = below(512);
  u64 same = table(number)[entry];
  check(peek(at + entry * 8) == same);
  poke(at + entry * 8, same);
  if (one_in(64)) invalidate_all();
}

// ---- exclusives on tables in use: they come to an end, and add up

static u64 add_exclusive(u32 kind, volatile u64 *at) {
  u64 value, other;
  u32 failed = 1, tries = 0;
  while (failed && tries++ < 1000) {
    if (kind == 0) asm volatile("ldxr %0, [%2]\n\tadd %0, %0, #2\n\tstxr %w1, %0, [%2]" : "=&r"(value), "=&r"(failed) : "r"(at) : "memory");
    else if (kind == 1) asm volatile("ldaxr %w0, [%2]\n\tadd %w0, %w0, #2\n\tstlxr %w1, %w0, [%2]" : "=&r"(value), "=&r"(failed) : "r"(at) : "memory");
    else
      asm volatile("ldxp %0, %2, [%3]\n\tadd %0, %0, #2\n\tstxp %w1, %0, %2, [%3]" : "=&r"(value), "=&r"(failed), "=&r"(other) : "r"(at) : "memory");
  }
  check(!failed);
  return failed ? 0 : 2;
}

void fuzz_exclusive(void) {
  static volatile u32 ready;
  static u32 prepared[CPUS];
  static u64 expected[CPUS];
  u32 number = cpu_number();
  if (!prepared[number]) {
    if (number == 0) {
      recursive();
      for (u32 i = 0; i < 512; i++) table(3)[i] = i < 256 ? PAGE_OF(i % DATA_PAGES) | VALID | SHARED | XN_ALL : 0;
      invalidate_all();
      ready = 1;
    }
    while (!ready) yield();
    upper_half((u64)table(0), TCR_48_UPPER);
    prepared[number] = 1;
  }
  // Descriptors that are not valid: bit 0 stays 0. Each CPU has its own, in the same page.
  u32 entry = 256 + number * 2;
  u64 space = (u64)below(512) << 39 | (u64)below(512) << 30 | (u64)below(512) << 21;
  check(peek(~0ul << 48 | space | 7ul << 12) == 7);
  expected[number] += add_exclusive(below(3), &table(3)[entry]);
  if (one_in(64)) invalidate_all();
  check(table(3)[entry] == expected[number]);
  check((peek(~0ul << 48 | space | (u64)entry << 12)) == NOTHING);
}

// ---- privileged instructions that become others while they are emulated

void fuzz_emulated(void) {
  static const u32 words[] = {0xd5381000, 0xd5384100, 0xd53bd040, 0xd51bd040, 0xd5182000 | 31, 0xd5033fdf, 0xd503201f, 0xd53b4220,
                              0xd50342df, 0xd5380000, 0xd5380740, 0xd5087800, 0xd2800000, 0x91000400, 0xd53e1100, 0xd4000022, 0xf9400000};
  static volatile u32 *shared;
  volatile u32 *at = one_in(2) || !shared ? code + below(8) * 4 : shared;
  u32 length = 1 + below(3);
  for (u32 i = 0; i < length; i++) {
    u32 word = words[below(ARRAY_LENGTH(words))];
    at[i] = word == (0xd5182000 | 31) || word == 0xd4000022 ? 0xd503201f : word;
  }
  at[length] = 0xd65f03c0;
  shared = at;
  if (one_in(2)) asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
  ((void (*)(u64))at)(ARENA);
  at[below(length)] = words[below(2)];
  ((void (*)(u64))at)(ARENA);
}
