// Processes: system calls, fork, exec, wait, kill.
#include "selftest.h"

static int bad_system_call(void) {
  register u64 x8 asm("x8") = 12345;
  register s64 x0 asm("x0") = 0;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8) : "memory");
  return x0 == -1;
}

static int fork_and_wait(void) {
  struct exit_report report;
  int parent = getpid();
  int pid = fork();
  if (pid == 0) exit(getpid() != parent ? 42 : 1);
  int ended = wait(&report);
  return pid > parent && ended == pid && report.code == 42 && report.esr == 0;
}

static int wait_without_children(void) {
  return wait(NULL) == -1;
}

static int wait_for_each(void) {
  int pids[3], sum = 0;
  struct exit_report report;
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    if (pids[i] == 0) exit(1 << i);
  }
  for (int i = 0; i < 3; i++) {
    int pid = wait(&report);
    for (int j = 0; j < 3; j++) sum += pid == pids[j] ? report.code : 0;
  }
  return sum == 7;
}

// exec with words, its output taken through a pipe: the program's view of its arguments.
static int exec_with_arguments(void) {
  int ends[2];
  char text[32] = {0};
  pipe(ends);
  int pid = fork();
  if (pid == 0) {
    const char *words[] = {"echo", "one", "two three", NULL};
    close(1);
    dup(ends[1]);
    exec("echo", words);
    exit(1);
  }
  close(ends[1]);
  u64 length = 0;
  s64 part;
  while ((part = read(ends[0], text + length, sizeof(text) - 1 - length)) > 0) length += (u64)part;
  close(ends[0]);
  return ended_well(wait_for(pid)) && strcmp(text, "one two three\n") == 0;
}

static int exec_of_nothing(void) {
  const char *words[] = {"nothing", NULL};
  return exec("nothing", words) == -1 && exec("readme", words) == -1;
}

static int kill_a_loop(void) {
  int pid = fork();
  if (pid == 0) {
    for (;;) continue;
  }
  kill(pid);
  return wait_for(pid).code == -1 && kill(pid) == -1;
}

static int kill_a_sleeper(void) {
  int pid = fork();
  if (pid == 0) sleep(1000000000);
  yield();
  kill(pid);
  return wait_for(pid).code == -1;
}

static int process_limit(void) {
  int started = 0;
  while (started < 100) {
    int pid = fork();
    if (pid < 0) break;
    if (pid == 0) exit(0);
    started++;
  }
  int reaped = 0;
  while (wait(NULL) >= 0) reaped++;
  return started > 4 && started < 100 && reaped == started;
}

const struct check process_checks[] = {
    {"registers survive a system call", registers_survive},
    {"unknown system call is refused", bad_system_call},
    {"fork and wait", fork_and_wait},
    {"wait without children", wait_without_children},
    {"wait for each of three", wait_for_each},
    {"exec with arguments", exec_with_arguments},
    {"exec of what is no program", exec_of_nothing},
    {"kill a loop", kill_a_loop},
    {"kill a sleeper", kill_a_sleeper},
    {"process table fills and empties", process_limit},
    {NULL, NULL},
};
