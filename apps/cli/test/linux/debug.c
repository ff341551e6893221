// A Linux program that debugs and measures itself and a child, by perf_event_open and ptrace, and prints what it found.
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURNS 1000000

static volatile int overflows;
static volatile int watched;

static void on_overflow(int signal) {
  (void)signal;
  overflows++;
}

// Two instructions for each turn.
__attribute__((noinline)) static void loop(long turns) {
  asm volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(turns) : : "cc");
}
__attribute__((noinline)) static void target(void) { asm volatile("nop"); }

static int event(struct perf_event_attr attributes) {
  attributes.size = sizeof attributes;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  int fd = syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
  if (fd < 0) perror("perf_event_open");
  return fd;
}
static void print(const char *name, int fd) {
  long long value = -1;
  if (read(fd, &value, sizeof value) != sizeof value) value = -1;
  printf("%s=%lld\n", name, value);
  close(fd);
}
static void count(const char *name, int config) {
  int fd = event((struct perf_event_attr){.type = PERF_TYPE_HARDWARE, .config = config, .disabled = 1});
  ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
  loop(TURNS);
  ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
  print(name, fd);
}

static void sample(void) {
  struct perf_event_attr how = {.type = PERF_TYPE_HARDWARE, .config = PERF_COUNT_HW_INSTRUCTIONS, .disabled = 1};
  how.sample_period = 100000;
  int fd = event(how);
  signal(SIGIO, on_overflow);
  fcntl(fd, F_SETFL, O_ASYNC);
  fcntl(fd, F_SETOWN, getpid());
  ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
  loop(TURNS);
  ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
  printf("overflows=%d\n", overflows);
  close(fd);
}

static int breakpoint(int type, unsigned long address) {
  struct perf_event_attr how = {.type = PERF_TYPE_BREAKPOINT, .bp_type = type, .bp_addr = address};
  how.bp_len = HW_BREAKPOINT_LEN_4;
  return event(how);
}
static void breakpoints(void) {
  int execute = breakpoint(HW_BREAKPOINT_X, (unsigned long)target);
  for (int i = 0; i < 5; i++) target();
  print("breakpoints", execute);
  int store = breakpoint(HW_BREAKPOINT_W, (unsigned long)&watched);
  for (int i = 0; i < 7; i++) watched = i;
  int last = watched;
  print("watchpoints", store);
  printf("watched=%d\n", last);
}

// Steps a child through a loop: every step is one instruction.
static void steps(void) {
  int child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    loop(20);
    _exit(3);
  }
  int status, branches = 0, stuck = 0;
  unsigned long last = 0;
  waitpid(child, &status, 0);
  for (;;) {
    ptrace(PTRACE_SINGLESTEP, child, 0, 0);
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) break;
    struct user_regs_struct registers;
    struct iovec where = {&registers, sizeof registers};
    ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &where);
    branches += registers.pc == last - 4;
    stuck += registers.pc == last;
    last = registers.pc;
  }
  printf("branches=%d\nstuck=%d\nstatus=%d\n", branches, stuck, WEXITSTATUS(status));
}

int main(void) {
  count("cycles", PERF_COUNT_HW_CPU_CYCLES);
  count("instructions", PERF_COUNT_HW_INSTRUCTIONS);
  sample();
  breakpoints();
  steps();
  puts("done=1");
}
