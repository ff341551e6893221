// The micro-benchmarks. Each line: bench: NAME ITERATIONS iterations NANOSECONDS ns (for one).
#include "user.h"

#define PAGE 4096

static void report(const char *name, u64 iterations, u64 ticks) {
  u64 tenths = ticks * 10000 / iterations * 1000000 / counter_frequency();
  printf("bench: %-18s %6lu iterations %8lu.%lu ns\n", name, iterations, tenths / 10, tenths % 10);
}

static void null_system_call(u64 iterations) {
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) getpid();
  report("null-syscall", iterations, counter() - start);
}

// Two processes that do nothing but give the CPU to each other.
static void context_switch(u64 iterations) {
  int pid = fork();
  if (pid == 0) {
    for (;;) yield();
  }
  yield();
  u64 start = counter();
  for (u64 i = 0; i < iterations / 2; i++) yield(); // there and back
  report("context-switch", iterations, counter() - start);
  kill(pid);
  wait(NULL);
}

// A byte there and a byte back.
static void pipe_round_trip(u64 iterations) {
  int there[2], back[2];
  char byte = 0;
  pipe(there), pipe(back);
  int pid = fork();
  if (pid == 0) {
    while (read(there[0], &byte, 1) == 1) write(back[1], &byte, 1);
    exit(0);
  }
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) {
    write(there[1], &byte, 1);
    read(back[0], &byte, 1);
  }
  report("pipe-round-trip", iterations, counter() - start);
  kill(pid);
  wait(NULL);
  for (int i = 0; i < 2; i++) close(there[i]), close(back[i]);
}

static void pipe_stream(u64 iterations) {
  static char block[PAGE];
  int ends[2];
  pipe(ends);
  int pid = fork();
  if (pid == 0) {
    close(ends[1]);
    while (read(ends[0], block, sizeof(block)) > 0) continue;
    exit(0);
  }
  close(ends[0]);
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) write(ends[1], block, sizeof(block));
  close(ends[1]);
  wait(NULL);
  report("pipe-4096-bytes", iterations, counter() - start);
}

static void fork_exit_wait(u64 iterations) {
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) {
    if (fork() == 0) exit(0);
    wait(NULL);
  }
  report("fork-exit-wait", iterations, counter() - start);
}

static void exec_itself(u64 iterations) {
  const char *arguments[] = {"execloop", "100", NULL}; // its own count: one less than we divide by
  u64 start = counter();
  if (fork() == 0) {
    exec("execloop", arguments);
    exit(1);
  }
  wait(NULL);
  report("exec", iterations, counter() - start);
}

static void zero_fill_fault(u64 iterations) {
  volatile char *heap = sbrk((s64)iterations * PAGE);
  u64 start = counter();
  for (u64 i = 0; i < iterations; i++) heap[i * PAGE] = 1;
  report("page-fault", iterations, counter() - start);
}

// After zero_fill_fault: the pages that it left on the heap are shared with a child and written.
static void copy_on_write_fault(u64 iterations) {
  volatile char *heap = (char *)sbrk(0) - iterations * PAGE;
  if (fork() == 0) {
    u64 start = counter();
    for (u64 i = 0; i < iterations; i++) heap[i * PAGE] = 2;
    report("copy-on-write", iterations, counter() - start);
    exit(0);
  }
  wait(NULL);
  sbrk(-(s64)iterations * PAGE);
}

static void in_kernel(const char *name, u64 which, u64 iterations) {
  report(name, iterations, (u64)kbench(which, iterations));
}

int main(void) {
  null_system_call(2000);
  context_switch(2000);
  pipe_round_trip(500);
  pipe_stream(100);
  fork_exit_wait(50);
  exec_itself(101);
  zero_fill_fault(256);
  copy_on_write_fault(256);
  in_kernel("pte-store", KBENCH_PTE_STORE, 10000);
  in_kernel("pte-store-tlbi", KBENCH_PTE_STORE_TLBI, 1000);
  in_kernel("irq-mask-unmask", KBENCH_IRQ_MASK_UNMASK, 10000);
  in_kernel("mmio-gicd", KBENCH_MMIO_GICD, 1000);
  in_kernel("mmio-pl011", KBENCH_MMIO_UART, 1000);
  in_kernel("timer-latency", KBENCH_TIMER_LATENCY, 100);
  return 0;
}
