// ASIDs on two CPUs: each has the space that its own TTBR0_EL1 says; maintenance of one CPU for the space
// of another (DDI 0487 D8.13, D8.14). EL1's translation, also where the image was entered at EL2.
#include "smp.h"

#define GROUP "tlb-space"
#define TAG(asid) ((u64)(asid) << 48)
#define ADDRESS (TEST_AREA + 5 * PAGE_SIZE)

static u64 roots[2][512] TABLE_MEMORY, level2[2][512] TABLE_MEMORY, leaves[2][512] TABLE_MEMORY, pages[3][512] TABLE_MEMORY;
static volatile u64 values[CPUS];

// At EL1: what is read there in the space of a TTBR0_EL1.
static u64 read_in(u64 space) {
  u64 own = read_register(ttbr0_el1);
  write_register(ttbr0_el1, space);
  isb();
  u64 value = *(volatile u64 *)ADDRESS;
  write_register(ttbr0_el1, own);
  isb();
  return value;
}

static void read_space(u64 space) {
  u64 value = 0;
  u64 fault = syndrome_of(value = entry_level == 2 ? call_at(1, read_in, space) : read_in(space));
  values[cpu_number()] = fault ? 0xf000 | (fault & 0x3f) : value;
}

static u64 read_there(u64 space) {
  run_on(1, read_space, space);
  wait_for(1);
  return values[1];
}

static u64 read_here(u64 space) {
  read_space(space);
  return values[0];
}

static u64 space(u32 tables, u64 asid) {
  return (u64)roots[tables] | TAG(asid);
}

static void both(const char *name, u64 here, u64 there) {
  u64 a = read_here(here), b = read_there(there), c = read_here(here), d = read_there(there);
  CASE(name, "0x%lx 0x%lx 0x%lx 0x%lx", a, b, c, d);
}

enum operation { VAE1IS, VALE1IS, VAAE1IS, VAALE1IS, ASIDE1IS, VMALLE1IS, OPERATIONS };
static const char *const names[] = {"vae1is", "vale1is", "vaae1is", "vaale1is", "aside1is", "vmalle1is"};

static void invalidate(enum operation operation, u64 operand) {
  asm volatile("dsb ishst" ::: "memory");
  switch (operation) {
  case VAE1IS:
    asm volatile("tlbi vae1is, %0" ::"r"(operand));
    break;
  case VALE1IS:
    asm volatile("tlbi vale1is, %0" ::"r"(operand));
    break;
  case VAAE1IS:
    asm volatile("tlbi vaae1is, %0" ::"r"(operand));
    break;
  case VAALE1IS:
    asm volatile("tlbi vaale1is, %0" ::"r"(operand));
    break;
  case ASIDE1IS:
    asm volatile("tlbi aside1is, %0" ::"r"(operand));
    break;
  default:
    asm volatile("tlbi vmalle1is");
  }
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

// CPU 1 runs ASID 2; here, with ASID 1, its page is changed by break-before-make.
static void broadcast(enum operation operation) {
  u64 first = (u64)pages[1] | NORMAL_PAGE | NOT_GLOBAL, second = (u64)pages[2] | NORMAL_PAGE | NOT_GLOBAL;
  leaves[1][5] = first;
  invalidate(VMALLE1IS, 0);
  u64 before = read_there(space(1, 2)), own = read_here(space(0, 1));
  leaves[1][5] = 0;
  invalidate(operation, TAG(2) | ADDRESS >> 12);
  u64 broken = read_there(space(1, 2)), kept = read_here(space(0, 1));
  leaves[1][5] = second;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
  CASE(names[operation], "before=0x%lx broken=0x%lx after=0x%lx own=0x%lx own=0x%lx", before, broken, read_there(space(1, 2)), own, kept);
}

static void invalidate_own(u64 operand) {
  asm volatile("dsb nshst\n\ttlbi vae1, %0\n\tdsb nsh\n\tisb" ::"r"(operand) : "memory");
}

// A local operation is the CPU's own: the other one may go on with what it has until it does the same.
static void local(void) {
  leaves[1][5] = (u64)pages[1] | NORMAL_PAGE | NOT_GLOBAL;
  invalidate(VMALLE1IS, 0);
  u64 before = read_there(space(1, 2)), here = read_here(space(1, 2));
  leaves[1][5] = 0;
  invalidate_own(TAG(2) | ADDRESS >> 12);
  u64 broken = read_here(space(1, 2)), there = read_there(space(1, 2));
  run_on(1, invalidate_own, TAG(2) | ADDRESS >> 12);
  wait_for(1);
  CASE("local", "before=0x%lx 0x%lx here=0x%lx there=%s then=0x%lx", here, before, broken, there == before || there == broken ? "old-or-new" : "wrong",
       read_there(space(1, 2)));
}

// Each CPU uses another operation at once: the page of both is gone.
static void at_once(void) {
  for (u32 i = 0; i < 2; i++) leaves[i][5] = (u64)pages[i] | NORMAL_PAGE | NOT_GLOBAL;
  invalidate(VMALLE1IS, 0);
  u64 a = read_here(space(0, 1)), b = read_there(space(1, 2));
  leaves[0][5] = leaves[1][5] = 0;
  asm volatile("dsb ishst" ::: "memory");
  run_on(1, invalidate_own, TAG(2) | ADDRESS >> 12);
  invalidate_own(TAG(1) | ADDRESS >> 12);
  wait_for(1);
  CASE("each-its-own", "0x%lx 0x%lx here=0x%lx there=0x%lx", a, b, read_here(space(0, 1)), read_there(space(1, 2)));
  for (u32 i = 0; i < 2; i++) leaves[i][5] = (u64)pages[i] | NORMAL_PAGE | NOT_GLOBAL;
}

static void el1_on(u64 unused) {
  (void)unused;
  mmu_on(1);
}

static void el1_off(u64 unused) {
  (void)unused;
  write_register(sctlr_el1, 0x30d00800);
  isb();
}

void tlb_space_cases(void) {
  for (u32 i = 0; i < 3; i++) pages[i][0] = (i + 1) * 0x111;
  for (u32 i = 0; i < 2; i++) {
    memcpy(roots[i], level1, PAGE_SIZE);
    roots[i][2] = (u64)level2[i] | 3;
    level2[i][0] = (u64)leaves[i] | 3;
    leaves[i][5] = (u64)pages[i] | NORMAL_PAGE | NOT_GLOBAL;
  }
  if (entry_level == 2) {
    mmu_on(1);
    run_on(1, el1_on, 0);
    wait_for(1);
  }
  invalidate(VMALLE1IS, 0);
  both("two-spaces", space(0, 1), space(1, 2));
  both("one-space", space(0, 1), space(0, 1));
  both("asid-of-each-cpu", space(0, 3), space(1, 3));
  for (enum operation operation = 0; operation < OPERATIONS; operation++) broadcast(operation);
  local();
  at_once();
  if (entry_level == 2) {
    el1_off(0);
    run_on(1, el1_off, 0);
    wait_for(1);
  }
}
