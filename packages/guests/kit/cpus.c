// The other CPUs: started by PSCI, they wait for a job, do it, and wait again.
#include "kit.h"

volatile struct arrival arrivals[CPUS];
static struct {
  job *volatile job;
  volatile u64 argument;
} jobs[CPUS] __attribute__((aligned(64)));
extern char secondary_entry[];

s64 start_cpu(u32 number, u64 context) {
  jobs[number].job = NULL; // it may have switched itself off in its job
  return psci(PSCI_CPU_ON, number, (u64)secondary_entry, context);
}

void wait_for_arrival(u32 number, u64 count) {
  while (arrivals[number].count < count) yield();
}

void secondary_main(u64 context, u64 mpidr, u64 daif, u64 level) {
  u32 self = mpidr & 3;
  exceptions_init();
  mmu_on(entry_level);
  arrivals[self].context = context;
  arrivals[self].mpidr = mpidr;
  arrivals[self].daif = daif;
  arrivals[self].level = level >> 2;
  dsb();
  arrivals[self].count++;
  for (;;) {
    while (!jobs[self].job) yield();
    asm volatile("dmb sy" ::: "memory");
    jobs[self].job(jobs[self].argument);
    asm volatile("dmb sy" ::: "memory");
    jobs[self].job = NULL;
  }
}

void run_on(u32 number, job *job, u64 argument) {
  jobs[number].argument = argument;
  asm volatile("dmb sy" ::: "memory");
  jobs[number].job = job;
}

void wait_for(u32 number) {
  while (jobs[number].job) yield();
  asm volatile("dmb sy" ::: "memory");
}

void start_all(void) {
  for (u32 i = 1; i < CPUS; i++) {
    u64 count = arrivals[i].count;
    if (start_cpu(i, i) != 0) continue;
    wait_for_arrival(i, count + 1);
  }
}
