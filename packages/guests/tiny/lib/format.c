// printf's core, for the kernel's printk and the programs' printf.
#include <lib.h>

struct field {
  int width;
  char pad;
  int left;
};

static void put_field(void (*put)(char), struct field field, const char *text, int length) {
  int padding = field.width - length;
  if (field.left) {
    while (length-- > 0) put(*text++);
    while (padding-- > 0) put(' ');
  } else {
    while (padding-- > 0) put(field.pad);
    while (length-- > 0) put(*text++);
  }
}

static void put_number(void (*put)(char), struct field field, u64 value, u64 base, int negative) {
  char digits[24];
  int at = sizeof(digits);
  do digits[--at] = "0123456789abcdef"[value % base];
  while ((value /= base) > 0);
  if (negative) digits[--at] = '-';
  put_field(put, field, digits + at, (int)sizeof(digits) - at);
}

void format(void (*put)(char), const char *pattern, __builtin_va_list arguments) {
  for (; *pattern; pattern++) {
    if (*pattern != '%') {
      put(*pattern);
      continue;
    }
    struct field field = {0, ' ', 0};
    int is_long = 0;
    pattern++;
    if (*pattern == '-') field.left = 1, pattern++;
    if (*pattern == '0') field.pad = '0', pattern++;
    for (; *pattern >= '0' && *pattern <= '9'; pattern++) field.width = field.width * 10 + *pattern - '0';
    if (*pattern == 'l') is_long = 1, pattern++;
    switch (*pattern) {
    case 'd': {
      s64 value = is_long ? __builtin_va_arg(arguments, s64) : __builtin_va_arg(arguments, s32);
      put_number(put, field, value < 0 ? -(u64)value : (u64)value, 10, value < 0);
      break;
    }
    case 'u':
    case 'x': {
      u64 value = is_long ? __builtin_va_arg(arguments, u64) : __builtin_va_arg(arguments, u32);
      put_number(put, field, value, *pattern == 'x' ? 16 : 10, 0);
      break;
    }
    case 's': {
      const char *text = __builtin_va_arg(arguments, const char *);
      put_field(put, field, text, (int)strlen(text));
      break;
    }
    case 'c':
      put((char)__builtin_va_arg(arguments, int));
      break;
    case 0:
      return;
    default:
      put(*pattern);
    }
  }
}
