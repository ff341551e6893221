// Random instruction words at this level and below. A timer brings back what loops; an exception ends it.
#include "fuzz.h"

extern char back_from_below[];
u64 enter_below_el1(u64 pc, u64 spsr, u64 stack, u64 x0);
u64 enter_below_el2(u64 pc, u64 spsr, u64 stack, u64 x0);
u64 enter_below_el3(u64 pc, u64 spsr, u64 stack, u64 x0);

static void come_back(struct frame *frame) {
  if (frame->level < entry_level) { // EL1 took it: on to us
    if (entry_level == 3) asm volatile("smc #1");
    else asm volatile("hvc #1");
    return;
  }
  frame->elr = (u64)back_from_below;
  frame->spsr = 0x3c1 | entry_level << 2;
}

static void arm(void) {
  write_register(cntv_cval_el0, read_register(cntvct_el0) + 200);
  write_register(cntv_ctl_el0, 1);
  gic_enable(27);
}

static void tidy(void) {
  write_register(mdscr_el1, 0);
  exceptions_init();
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO | HCR_AMO | 1ul << 19);
  write_register(cntv_ctl_el0, 0);
  gic_init_cpu();
}

void fuzz_code(void) {
  static u32 prepared[CPUS];
  struct cpu *self = cpu();
  self->synchronous = self->irq = self->fiq = self->serror = come_back;
  u32 number = cpu_number();
  if (!prepared[number] && entry_level == 2) mmu_on(1);
  prepared[number] = 1;
  u32 length = 1 + below(16);
  volatile u32 *at = code;
  for (u32 i = 0; i < length; i++) {
    u32 word = (u32)random64();
    if (one_in(4)) word = (word & 0x7fffffff) | 0x38000000; // loads and stores
    // calls to the firmware would switch the machine off
    if ((word & 0xffe0001f) == 0xd4000003 || (word & 0xffe0001f) == 0xd4000002) word = 0xd503201f;
    at[i] = word;
  }
  at[length] = 0; // UDF
  asm volatile("dsb ish\n\tic iallu\n\tdsb sy\n\tisb" ::: "memory");
  u32 level = below(entry_level + 1);
  arm();
  u64 stack = ARENA + 0x400000 + below(4096) * 16;
  u64 spsr = level << 2 | (random64() & 0xf0000000);
  // privileged code that looks at our own stack is the last thing that it does: each level has SP_EL0
  if (entry_level == 1) enter_below_el1((u64)code, spsr, stack, hostile_value());
  else if (entry_level == 2) enter_below_el2((u64)code, spsr, stack, hostile_value());
  else enter_below_el3((u64)code, spsr, stack, hostile_value());
  tidy();
}
