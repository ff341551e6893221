// Helpers over system calls and registers.
#include "user.h"

// Also reaps whoever ends before: orphans, if we are init.
struct exit_report wait_for(int pid) {
  struct exit_report report = {-1, 0, 0, 0};
  int ended;
  while ((ended = wait(&report)) >= 0 && ended != pid) continue;
  return report;
}

u64 counter(void) {
  u64 value;
  asm volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(value)::"memory");
  return value;
}

u64 counter_frequency(void) {
  u64 value;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(value));
  return value;
}

u64 parse_number(const char *text) {
  u64 value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = value * 10 + (u64)(*text - '0');
  return value;
}
