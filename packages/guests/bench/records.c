// A load like Dhrystone's, in our own words: records and pointers to them, strings of thirty characters, small procedures with
// results by reference, enumerations and arrays.
#include "bench.h"

enum kind { FIRST, SECOND, THIRD, FOURTH };
struct record {
  struct record *next;
  enum kind kind, other;
  s32 number;
  char name[31];
};
static struct record left, right;
static s32 row[50], table[50][50], total;
static char letter, flag;

NOINLINE static void copy_name(char *to, const char *from) {
  while ((*to++ = *from++)) continue;
}

NOINLINE static s32 compare_names(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return (u8)*a - (u8)*b;
}

NOINLINE static enum kind same_letter(char a, char b) {
  if (a != b) return FIRST;
  letter = a;
  return SECOND;
}

NOINLINE static void next_kind(enum kind kind, enum kind *result) {
  *result = kind;
  if (kind != THIRD) *result = FOURTH;
  switch (kind) {
  case FIRST: *result = FIRST; break;
  case SECOND: *result = total > 100 ? FIRST : FOURTH; break;
  case THIRD: *result = SECOND; break;
  case FOURTH: *result = THIRD; break;
  }
}

NOINLINE static void add_two(s32 a, s32 b, s32 *result) {
  *result = a + 2 + b;
}

NOINLINE static void fill_arrays(s32 at, s32 value) {
  s32 place = at + 5;
  row[place] = value;
  row[place + 1] = row[place];
  row[place + 20] = place;
  for (s32 i = place; i <= place + 1; i++) table[place][i] = place;
  table[place][place - 1]++;
  table[place + 20][place] = row[place];
  total = 5;
}

NOINLINE static s32 names_differ(const char *a, const char *b) {
  s32 at = 2;
  char found = 'A';
  while (at <= 2) {
    if (same_letter(a[at], b[at + 1]) == FIRST) {
      found = 'B';
      at++;
    } else break;
  }
  if (found >= 'W' && found < 'Z') at = 7;
  if (found == 'R') return 1;
  if (compare_names(a, b) <= 0) return 0;
  total = at + 7;
  return 1;
}

NOINLINE static void change_record(struct record *record) {
  struct record *next = record->next;
  *next = *record;
  record->number = 5;
  next->number = record->number;
  next->next = record->next;
  if (next->kind == FIRST) {
    next->number = 6;
    next_kind(record->other, &next->other);
    add_two(next->number, 10, &next->number);
  } else *record = *next;
}

NOINLINE static void one_pass(s32 pass) {
  char name[31], wanted[31];
  s32 a = 2, b = 3, sum = 0;
  enum kind kind = SECOND;
  flag = letter == 'A';
  copy_name(name, "A RECORD'S NAME, THE SECOND OF");
  copy_name(wanted, "A RECORD'S NAME, THE FIRST ONE");
  flag = !names_differ(wanted, name);
  while (a < b) {
    sum = 5 * a - b;
    add_two(a, b, &sum);
    a++;
  }
  fill_arrays(a, sum);
  change_record(&left);
  for (char c = 'A'; c <= 'C'; c++) {
    if (same_letter(c, 'C') != kind) continue;
    next_kind(FIRST, &kind);
    copy_name(name, "A RECORD'S NAME, THE THIRD OF.");
    b = pass;
  }
  b = b * a;
  a = b / (sum ? sum : 1);
  total += 7 * (b - sum) - a + name[21];
}

u64 records_unit(void) {
  left = (struct record){&right, FIRST, THIRD, 40, ""};
  copy_name(left.name, "A RECORD'S NAME, AS LONG AS IT");
  right = left;
  memset(table, 0, sizeof table);
  memset(row, 0, sizeof row);
  total = 0, letter = 'B', flag = 0;
  u64 hash = 0;
  for (s32 pass = 1; pass <= 500; pass++) {
    one_pass(pass);
    if (pass % 50 == 0) hash = mix(hash, (u64)(u32)total << 32 | (u32)right.number);
  }
  return mix(hash, (u64)table[8][7] << 8 | (u8)flag);
}
