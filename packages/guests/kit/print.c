// Output on the PL011, as the loader left it (DDI 0183 3.3.1, 3.3.3). Only CPU 0 prints.
#include "kit.h"

#define UART 0x09000000ul

static void put(char c) {
  if (c == '\n') put('\r');
  while (mmio32(UART + 0x18) & 1 << 5) continue; // UARTFR.TXFF
  mmio32(UART) = (u8)c;
}

void print(const char *pattern, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  format(put, pattern, arguments);
  __builtin_va_end(arguments);
}

void print_case(const char *group, const char *name, const char *pattern, ...) {
  print("case %s/%s: ", group, name);
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  format(put, pattern, arguments);
  __builtin_va_end(arguments);
  put('\n');
}
