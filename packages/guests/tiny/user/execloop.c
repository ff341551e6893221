// Runs itself, as often as its argument says: what exec costs, without fork. See bench.c.
#include "user.h"

int main(int count, char **arguments) {
  u64 left = count > 1 ? parse_number(arguments[1]) : 0;
  if (left == 0) return 0;
  char digits[8];
  int at = sizeof(digits) - 1;
  digits[at] = 0;
  for (left--; at > 0 && (left > 0 || at == sizeof(digits) - 1); left /= 10) digits[--at] = (char)('0' + left % 10);
  const char *again[] = {"execloop", digits + at, NULL};
  exec("execloop", again);
  return 1;
}
