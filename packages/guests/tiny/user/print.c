// printf, and words for what killed a process. One write for each printf, unless it is long.
#include "user.h"

static char line[128];
static u64 used;

static void flush(void) {
  write(1, line, used);
  used = 0;
}

static void put(char c) {
  if (used == sizeof(line)) flush();
  line[used++] = c;
}

void printf(const char *pattern, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  format(put, pattern, arguments);
  __builtin_va_end(arguments);
  flush();
}

// ESR_EL1.EC in words (DDI 0487, ESR_EL1).
const char *exception_class(u32 esr) {
  switch (esr >> 26) {
  case 0x00:
    return "undefined instruction";
  case 0x0e:
    return "illegal execution state";
  case 0x18:
    return "trapped system register";
  case 0x20:
    return "instruction abort";
  case 0x22:
    return "misaligned PC";
  case 0x24:
    return "data abort";
  case 0x26:
    return "misaligned SP";
  case 0x3c:
    return "breakpoint instruction";
  }
  return "exception";
}

void print_end(const char *name, const struct exit_report *report) {
  if (report->esr == 0) return;
  printf("%s: %s at PC 0x%lx, address 0x%lx (ESR 0x%08x)\n", name, exception_class(report->esr), report->elr, report->far, report->esr);
}
