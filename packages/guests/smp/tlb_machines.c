// Stage 2 on two CPUs: VMIDs, broadcast maintenance of EL2 and of EL1 below it, HCR_EL2.FB (DDI 0487
// D8.13, D8.14). CPU 1 runs a machine at EL1; here, at EL2, its stage 2 changes.
#include "smp.h"

#define GROUP "tlb-machine"
#define TAG(vmid) ((u64)(vmid) << 48)
#define ADDRESS (TEST_AREA + 6 * PAGE_SIZE)
#define HCR_FB (1ul << 9)
#define S2_NORMAL (0xful << 2 | 3ul << 8 | 1ul << 10 | 3ul << 6)
#define S2_DEVICE (1ul << 10 | 3ul << 6)
// 39-bit intermediate addresses, walks from level 1, write-back inner-shareable walks, 40-bit output
#define VTCR (25 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1ul << 31)

static u64 roots[2][512] TABLE_MEMORY, level2[2][512] TABLE_MEMORY, leaves[2][512] TABLE_MEMORY, pages[3][512] TABLE_MEMORY;
static volatile u64 values[CPUS];

static u64 machine(u32 tables, u64 vmid) {
  return (u64)roots[tables] | TAG(vmid);
}

static void enter(u64 vttbr, u64 more) {
  write_register(vtcr_el2, VTCR);
  write_register(vttbr_el2, vttbr);
  write_register(hcr_el2, HCR_RW | HCR_VM | more);
  isb();
}

static void leave(void) {
  write_register(hcr_el2, HCR_RW);
  isb();
}

static u64 read(u64 unused) {
  (void)unused;
  return *(volatile u64 *)ADDRESS;
}

static void read_in(u64 vttbr) {
  u64 value = 0;
  enter(vttbr, 0);
  u64 fault = syndrome_of(value = call_at(1, read, 0));
  leave();
  values[cpu_number()] = fault ? 0xf000 | (fault & 0x3f) : value;
}

static u64 read_there(u64 vttbr) {
  run_on(1, read_in, vttbr);
  wait_for(1);
  return values[1];
}

static u64 read_here(u64 vttbr) {
  read_in(vttbr);
  return values[0];
}

enum operation { IPAS2E1IS, IPAS2LE1IS, VMALLS12E1IS, ALLE1IS, OPERATIONS };
static const char *const names[] = {"ipas2e1is", "ipas2le1is", "vmalls12e1is", "alle1is"};

static void invalidate(enum operation operation, u64 vttbr) {
  u64 operand = ADDRESS >> 12;
  asm volatile("dsb ishst" ::: "memory");
  enter(vttbr, 0);
  switch (operation) {
  case IPAS2E1IS:
    asm volatile("tlbi ipas2e1is, %0\n\tdsb ish\n\ttlbi vmalle1is" ::"r"(operand));
    break;
  case IPAS2LE1IS:
    asm volatile("tlbi ipas2le1is, %0\n\tdsb ish\n\ttlbi vmalle1is" ::"r"(operand));
    break;
  case VMALLS12E1IS:
    asm volatile("tlbi vmalls12e1is");
    break;
  default:
    asm volatile("tlbi alle1is");
  }
  asm volatile("dsb ish\n\tisb" ::: "memory");
  leave();
}

static void set(u64 *entry, u64 value) {
  *entry = value;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}

// Machine 2 runs on CPU 1 and keeps its page; machine 1's changes.
static void broadcast(enum operation operation) {
  set(&leaves[0][6], (u64)pages[0] | 3 | S2_NORMAL);
  invalidate(ALLE1IS, 0);
  u64 before = read_there(machine(0, 1)), other = read_there(machine(1, 2));
  set(&leaves[0][6], 0);
  invalidate(operation, machine(0, 1));
  u64 broken = read_there(machine(0, 1)), kept = read_there(machine(1, 2));
  set(&leaves[0][6], (u64)pages[2] | 3 | S2_NORMAL);
  CASE(names[operation], "before=0x%lx broken=0x%lx after=0x%lx other=0x%lx other=0x%lx", before, broken, read_there(machine(0, 1)), other, kept);
}

static void read_only(void) {
  set(&leaves[0][6], (u64)pages[0] | 3 | S2_NORMAL);
  invalidate(ALLE1IS, 0);
  u64 before = read_there(machine(0, 1));
  set(&leaves[0][6], ((u64)pages[0] | 3 | S2_NORMAL) & ~(3ul << 6));
  invalidate(IPAS2E1IS, machine(0, 1));
  CASE("no-access", "before=0x%lx after=0x%lx", before, read_there(machine(0, 1)));
  set(&leaves[0][6], (u64)pages[0] | 3 | S2_NORMAL);
  invalidate(ALLE1IS, 0);
}

static u64 invalidate_local(u64 operand) {
  asm volatile("dsb ishst\n\ttlbi vae1, %0\n\tdsb ish\n\tisb" ::"r"(operand) : "memory");
  return 0;
}

static u64 invalidate_broadcast(u64 operand) {
  asm volatile("dsb ishst\n\ttlbi vae1is, %0\n\tdsb ish\n\tisb" ::"r"(operand) : "memory");
  return 0;
}

// Stage 1 changes below stage 2, by EL1's own operation here: broadcast, or local with HCR_EL2.FB.
static void by_el1(const char *name, u64 (*operation)(u64), u64 more) {
  u64 first = ADDRESS | NORMAL_PAGE, second = (ADDRESS + PAGE_SIZE) | NORMAL_PAGE;
  set(&test_table[6], first);
  invalidate(ALLE1IS, 0);
  u64 before = read_there(machine(0, 1)), here = read_here(machine(0, 1));
  set(&test_table[6], 0);
  enter(machine(0, 1), more);
  call_at(1, operation, ADDRESS >> 12);
  leave();
  u64 broken = read_there(machine(0, 1)), broken_here = read_here(machine(0, 1));
  set(&test_table[6], second);
  CASE(name, "before=0x%lx 0x%lx broken=0x%lx 0x%lx after=0x%lx", here, before, broken_here, broken, read_there(machine(0, 1)));
  set(&test_table[6], first);
  invalidate(ALLE1IS, 0);
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

static void build(void) {
  for (u32 i = 0; i < 3; i++) pages[i][0] = (i + 1) * 0x111;
  for (u64 i = 0; i < 2; i++) {
    roots[i][0] = 1 | S2_DEVICE;
    roots[i][1] = GIB | 1 | S2_NORMAL;
    roots[i][2] = (u64)level2[i] | 3;
    level2[i][0] = (u64)leaves[i] | 3;
    leaves[i][6] = (u64)pages[i] | 3 | S2_NORMAL;
    leaves[i][7] = (u64)pages[2] | 3 | S2_NORMAL;
  }
  test_table[6] = ADDRESS | NORMAL_PAGE;
  test_table[7] = (ADDRESS + PAGE_SIZE) | NORMAL_PAGE;
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}

void tlb_machine_cases(void) {
  build();
  mmu_on(1);
  run_on(1, el1_on, 0);
  wait_for(1);
  invalidate(ALLE1IS, 0);
  u64 a = read_here(machine(0, 1)), b = read_there(machine(1, 2)), c = read_there(machine(0, 1)), d = read_here(machine(1, 2));
  CASE("two-machines", "0x%lx 0x%lx 0x%lx 0x%lx", a, b, c, d);
  for (enum operation operation = 0; operation < OPERATIONS; operation++) broadcast(operation);
  read_only();
  by_el1("vae1is-at-el1", invalidate_broadcast, 0);
  by_el1("vae1-at-el1-with-fb", invalidate_local, HCR_FB);
  el1_off(0);
  run_on(1, el1_off, 0);
  wait_for(1);
}
