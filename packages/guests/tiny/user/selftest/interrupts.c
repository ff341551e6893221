// Time: preemption, ticks, sleep, the counter; and the exclusive monitor, which exceptions clear.
#include "selftest.h"

// Waiting ends after a second at most: a machine may stand still under us, but not for ever.
static int patience_left(u64 start) {
  return counter() - start < counter_frequency();
}

static u64 preemptions_of(int pid) {
  struct process_info info;
  for (u64 i = 0; listproc(i, &info) >= 0; i++) {
    if (info.pid == pid) return info.preemptions;
  }
  return 0;
}

// A child that never calls the kernel does not keep us from running.
static int preemption(void) {
  int loop = fork();
  if (loop == 0) {
    for (;;) continue;
  }
  u64 start = counter();
  while (preemptions_of(loop) < 3 && patience_left(start)) yield();
  u64 taken = preemptions_of(loop);
  kill(loop);
  wait(NULL);
  return taken >= 3;
}

static u64 ticks_so_far(void) {
  struct system_info info;
  sysinfo(&info);
  return info.ticks;
}

static int ticks(void) {
  u64 start = counter(), before = ticks_so_far();
  while (ticks_so_far() < before + 3 && patience_left(start)) continue;
  return ticks_so_far() >= before + 3;
}

static int sleeping(void) {
  u64 start = counter();
  sleep(2000);
  u64 slept = counter() - start;
  return slept >= counter_frequency() / 500;
}

// The shorter sleep ends first, whatever the order of going to sleep.
static int sleepers(void) {
  int ends[2];
  char order[2] = {0};
  pipe(ends);
  for (int i = 0; i < 2; i++) {
    if (fork() == 0) {
      sleep(i == 0 ? 300000 : 10000);
      write(ends[1], i == 0 ? "L" : "S", 1);
      exit(0);
    }
  }
  wait(NULL), wait(NULL);
  s64 got = read(ends[0], order, 2);
  close(ends[0]), close(ends[1]);
  return got == 2 && order[0] == 'S' && order[1] == 'L';
}

static int counter_rises(void) {
  u64 last = counter();
  for (int i = 0; i < 100; i++) {
    u64 now = counter();
    if (now < last) return 0;
    last = now;
  }
  return counter_frequency() > 0;
}

// The return from an exception clears the monitor (DDI 0487 B2.9.3): the store between two system
// calls succeeds, the one after a system call does not.
static int exclusive(void) {
  static u64 word = 5;
  u64 value;
  u32 plain = 2, interrupted = 2;
  for (int tries = 0; tries < 10 && plain != 0; tries++) { // an interrupt may come between
    asm volatile("ldxr %0, [%2]\n\tadd %0, %0, #1\n\tstxr %w1, %0, [%2]" : "=&r"(value), "=&r"(plain) : "r"(&word) : "memory");
  }
  asm volatile("ldxr %0, [%2]\n\tmov x8, #5\n\tsvc #0\n\tstxr %w1, %0, [%2]"
               : "=&r"(value), "=&r"(interrupted)
               : "r"(&word)
               : "memory", "x0", "x8");
  return plain == 0 && interrupted == 1 && word == 6;
}

const struct check interrupt_checks[] = {
    {"preemption", preemption},
    {"timer interrupts", ticks},
    {"sleep", sleeping},
    {"two sleepers", sleepers},
    {"counter rises", counter_rises},
    {"exclusive store after an exception", exclusive},
    {NULL, NULL},
};
