// PSCI (Arm DEN 0022 5): identification, starting, stopping and asking for CPUs, and its errors.
#include "smp.h"

#define GROUP "psci"

static void features(void) {
  CASE("version", "x0=0x%lx", psci(0x84000000, 0, 0, 0));
  CASE("features/cpu-on", "x0=%ld", psci(0x8400000a, PSCI_CPU_ON, 0, 0));
  CASE("features/cpu-off", "x0=%ld", psci(0x8400000a, PSCI_CPU_OFF, 0, 0));
  CASE("features/cpu-suspend", "x0=%ld", psci(0x8400000a, PSCI_CPU_SUSPEND, 0, 0));
  CASE("features/affinity-info", "x0=%ld", psci(0x8400000a, PSCI_AFFINITY_INFO, 0, 0));
  CASE("features/system-off", "x0=%ld", psci(0x8400000a, 0x84000008, 0, 0));
  CASE("features/unknown", "x0=%ld", psci(0x8400000a, 0x8400001f, 0, 0));
  CASE("unknown-function", "x0=%ld", psci(0x8400001f, 0, 0, 0));
  CASE("migrate-info-type", "x0=%ld", psci(0x84000006, 0, 0, 0));
}

static void before(void) {
  CASE("affinity-info/self", "x0=%ld", psci(PSCI_AFFINITY_INFO, 0, 0, 0));
  CASE("affinity-info/off", "x0=%ld", psci(PSCI_AFFINITY_INFO, 1, 0, 0));
  CASE("affinity-info/off-smc32", "x0=%ld", psci(0x84000004, 3, 0, 0));
  CASE("affinity-info/no-such-cpu", "x0=%ld", psci(PSCI_AFFINITY_INFO, 0x300, 0, 0));
  CASE("affinity-info/beyond", "x0=%ld", psci(PSCI_AFFINITY_INFO, 4, 0, 0));
  CASE("cpu-on/self", "x0=%ld", psci(PSCI_CPU_ON, 0, 0x40200000, 0));
  CASE("cpu-on/no-such-cpu", "x0=%ld", psci(PSCI_CPU_ON, 4, 0x40200000, 0));
  CASE("cpu-on/no-such-cluster", "x0=%ld", psci(PSCI_CPU_ON, 0x10001, 0x40200000, 0));
}

static void start(u32 number, u64 context, const char *name) {
  s64 result = start_cpu(number, context);
  wait_for_arrival(number, 1);
  volatile struct arrival *a = &arrivals[number];
  CASE(name, "x0=%ld context=0x%lx MPIDR=0x%lx DAIF=0x%lx EL=%lu", result, a->context, a->mpidr, a->daif, a->level);
}

void psci_cases(void) {
  features();
  before();
  start(1, 0xfedcba9876543211, "cpu-on/1");
  start(2, 2, "cpu-on/2");
  start(3, 0x80000003, "cpu-on/3");
  CASE("cpu-on/twice", "x0=%ld", start_cpu(1, 1));
  CASE("affinity-info/on", "x0=%ld", psci(PSCI_AFFINITY_INFO, 1, 0, 0));
}

static void switch_off(u64 unused) {
  (void)unused;
  psci(PSCI_CPU_OFF, 0, 0, 0);
  arrivals[cpu_number()].count += 100; // it came back: a mistake that shows
}

static volatile s64 suspended;
static volatile u64 about_to;
static void suspend(u64 state) {
  about_to = 1;
  suspended = psci(PSCI_CPU_SUSPEND, state, (u64)0x40200000, 0);
}

// Suspends with an interrupt that is pending or comes soon; it stays masked.
static void suspend_cases(void) {
  about_to = 0;
  suspended = -100;
  run_on(1, suspend, 0);
  while (!about_to) yield();
  gic_sgi(1 << 1, 5);
  wait_for(1);
  CASE("cpu-suspend/standby", "x0=%ld", suspended);
  suspended = -100;
  run_on(1, suspend, 0xfe000000);
  wait_for(1);
  CASE("cpu-suspend/reserved-bits", "x0=%ld", suspended);
}

static void enable_sgi(u64 interrupt) {
  gic_init_cpu();
  gic_enable((u32)interrupt);
}

void psci_off_cases(void) {
  run_on(1, enable_sgi, 5);
  wait_for(1);
  suspend_cases();
  run_on(3, switch_off, 0);
  while (psci(PSCI_AFFINITY_INFO, 3, 0, 0) != 1) yield();
  CASE("cpu-off/affinity-info", "x0=%ld", psci(PSCI_AFFINITY_INFO, 3, 0, 0));
  s64 result = start_cpu(3, 0x1003);
  wait_for_arrival(3, 2);
  CASE("cpu-on/again", "x0=%ld context=0x%lx count=%lu", result, arrivals[3].context, arrivals[3].count);
  // the 32-bit call has a 32-bit context
  run_on(3, switch_off, 0);
  while (psci(PSCI_AFFINITY_INFO, 3, 0, 0) != 1) yield();
  extern char secondary_entry[];
  run_on(3, NULL, 0);
  result = psci(0x84000003, 3, (u64)secondary_entry, 0x80000003);
  wait_for_arrival(3, 3);
  CASE("cpu-on/smc32", "x0=%ld context=0x%lx count=%lu", result, arrivals[3].context, arrivals[3].count);
}
