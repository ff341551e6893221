// What exceptions do. The kernel runs with interrupts masked, except where it waits for one
// (schedule.c, benchmark.c): so nothing in it needs a lock. The counterpart is vectors.S.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

u64 probe_esr, probe_far;
extern char uaccess_start[], uaccess_end[], uaccess_fault[];

static void handle_interrupt(void) {
  for (;;) {
    u32 interrupt = gic_acknowledge();
    if (interrupt >= INTERRUPT_NONE - 3) return; // spurious
    if (interrupt == INTERRUPT_TIMER) timer_interrupt();
    else if (interrupt == INTERRUPT_UART) console_interrupt();
    else panic("interrupt %u, which nobody enabled", interrupt);
    gic_end(interrupt);
  }
}

static void kill_current(struct trap_frame *frame, u64 esr, u64 far) {
  struct exit_report report = {-1, (u32)esr, far, frame->elr};
  process_exit(report);
}

static void exit_if_killed(void) {
  struct exit_report report = {-1, 0, 0, 0};
  if (current->killed) process_exit(report);
}

// Whether FAR_EL1 means something for this exception class (DDI 0487, FAR_EL1).
static int has_far(u64 esr) {
  u32 class = EC(esr);
  return class == EC_DATA_ABORT_LOWER || class == EC_INSTRUCTION_ABORT_LOWER || class == EC_PC_ALIGNMENT;
}

static int mend(u64 esr, u64 far, int write) {
  u64 type = FSC_TYPE(esr & 0x3f);
  if (type != FSC_TRANSLATION && type != FSC_PERMISSION) return -1;
  return vm_fault(current, far, write, type == FSC_PERMISSION);
}

void trap_el0_sync(struct trap_frame *frame) {
  u64 esr = read_register(esr_el1);
  u64 far = has_far(esr) ? read_register(far_el1) : 0;
  switch (EC(esr)) {
  case EC_SVC64:
    system_call(frame);
    break;
  case EC_FP:
    fp_trap();
    break;
  case EC_DATA_ABORT_LOWER:
    if (mend(esr, far, (esr & ESR_WNR) != 0) < 0) kill_current(frame, esr, far);
    break;
  default:
    kill_current(frame, esr, far);
  }
  exit_if_killed();
}

// An interrupt of a program. If it was the timer's, the quantum is over.
void trap_el0_irq(struct trap_frame *frame) {
  (void)frame;
  u64 ticks = timer_ticks;
  handle_interrupt();
  exit_if_killed();
  if (timer_ticks != ticks) {
    current->preemptions++;
    schedule();
    exit_if_killed();
  }
}

void trap_el1_irq(struct trap_frame *frame) {
  (void)frame;
  handle_interrupt();
}

static int in_uaccess(u64 address) {
  return address >= (u64)uaccess_start && address < (u64)uaccess_end;
}

// The kernel itself faulted: right only in uaccess.S.
void trap_el1_sync(struct trap_frame *frame) {
  u64 esr = read_register(esr_el1), far = read_register(far_el1);
  if (EC(esr) == EC_DATA_ABORT_SAME && in_uaccess(frame->elr)) {
    if (far < USER_END && mend(esr, far, (esr & ESR_WNR) != 0) == 0) return;
    frame->elr = (u64)uaccess_fault;
  } else if (EC(esr) == EC_INSTRUCTION_ABORT_SAME && in_uaccess(frame->x[30])) {
    frame->elr = frame->x[30]; // probe_call's target, which returns -1
    frame->x[0] = (u64)-1;
  } else {
    panic("exception in the kernel: ESR 0x%lx ELR 0x%lx FAR 0x%lx", esr, frame->elr, far);
  }
  probe_esr = esr;
  probe_far = far;
}

void trap_unexpected(struct trap_frame *frame) {
  panic("unexpected vector: ESR 0x%lx ELR 0x%lx SPSR 0x%lx", read_register(esr_el1), frame->elr, frame->spsr);
}

int copy_string_from_user(char *to, u64 from, u64 size) {
  for (u64 i = 0; i < size; i++) {
    if (copy_from_user(to + i, from + i, 1) < 0) return -1;
    if (to[i] == 0) return (int)i;
  }
  return -1;
}
