// A load like CoreMark's, in our own words: a linked list that is searched, reversed and sorted, products of small integer matrices,
// a state machine that reads numbers, and a CRC-16 over all that they give.
#include "bench.h"

struct item {
  struct item *next;
  s16 key, value;
};
#define ITEMS 100
#define N 12
#define TEXT 512
static struct item items[ITEMS];
static s16 a[N][N], b[N][N];
static s32 c[N][N];
static char text[TEXT + 1];

NOINLINE static u16 crc16(u32 value, u32 bits, u16 crc) {
  for (u32 i = 0; i < bits; i++, value >>= 1) {
    u32 low = (value ^ crc) & 1;
    crc >>= 1;
    if (low) crc ^= 0xa001;
  }
  return crc;
}

NOINLINE static struct item *find(struct item *list, s16 key) {
  while (list && list->key != key) list = list->next;
  return list;
}

NOINLINE static struct item *reverse(struct item *list) {
  struct item *done = NULL;
  while (list) {
    struct item *next = list->next;
    list->next = done;
    done = list;
    list = next;
  }
  return done;
}

static s32 by_key(const struct item *p, const struct item *q) { return p->key - q->key; }
static s32 by_value(const struct item *p, const struct item *q) { return p->value - q->value; }

// Merge sort from the bottom, stable.
NOINLINE static struct item *sort(struct item *list, s32 (*compare)(const struct item *, const struct item *)) {
  for (u32 width = 1;; width *= 2) {
    struct item *left = list, *last = NULL;
    u32 merges = 0;
    list = NULL;
    while (left) {
      struct item *right = left;
      u32 lefts = 0, rights = width;
      while (right && lefts < width) right = right->next, lefts++;
      merges++;
      while (lefts || (rights && right)) {
        struct item *taken;
        if (lefts && (!rights || !right || compare(left, right) <= 0)) taken = left, left = left->next, lefts--;
        else taken = right, right = right->next, rights--;
        if (last) last->next = taken;
        else list = taken;
        last = taken;
      }
      left = right;
    }
    if (last) last->next = NULL;
    if (merges <= 1) return list;
  }
}

static u16 lists(u16 crc) {
  for (u32 i = 0; i < ITEMS; i++) {
    items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
    items[i].key = (s16)(i * 37 % 101);
    items[i].value = (s16)(i * 53 % 89);
  }
  struct item *list = items;
  for (s16 key = 0; key < 20; key++) {
    struct item *found = find(list, (s16)(key * 5));
    crc = crc16(found ? (u16)found->value : 0xffff, 16, crc);
    list = reverse(list);
  }
  list = sort(list, by_key);
  crc = crc16((u16)list->value, 16, crc);
  list = sort(list, by_value);
  for (struct item *at = list; at; at = at->next) crc = crc16((u16)at->key, 8, crc);
  return crc;
}

NOINLINE static void multiply(s16 factor) {
  for (u32 i = 0; i < N; i++) {
    for (u32 j = 0; j < N; j++) {
      s32 sum = 0;
      for (u32 k = 0; k < N; k++) sum += (s32)a[i][k] * b[k][j] >> 2 & 0x7fff;
      c[i][j] = sum + factor;
    }
  }
}

static u16 matrices(u16 crc) {
  for (s16 factor = 1; factor < 5; factor++) {
    multiply(factor);
    for (u32 i = 0; i < N; i++) crc = crc16((u32)c[i][(i * 5) % N], 16, crc);
  }
  return crc;
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, SCIENCE, WRONG, STATES };

NOINLINE static enum state next_state(enum state state, char ch) {
  u32 digit = (u32)(ch - '0') < 10;
  switch (state) {
  case START: return digit ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? POINT : WRONG;
  case SIGN: return digit ? INTEGER : ch == '.' ? POINT : WRONG;
  case INTEGER: return digit ? INTEGER : ch == '.' ? POINT : ch == 'e' ? EXPONENT : WRONG;
  case POINT:
  case FRACTION: return digit ? FRACTION : ch == 'e' ? EXPONENT : WRONG;
  case EXPONENT: return digit || ch == '-' || ch == '+' ? SCIENCE : WRONG;
  case SCIENCE: return digit ? SCIENCE : WRONG;
  default: return WRONG;
  }
}

static u16 numbers(u16 crc) {
  u32 ends[STATES] = {0};
  enum state state = START;
  for (const char *at = text; *at; at++) {
    if (*at == ',') {
      ends[state]++;
      state = START;
    } else state = next_state(state, *at);
  }
  for (u32 i = 0; i < STATES; i++) crc = crc16(ends[i], 16, crc);
  return crc;
}

void core_setup(void) {
  static const char *words[] = {"5012", "1234", "-874", "+122", "35.54400", ".1234500", "-110.700", "+0.64400",
                                "5.500e+3", "-.123e-2", "-87e+832", "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z", "34.0e-T^"};
  for (u32 i = 0; i < N * N; i++) a[i / N][i % N] = (s16)(i * 7 - 200), b[i / N][i % N] = (s16)(i * 11 % 257 - 90);
  u32 at = 0;
  for (u32 n = 0; at < TEXT; n = n * 5 + 3) {
    for (const char *from = words[n & 15]; *from && at < TEXT - 1; from++) text[at++] = *from;
    text[at++] = ',';
  }
}

u64 core_unit(void) {
  u16 crc = 0xffff;
  for (u32 i = 0; i < 4; i++) crc = numbers(matrices(lists(crc)));
  return crc;
}
