// What is meant for others on the same host: stores through a stage 1 that maps everything, calls, floods of TLB maintenance and of
// interrupts, waits that game a scheduler, code that changes under its own feet. None needs a level above EL1.
#include "fuzz.h"

#define UPPER 0xffffff8000000000ul // 39 bits, by TTBR1
#define OWN_RAM 0x40000000ul
#define OWN_END 0x48000000ul
#define BEYOND 0x8000000ul // as much again: on a host with several VMs, somebody's

static u64 everything[512] TABLE_MEMORY;

// The upper half is all physical addresses of 39 bits, and some that no CPU has.
static void map_everything(void) {
  for (u64 i = 0; i < 512; i++) {
    u64 to = i % 64 == 63 ? random64() & 0xffffc0000000 : i * GIB;
    everything[i] = to | 1 | 1 << 2 | 3 << 8 | 1 << 10 | (i % 2 ? 0 : 1ul << 53);
  }
  dsb();
  write_register(ttbr1_el1, everything);
  write_register(tcr_el1, (read_register(tcr_el1) & ~0xffc00000ul) | 25ul << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ul << 30);
  asm volatile("tlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
}

static u64 outside(void) {
  static u64 next;
  switch (below(8)) {
  case 0:
    return random64() & 0x7fffffffff;
  case 1:
    return random64() & 0x3fffffff;
  case 2: // of its own: what is reached by two addresses
    return ARENA + (random64() & (ARENA_SIZE - 1));
  case 3:
    return OWN_END + (random64() & 0x3fffffff);
  default: // each page after the other
    next = (next + PAGE_SIZE) % BEYOND;
    return OWN_END + next + (random64() & 0xff8);
  }
}

void fuzz_outside(void) {
  static u32 ready;
  if (!ready) map_everything();
  ready = 1;
  u64 physical = outside();
  if (physical >= OWN_RAM && physical < ARENA) physical += OWN_END - OWN_RAM; // itself: no need
  u64 at = UPPER | physical, value = hostile_value();
  switch (below(10)) {
  case 0:
    *(volatile u8 *)at = (u8)value;
    return;
  case 1:
    *(volatile u16 *)(at & ~1ul) = (u16)value;
    return;
  case 2:
    *(volatile u32 *)(at & ~3ul) = (u32)value;
    return;
  case 3:
    (void)*(volatile u64 *)(at & ~7ul);
    return;
  case 4: { // pairs, vectors, exclusives, DC ZVA and its kind: no syndrome tells what they are
    static const u32 odd[] = {0xa9000800, 0xa9be0800, 0xc8027c00, 0xc89ffc00, 0xd50b7420, 0xd50b7e20, 0xd5087620, 0x3d800000, 0xf8008400};
    run_code(odd[below(ARRAY_LENGTH(odd))], at & ~15ul);
    return;
  }
  case 5:
    if (one_in(16) && (physical < ARENA || physical >= OWN_END)) ((void (*)(void))(at & ~3ul))();
    return;
  default:
    *(volatile u64 *)(at & ~7ul) = value;
  }
}

// The virtual timer interrupts after so many ticks.
static void wake_after(u64 ticks) {
  gic_enable(27);
  write_register(cntv_cval_el0, read_register(cntvct_el0) + ticks);
  write_register(cntv_ctl_el0, 1);
}

void fuzz_calls(void) {
  static const u32 kinds[] = {0x84000000, 0xc4000000, 0x80000000, 0xc6000000, 0x86000000, 0xbf000000, 0x95000000};
  u64 function = one_in(4) ? hostile_value() : kinds[below(ARRAY_LENGTH(kinds))] | below(one_in(4) ? 0x10000 : 0x20);
  u32 number = (u32)function & 0xbfffffff;
  // CPU_OFF, SYSTEM_OFF and SYSTEM_RESET are its right, and would be its end
  if (number == 0x84000002 || number == 0x84000008 || number == 0x84000009 || number == 0x84000012) return;
  u32 instruction = (one_in(4) ? 0xd4000003 : 0xd4000002) | (one_in(4) ? below(0x10000) : 0) << 5;
  u32 *at = code;
  ((volatile u32 *)at)[0] = instruction;
  ((volatile u32 *)at)[1] = 0xd65f03c0;
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
  wake_after(300);
  u64 a = one_in(2) ? below(8) : hostile_value(), b = hostile_value(), c = hostile_value();
  ((void (*)(u64, u64, u64, u64, u64, u64))at)(function, a, b, c, random64(), random64());
  write_register(cntv_ctl_el0, 0);
}

void fuzz_tlb(void) {
  static const u32 operations[] = {0xd508871f, 0xd508831f, 0xd5088720, 0xd5088320, 0xd5088740, 0xd5088340, 0xd5088760, 0xd5088360,
                                   0xd50887a0, 0xd50883a0, 0xd50887e0, 0xd50883e0, 0xd508711f, 0xd508751f, 0xd50c871f, 0xd50c83df};
  u32 n = 1 + below(15);
  u32 *at = code;
  for (u32 i = 0; i < n; i++) ((volatile u32 *)at)[i] = operations[below(ARRAY_LENGTH(operations) - (one_in(16) ? 0 : 2))];
  ((volatile u32 *)at)[n] = one_in(2) ? 0xd5033f9f : 0xd503201f; // DSB SY
  ((volatile u32 *)at)[n + 1] = 0xd65f03c0;
  asm volatile("dsb ish\n\tic iallu\n\tdsb sy\n\tisb" ::: "memory");
  ((void (*)(u64))at)(random64());
}

void fuzz_waits(void) {
  if (one_in(64)) // nearly a turn, and then a short sleep, as if it had done nothing
    for (volatile u32 i = 0, n = below(0x10000); i < n; i++) continue;
  if (one_in(2)) {
    wake_after(below(one_in(8) ? 0x2000 : 0x100));
  } else {
    gic_enable(30);
    write_register(cntp_cval_el0, read_register(cntpct_el0) + below(0x100));
    write_register(cntp_ctl_el0, 1);
  }
  asm volatile("wfi" ::: "memory");
  if (one_in(4)) asm volatile("sevl\n\twfe\n\tyield" ::: "memory");
  if (one_in(2)) {
    unmask_all();
    mask_all();
  }
  write_register(cntv_ctl_el0, 0);
  write_register(cntp_ctl_el0, 0);
}

void fuzz_storm(void) {
  static u32 ready;
  if (!ready) {
    ready = 1;
    for (u32 i = 0; i < 8; i++) mmio32(GICD + 0x100 + 4 * i) = ~0u;
    for (u32 i = 0; i < 256; i++) mmio8(GICD + 0x400 + i) = (u8)(random64() & 0xf8);
  }
  if (one_in(4)) wake_after(0);
  u32 n = 1 + below(16);
  for (u32 i = 0; i < n; i++) {
    if (one_in(2)) gic_sgi(one_in(4) ? 0xff : 1, below(16));
    else gic_set_pending(below(one_in(4) ? 1020 : 64));
  }
  for (u32 i = 0; i < 4; i++) {
    unmask_all();
    mask_all();
  }
  if (one_in(16)) for (u32 i = 0; i < 8; i++) mmio32(GICD + 0x100 + 4 * i) = ~0u;
  write_register(cntv_ctl_el0, 0);
}

void fuzz_rewrite(void) {
  volatile u32 *at = code + below(64) * 8;
  u32 length = 1 + below(6);
  for (u32 i = 0; i < length; i++) at[i] = 0xd2800000 | below(0x10000) << 5 | (1 + below(15)); // MOVZ of what a call may change
  at[length] = 0xd65f03c0;
  u32 maintained = !one_in(4);
  for (u32 round = 0; round < 4; round++) {
    if (maintained) asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
    ((void (*)(u64))at)(random64());
    at[below(length)] = one_in(4) ? 0xd4000002 | below(0x10000) << 5 : 0x91000400 | (1 + below(15)) << 5 | (1 + below(15)); // HVC or ADD
  }
}
