// Output on the PL011, as the loader left it (DDI 0183 3.3.1, 3.3.3).
#include "arch.h"

static void put(char c) {
  volatile u32 *uart = (u32 *)UART;
  if (c == '\n') put('\r');
  while (uart[6] & 1 << 5) continue; // UARTFR.TXFF
  uart[0] = (u8)c;
}

void print(const char *pattern, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  format(put, pattern, arguments);
  __builtin_va_end(arguments);
}
