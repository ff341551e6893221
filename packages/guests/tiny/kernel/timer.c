// The EL1 virtual timer (DDI 0487 D11.2): the end of a process's quantum, or the nearest sleeper.
#include "arm.h"
#include "kernel.h"

#define QUANTUM_MICROSECONDS 1000

u64 timer_ticks;
volatile u64 timer_fired_at;
static u64 frequency;

u64 timer_from_microseconds(u64 microseconds) {
  return microseconds * frequency / 1000000;
}

void timer_init(void) {
  frequency = read_register(cntfrq_el0);
  if (frequency == 0) panic("CNTFRQ_EL0 is 0");
  write_register(cntkctl_el1, CNTKCTL_EL0VCTEN); // programs may read CNTVCT_EL0
  gic_enable(INTERRUPT_TIMER);
}

void timer_set(u64 deadline) {
  write_register(cntv_cval_el0, deadline);
  write_register(cntv_ctl_el0, CNTV_CTL_ENABLE);
  isb();
}

void timer_off(void) {
  write_register(cntv_ctl_el0, 0);
  isb();
}

void timer_start_quantum(void) {
  timer_set(counter() + timer_from_microseconds(QUANTUM_MICROSECONDS));
}

// Disabling the timer lowers its level-sensitive interrupt; whoever runs next sets it again.
void timer_interrupt(void) {
  timer_fired_at = counter();
  timer_ticks++;
  timer_off();
  wake_sleepers(timer_fired_at);
}
