// Round robin, and sleeping. Called with interrupts masked.
#include "arm.h"
#include "kernel.h"

static struct process *pick(void) {
  u64 last = current ? (u64)(current - processes) : PROCESS_COUNT - 1;
  for (u64 i = 1; i <= PROCESS_COUNT; i++) {
    struct process *p = &processes[(last + i) % PROCESS_COUNT];
    if (p->state == RUNNABLE) return p;
  }
  return NULL;
}

// Nobody can run: no time slices, only the nearest sleeper's deadline, if there is one.
static void idle(void) {
  u64 nearest = 0;
  for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
    if (p->state == SLEEPING && p->wake_at && (nearest == 0 || p->wake_at < nearest)) nearest = p->wake_at;
  }
  if (nearest) timer_set(nearest);
  else timer_off();
  wfi(); // an interrupt ends it though it is masked (DDI 0487 D1.6.2)
  unmask_irq();
  isb();
  mask_irq();
}

// Gives the CPU to the next process; returns when it is this one's turn again.
void schedule(void) {
  static u64 boot_sp;
  struct process *from = current, *to;
  while ((to = pick()) == NULL) idle();
  timer_start_quantum();
  if (to == from) return;
  if (from) fp_switch_out(from);
  current = to;
  to->switches++;
  vm_switch(to->root, to->asid);
  switch_stacks(from ? &from->saved_sp : &boot_sp, to->saved_sp);
}

// The caller checks its condition again afterwards: a wake-up is a hint.
void sleep_on(const void *channel) {
  current->channel = channel;
  current->state = SLEEPING;
  schedule();
  current->channel = NULL;
}

void wake_up(const void *channel) {
  for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
    if (p->state == SLEEPING && p->channel == channel) p->state = RUNNABLE;
  }
}

void wake_sleepers(u64 now) {
  for (struct process *p = processes; p < processes + PROCESS_COUNT; p++) {
    if (p->state == SLEEPING && p->wake_at && p->wake_at <= now) p->state = RUNNABLE;
  }
}

s64 sleep_until(u64 deadline) {
  current->wake_at = deadline;
  while (counter() < deadline && !current->killed) sleep_on(&current->wake_at);
  current->wake_at = 0;
  return current->killed ? -1 : 0;
}
