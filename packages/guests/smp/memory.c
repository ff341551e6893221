// Ordering (DDI 0487 B2.3): what acquire, release and barriers forbid is never seen.
#include "smp.h"

#define GROUP "ordering"
#define ROUNDS 200
#define LAPS 25

static volatile u64 data[16] __attribute__((aligned(64))), flag __attribute__((aligned(64))), answer __attribute__((aligned(64)));

// Message passing: data, then flag; who sees the flag sees the data.
static void send_release(u64 unused) {
  (void)unused;
  for (u64 i = 1; i <= ROUNDS; i++) {
    while (load_acquire(&answer) != i - 1) yield();
    data[0] = i;
    data[8] = ~i;
    store_release(&flag, i);
  }
}

static void send_barrier(u64 unused) {
  (void)unused;
  for (u64 i = 1; i <= ROUNDS; i++) {
    while (answer != i - 1) yield();
    asm volatile("dmb ish" ::: "memory");
    data[0] = i;
    data[8] = ~i;
    asm volatile("dmb ishst" ::: "memory");
    flag = i;
  }
}

static void message_passing(const char *name, job *sender, int barrier) {
  u64 wrong = 0;
  flag = answer = 0;
  run_on(1, sender, 0);
  for (u64 i = 1; i <= ROUNDS; i++) {
    if (barrier) {
      while (flag != i) yield();
      asm volatile("dmb ishld" ::: "memory");
    } else {
      while (load_acquire(&flag) != i) yield();
    }
    wrong += data[0] != i || data[8] != ~i;
    if (barrier) asm volatile("dmb ish" ::: "memory");
    store_release(&answer, i);
  }
  wait_for(1);
  CASE(name, "rounds=%u wrong=%lu", ROUNDS, wrong);
}

// Store buffering: each stores its own and reads the other's; with a barrier one of them sees 1.
static volatile u64 mine[2][8] __attribute__((aligned(64))), seen[2], go, done;

static void half(u32 self) {
  mine[self][0] = 1;
  asm volatile("dmb ish" ::: "memory");
  seen[self] = mine[1 - self][0];
}

static void buffer(u64 unused) {
  (void)unused;
  for (u64 i = 1; i <= ROUNDS; i++) {
    while (load_acquire(&go) != i) yield();
    half(1);
    store_release(&done, i);
  }
}

static void store_buffering(void) {
  u64 wrong = 0;
  go = done = 0;
  run_on(1, buffer, 0);
  for (u64 i = 1; i <= ROUNDS; i++) {
    mine[0][0] = mine[1][0] = 0;
    store_release(&go, i);
    half(0);
    while (load_acquire(&done) != i) yield();
    wrong += !seen[0] && !seen[1];
  }
  wait_for(1);
  CASE("store-buffering", "rounds=%u wrong=%lu", ROUNDS, wrong);
}

// A value that travels over all CPUs in a ring.
static void pass_on(u64 self) {
  for (u64 i = 0; i < LAPS; i++) {
    while (load_acquire(&flag) != i * CPUS + self) yield();
    data[0] += self;
    store_release(&flag, i * CPUS + self + 1);
  }
}

void memory_cases(void) {
  message_passing("release-acquire", send_release, 0);
  message_passing("barriers", send_barrier, 1);
  store_buffering();
  flag = data[0] = 0;
  asm volatile("dmb sy" ::: "memory");
  for (u32 i = 1; i < CPUS; i++) run_on(i, pass_on, i);
  pass_on(0);
  for (u32 i = 1; i < CPUS; i++) wait_for(i);
  CASE("ring", "sum=%lu", data[0]);
}
