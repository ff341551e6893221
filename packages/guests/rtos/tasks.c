// The scheduler: a job runs to its end on the one stack, interrupted by those of higher priority. Releases are CNTV_CVAL_EL0's
// interrupts (DDI 0487 D11.2.4), absolute times from the start: who comes late has more than one job waiting, and no time is lost.
#include "rtos.h"

#define TIMER_INTERRUPT 27

static u64 start;
static volatile u32 running = TASKS; // the priority of the job that runs: a task's number; TASKS is nobody
static volatile u64 left;            // jobs that are not done

static u64 count(void) {
  isb();
  return read_register(cntvct_el0);
}

u64 microseconds(u64 ticks) {
  u64 frequency = read_register(cntfrq_el0);
  return (ticks * 1000000 + frequency - 1) / frequency;
}

// Two instructions each time round.
static void work(u64 loops) {
  asm volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(loops)::"cc");
}

// All whose time has come; and the timer for the next.
static void release(void) {
  u64 now = count(), next = ~0ul;
  for (u32 i = 0; i < TASKS; i++) {
    struct task *t = &tasks[i];
    while (t->released < t->jobs && start + t->released * t->period <= now) t->released++;
    u64 at = start + t->released * t->period;
    if (t->released < t->jobs && at < next) next = at;
  }
  write_register(cntv_cval_el0, next);
  write_register(cntv_ctl_el0, next != ~0ul);
  isb();
}

// A task's next job, with interrupts.
static void run(struct task *t) {
  u64 released = start + t->done * t->period;
  unmask_irq();
  u64 late = count() - released;
  work(t->loops);
  u64 end = count();
  mask_irq();
  if (late > t->latest) t->latest = late;
  if (end > released + t->period) t->missed++;
  t->done++;
  left--;
}

// The jobs above what was interrupted. What is released meanwhile above the one that runs, its own interrupt runs.
static void dispatch(void) {
  u32 interrupted = running;
  for (u32 i = 0; i < interrupted; i++) {
    running = i;
    while (tasks[i].done < tasks[i].released) run(&tasks[i]);
  }
  running = interrupted;
}

static void tick(struct frame *frame) {
  (void)frame;
  u32 acknowledged = gic_acknowledge();
  if ((acknowledged & 0x3ff) >= 1020) return;
  release();
  gic_end(acknowledged);
  dispatch();
}

void run_tasks(u64 jobs, u64 load) {
  u64 frequency = read_register(cntfrq_el0);
  left = 0;
  for (u32 i = 0; i < TASKS; i++) {
    struct task *t = &tasks[i];
    t->period = t->period_us * frequency / 1000000;
    t->loops = t->work_us * 5 * load + 1; // 500 a microsecond, in percent
    t->jobs = (jobs * tasks[0].period_us + t->period_us - 1) / t->period_us;
    left += t->jobs;
  }
  cpu()->irq = tick;
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO);
  gic_priority(TIMER_INTERRUPT, 0x80);
  gic_enable(TIMER_INTERRUPT);
  start = count() + tasks[0].period;
  write_register(cntv_cval_el0, start);
  write_register(cntv_ctl_el0, 1);
  isb();
  while (left) {
    asm volatile("dsb sy\n\twfi" ::: "memory");
    unmask_irq();
    mask_irq();
  }
  gic_disable(TIMER_INTERRUPT);
}
