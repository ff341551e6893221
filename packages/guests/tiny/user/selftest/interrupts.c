// Time: preemption, ticks, sleep, the counter; and the exclusive monitor, which exceptions clear.
#include "selftest.h"

// A child that never calls the kernel does not keep us from running, nor we it.
static int preemption(void) {
  int ends[2];
  char byte = 0;
  pipe(ends);
  int loop = fork();
  if (loop == 0) {
    for (;;) continue;
  }
  int pid = fork();
  if (pid == 0) {
    u64 until = counter() + counter_frequency() / 200; // 5 ms: several quanta of all three
    while (counter() < until) continue;
    write(ends[1], "p", 1);
    exit(0);
  }
  s64 got = read(ends[0], &byte, 1);
  struct process_info info;
  u64 taken = 0;
  for (u64 i = 0; listproc(i, &info) >= 0; i++) {
    if (info.pid == loop) taken = info.preemptions;
  }
  kill(loop);
  wait(NULL), wait(NULL);
  close(ends[0]), close(ends[1]);
  return got == 1 && byte == 'p' && taken > 0;
}

static int ticks(void) {
  struct system_info before, after;
  u64 until = counter() + counter_frequency() / 250; // 4 ms: at least two quanta
  sysinfo(&before);
  while (counter() < until) continue;
  sysinfo(&after);
  return after.ticks >= before.ticks + 2;
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
      sleep(i == 0 ? 60000 : 20000);
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
