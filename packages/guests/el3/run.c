// Runs one case: sets the controls at EL3, enters the victim, records the exception that ends it, prints the line.
#include "el3.h"

u64 enter_below_el3(u64 pc, u64 spsr, u64 stack, u64 x0);
extern char back_from_below[];

struct result result;
u32 has_el2;
const struct place places[6] = {{0, NS}, {0, 0}, {1, NS}, {1, 0}, {2, NS}, {3, NS}};
u64 level0[512] TABLE_MEMORY;

#define SCR_BASE (0x30 | RW | HCE)

int is_here(u32 place) {
  return has_el2 || places[place].level != 2;
}

// The first exception is the result. From a lower level an FP instruction, which CPTR_EL3 traps, leads here.
static void record(struct frame *frame) {
  if (!result.seen) {
    result = (struct result){1, frame->level, frame->vector, frame->esr, frame->elr, frame->spsr, frame->far, frame->x[0], 0};
  }
  if (frame->level < 3) {
    asm volatile(".inst 0x9e6703e0"); // FMOV d0, xzr
    return;
  }
  result.hcr = read_register(hcr_el2);
  frame->elr = (u64)back_from_below;
  frame->spsr = 0x3cd;
}

static void flush_state(u64 ns) {
  write_register(scr_el3, SCR_BASE | ns);
  isb();
  asm volatile("tlbi alle1\n\ttlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory"); // QEMU 7.2 without EL2 ignores the first
}

void flush(void) {
  u64 scr = read_register(scr_el3);
  dsb();
  flush_state(0);
  flush_state(NS);
  if (has_el2) asm volatile("tlbi alle2" ::: "memory");
  asm volatile("tlbi alle3\n\tdsb sy\n\tisb" ::: "memory");
  write_register(scr_el3, scr);
  isb();
}

// Four levels of tables for everyone, 40-bit physical addresses; EL1's ASID is 5.
void tables_init(void) {
  level0[0] = (u64)level1 | 3;
  test_table[16] = SPARE_PAGE(0) | NORMAL_EXECUTABLE | READ_ONLY | EL0_TOO;
  dsb();
  const u64 size = 25 ^ 16;
  write_register(ttbr0_el1, (u64)level0 | 5ul << 48);
  write_register(tcr_el1, read_register(tcr_el1) ^ size);
  if (has_el2) {
    write_register(ttbr0_el2, level0);
    write_register(tcr_el2, read_register(tcr_el2) ^ size);
  }
  // EL3 runs with one of them: the first level of 39 bits is the second of 48, so its entries go on being right only with
  // translation off.
  asm volatile("mrs x9, sctlr_el3\n\t"
               "bic x10, x9, #1\n\t"
               "msr sctlr_el3, x10\n\t"
               "isb\n\t"
               "msr ttbr0_el3, %0\n\t"
               "mrs x10, tcr_el3\n\t"
               "eor x10, x10, %1\n\t"
               "msr tcr_el3, x10\n\t"
               "isb\n\t"
               "tlbi alle3\n\t"
               "dsb sy\n\t"
               "isb\n\t"
               "msr sctlr_el3, x9\n\t"
               "isb" ::"r"(level0),
               "r"(size)
               : "x9", "x10", "memory");
  flush();
}

u64 *level2_of_tests(void) {
  return (u64 *)(level1[2] & ~0xffful);
}

const u32 *emit(u32 count, const u32 *words) {
  volatile u32 *code = (volatile u32 *)SPARE_PAGE(0);
  for (u32 i = 0; i < count; i++) code[i] = words[i];
  code[count] = 0x0fff; // UDF
  for (u32 i = 0; i <= count; i += 8) asm volatile("dc cvau, %0" ::"r"(&code[i]) : "memory");
  asm volatile("dsb sy\n\tic iallu\n\tdsb sy\n\tisb" ::: "memory");
  return (const u32 *)CODE_ADDRESS;
}

// The virtual timer's interrupt: group 0 is FIQ and group 1 IRQ, as GICv2 software has it; gicv3.c has the groups of GICv3.
void set_interrupt(enum pending pending) {
  if (gic_version == 2) {
    mmio32(GICD) = 3;
    u32 groups = mmio32(GICD + 0x80);
    mmio32(GICD + 0x80) = pending == AN_IRQ ? groups | 1u << 27 : groups & ~(1u << 27);
    mmio8(GICD + 0x400 + 27) = 0x40;
    mmio32(GICD + 0x100) = 1u << 27;
    mmio32(GICC + 4) = 0xff;
    mmio32(GICC) = 0xb; // both groups, group 0 as FIQ
  }
  write_register(cntv_cval_el0, 0);
  write_register(cntv_ctl_el0, pending != NOTHING);
  isb();
  for (volatile u32 i = 0; i < 50; i++) continue;
}

static void set_sctlr(u32 level, u64 bits) {
  if (level <= 1) write_register(sctlr_el1, read_register(sctlr_el1) ^ bits);
  else if (level == 2) write_register(sctlr_el2, read_register(sctlr_el2) ^ bits);
  else write_register(sctlr_el3, read_register(sctlr_el3) ^ bits);
  isb();
}

static int is_abort(u64 esr) {
  u32 class = (u32)esr >> 26;
  return class == 0x20 || class == 0x21 || class == 0x22 || class == 0x24 || class == 0x25 || class == 0x34 || class == 0x35;
}

static void print_result(const struct given *given, const char *group, const char *name) {
  static const char *const states[] = {"-s", "-ns"};
  const struct result *r = &result;
  print("case %s/%s/EL%u%s%s: EL=%lu vector=0x%lx", group, name, given->level, given->level == 3 ? "" : states[given->ns],
        given->level && given->sp0 ? "-sp0" : "", r->level, r->vector);
  if (r->vector & 0x180) {
    print(" SPSR=0x%lx", r->spsr & 0xf000001f);
    // the virtual SError's syndrome is the implementation's
    if (given->hcr & VSE) print(" EC=0x%lx VSE=%lu", r->vector & 0x100 && r->vector & 0x80 ? r->esr >> 26 & 63 : 0, r->hcr >> 8 & 1);
  } else {
    print(" ESR=0x%lx", r->esr);
    if (is_abort(r->esr)) print(" FAR=0x%lx", r->far);
    s64 offset = (s64)(r->elr - (u64)given->victim);
    if (offset >= 0 && offset < 256) print(" ELR=+0x%lx", (u64)offset);
    else print(" ELR=0x%lx", r->elr);
    print(" SPSR=0x%lx", r->spsr);
  }
  if (given->flags & SHOW_X0) print(" x0=0x%lx", r->x0);
  print("\n");
}

void run(const struct given *given, const char *group, const char *name) {
  struct cpu *self = cpu();
  self->synchronous = self->irq = self->fiq = self->serror = record;
  set_interrupt(given->pending);
  if (!(given->flags & KEEP_TLB)) flush();
  write_register(scr_el3, ((SCR_BASE | given->ns) & ~given->scr_clear) | given->scr_set);
  write_register(cptr_el3, given->cptr | (given->level < 3 ? TFP : 0));
  write_register(mdcr_el3, given->mdcr);
  write_register(hcr_el2, HCR_RW | given->hcr);
  isb();
  if (given->sctlr) set_sctlr(given->level, given->sctlr);
  result.seen = 0;
  u64 spsr = (ALL_MASKED & ~given->unmasked) | given->level << 2 | (given->level && !given->sp0) | given->spsr_set;
  enter_below_el3((u64)given->victim, spsr, SPARE, given->x0);
  if (given->sctlr) set_sctlr(given->level, given->sctlr);
  write_register(cntv_ctl_el0, 0);
  write_register(cptr_el3, 0);
  write_register(mdcr_el3, 0);
  write_register(hcr_el2, HCR_RW);
  write_register(scr_el3, SCR_BASE | NS);
  isb();
  self->synchronous = self->irq = self->fiq = self->serror = NULL;
  if (!(given->flags & SILENT)) print_result(given, group, name);
}
