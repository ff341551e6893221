// The self-test: one line for each check, and a sum. By the name selftest-broken it has one check more,
// which fails: whoever reads the sum can see that they would notice.
#include "selftest.h"

static int passed, failed;

struct exit_report in_child(void (*run)(void)) {
  int pid = fork();
  if (pid == 0) {
    run();
    exit(0);
  }
  return wait_for(pid);
}

int ended_well(struct exit_report report) {
  return report.code == 0 && report.esr == 0;
}

u64 free_pages(void) {
  struct system_info info;
  sysinfo(&info);
  return info.free_pages;
}

int self(struct process_info *info) {
  int pid = getpid();
  for (u64 i = 0; listproc(i, info) >= 0; i++) {
    if (info->pid == pid) return 1;
  }
  return 0;
}

void report_check(const char *name, int holds) {
  printf("selftest: %s ... %s\n", name, holds ? "ok" : "FAILED");
  if (holds) passed++;
  else failed++;
}

static void run(const struct check *check) {
  for (; check->name; check++) report_check(check->name, check->holds());
}

int main(int count, char **arguments) {
  *(volatile char *)sbrk(PAGE) = 1; // the heap's first table stays when the page goes
  sbrk(-PAGE);
  u64 before = free_pages();
  run(process_checks);
  run(memory_checks);
  run(pipe_checks);
  run_fault_checks();
  run(fp_checks);
  run(interrupt_checks);
  run(kernel_checks);
  report_check("no page is lost", free_pages() == before);
  if (count > 0 && strcmp(arguments[0], "selftest-broken") == 0) report_check("deliberately broken", 0);
  printf("selftest: %d ok, %d failed\n", passed, failed);
  return failed > 0;
}
