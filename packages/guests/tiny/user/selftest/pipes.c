// Pipes and descriptors.
#include "selftest.h"

static int bytes(void) {
  int ends[2];
  char text[8] = {0};
  pipe(ends);
  s64 wrote = write(ends[1], "hello", 5), got = read(ends[0], text, sizeof(text));
  close(ends[1]);
  s64 end = read(ends[0], text, 1);
  close(ends[0]);
  return wrote == 5 && got == 5 && memcmp(text, "hello", 5) == 0 && end == 0;
}

// 40,000 bytes through a ring of 2,048: both sides block, and the order stays.
static int stream(void) {
  static u8 block[500];
  int ends[2];
  pipe(ends);
  int pid = fork();
  if (pid == 0) {
    u8 next = 0;
    close(ends[0]);
    for (int i = 0; i < 80; i++) {
      for (u64 j = 0; j < sizeof(block); j++) block[j] = next, next += 7;
      if (write(ends[1], block, sizeof(block)) != sizeof(block)) exit(1);
    }
    exit(0);
  }
  close(ends[1]);
  u64 total = 0;
  u8 next = 0;
  int same = 1;
  s64 got;
  while ((got = read(ends[0], block, 333)) > 0) {
    for (s64 i = 0; i < got; i++) same &= block[i] == next, next += 7;
    total += (u64)got;
  }
  close(ends[0]);
  return ended_well(wait_for(pid)) && same && total == 40000;
}

static int broken(void) {
  int ends[2];
  pipe(ends);
  close(ends[0]);
  s64 wrote = write(ends[1], "x", 1);
  close(ends[1]);
  return wrote == -1;
}

static int duplicates(void) {
  int ends[2];
  char byte = 0;
  pipe(ends);
  int copy = dup(ends[1]);
  close(ends[1]);
  s64 wrote = write(copy, "d", 1), got = read(ends[0], &byte, 1);
  close(copy);
  s64 end = read(ends[0], &byte, 1);
  close(ends[0]);
  return wrote == 1 && got == 1 && byte == 'd' && end == 0 && close(copy) == -1;
}

static int files(void) {
  char text[8] = {0};
  int file = open("readme");
  s64 got = read(file, text, 7);
  int refused = write(file, "x", 1) == -1;
  close(file);
  return got == 7 && strcmp(text, "This is") == 0 && refused && open("nothing") == -1;
}

const struct check pipe_checks[] = {
    {"pipe", bytes},
    {"pipe, 40000 bytes between processes", stream},
    {"pipe without a reader", broken},
    {"dup and close", duplicates},
    {"files", files},
    {NULL, NULL},
};
