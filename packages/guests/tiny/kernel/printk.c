// The kernel's voice.
#include "arm.h"
#include "kernel.h"

void printk(const char *pattern, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  format(uart_put, pattern, arguments);
  __builtin_va_end(arguments);
}

void panic(const char *pattern, ...) {
  __builtin_va_list arguments;
  __builtin_va_start(arguments, pattern);
  printk("tiny: panic: ");
  format(uart_put, pattern, arguments);
  __builtin_va_end(arguments);
  printk("\n");
  power_off();
}
