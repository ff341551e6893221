// What an exception does: an expected one is recorded and its instruction skipped; interrupts go to the
// CPU's handler; a mistake ends the image with a report.
#include "kit.h"

struct cpu cpus[CPUS];
extern char vectors_el1[], vectors_el2[], vectors_el3[], back_from_below[], below_el0[], below_el1[];
u64 enter_below_el1(u64 pc, u64 spsr, u64 stack, u64 x0);
u64 enter_below_el2(u64 pc, u64 spsr, u64 stack, u64 x0);
u64 enter_below_el3(u64 pc, u64 spsr, u64 stack, u64 x0);
#define LOWER_STACK 4096
static u8 lower_stacks[CPUS][LOWER_STACK] __attribute__((aligned(16)));

#define EC(esr) ((u32)(esr) >> 26)
#define EC_SVC 0x15
#define EC_HVC 0x16
#define RETURN 0x7ff
#define SCR_BASE 0x531 // RW, HCE, NS: AArch64 and Non-secure below EL3

static void mistake(const struct frame *frame) {
  print("kit: CPU %u took an exception to EL%lu: vector 0x%lx ESR 0x%lx FAR 0x%lx ELR 0x%lx\n", cpu_number(), frame->level, frame->vector,
        frame->esr, frame->far, frame->elr);
  power_off();
}

// A function at a lower level has returned: go on after call_at(). From EL0 over EL1, when we are at EL2.
static int returned(struct frame *frame) {
  u32 class = EC(frame->esr);
  if ((class != EC_SVC && class != EC_HVC) || (frame->esr & 0xffff) != RETURN) return 0;
  if (frame->level < entry_level) {
    asm volatile("mov x0, %0\n\thvc #0x7ff" ::"r"(frame->x[0]) : "x0", "memory");
  }
  cpu()->result = frame->x[0];
  frame->elr = (u64)back_from_below;
  frame->spsr = 0x3c1 | entry_level << 2;
  return 1;
}

static void synchronous(struct frame *frame) {
  struct cpu *self = cpu();
  if (self->synchronous) {
    self->synchronous(frame);
    return;
  }
  if (returned(frame)) return;
  if (!self->expecting) mistake(frame);
  self->caught++;
  self->esr = frame->esr;
  self->far = frame->far;
  self->elr = frame->elr;
  self->vector = frame->vector;
  self->level = frame->level;
  frame->elr += 4;
}

void exception(struct frame *frame) {
  struct cpu *self = cpu();
  handler *handlers[] = {synchronous, self->irq, self->fiq, self->serror};
  handler *handler = handlers[frame->vector >> 7 & 3];
  if (!handler) mistake(frame);
  handler(frame);
}

static void init_el2(void) {
  write_register(hcr_el2, HCR_RW);
  write_register(cptr_el2, 0x33ff);
  write_register(hstr_el2, 0);
  write_register(mdcr_el2, 6);
  write_register(cnthctl_el2, 3);
  write_register(cntvoff_el2, 0);
  write_register(vttbr_el2, 0);
  write_register(vpidr_el2, read_register(midr_el1));
  write_register(vmpidr_el2, read_register(mpidr_el1));
}

void exceptions_init(void) {
  write_register(vbar_el1, vectors_el1);
  if (entry_level >= 2) write_register(vbar_el2, vectors_el2);
  if (entry_level == 3) write_register(vbar_el3, vectors_el3);
  if (entry_level == 3) {
    write_register(scr_el3, SCR_BASE);
    write_register(cptr_el3, 0);
    write_register(mdcr_el3, 0);
    isb();
  }
  if (entry_level >= 2) init_el2();
  write_register(cntkctl_el1, 3);
  write_register(cpacr_el1, 3 << 20);
  isb();
}

// The function's page tables at EL1 are ours; EL0 shares them.
u64 call_at(u32 level, u64 (*function)(u64), u64 argument) {
  u64 call[2] = {(u64)function, argument};
  u64 stack = (u64)lower_stacks[cpu_number()] + LOWER_STACK;
  u64 start = (u64)(level == 0 ? below_el0 : below_el1), spsr = level == 0 ? 0x3c0 : 0x3c5;
  asm volatile("" ::"r"(call) : "memory");
  if (entry_level == 1) enter_below_el1(start, spsr, stack, (u64)call);
  else if (entry_level == 2) enter_below_el2(start, spsr, stack, (u64)call);
  else enter_below_el3(start, spsr, stack, (u64)call);
  return cpu()->result;
}
