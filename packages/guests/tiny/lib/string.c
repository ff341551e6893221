// Memory and strings: what freestanding C expects to exist.
#include <lib.h>

void *memset(void *to, int byte, u64 count) {
  u8 *p = to;
  while (count-- > 0) *p++ = (u8)byte;
  return to;
}

void *memmove(void *to, const void *from, u64 count) {
  u8 *t = to;
  const u8 *f = from;
  if (t < f || t >= f + count) return memcpy(to, from, count);
  while (count-- > 0) t[count] = f[count];
  return to;
}

void *memcpy(void *to, const void *from, u64 count) {
  u8 *t = to;
  const u8 *f = from;
  if ((((u64)t | (u64)f) & 7) == 0) {
    for (; count >= 8; count -= 8, t += 8, f += 8) *(u64 *)t = *(const u64 *)f;
  }
  while (count-- > 0) *t++ = *f++;
  return to;
}

int memcmp(const void *a, const void *b, u64 count) {
  const u8 *p = a, *q = b;
  for (; count > 0; count--, p++, q++) {
    if (*p != *q) return *p - *q;
  }
  return 0;
}

u64 strlen(const char *s) {
  u64 n = 0;
  while (s[n]) n++;
  return n;
}

int strcmp(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}

void copy_string(char *to, const char *from, u64 size) {
  u64 i = 0;
  for (; i + 1 < size && from[i]; i++) to[i] = from[i];
  to[i] = 0;
}
