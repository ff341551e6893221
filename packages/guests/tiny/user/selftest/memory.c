// Memory: copy-on-write, pages on demand, sbrk, the stack, and pointers that lie.
#include "selftest.h"

static volatile int shared = 1;

static void change_shared(void) {
  struct process_info before, after;
  self(&before);
  if (shared != 1) exit(1);
  shared = 2;
  self(&after);
  exit(shared == 2 && after.copies == before.copies + 1 ? 0 : 2);
}

static int copy_on_write(void) {
  shared = 1;
  return ended_well(in_child(change_shared)) && shared == 1;
}

// The last owner of a page takes it back without a copy.
static int copy_on_write_last_owner(void) {
  struct process_info before, after;
  if (fork() == 0) exit(0);
  wait(NULL);
  self(&before);
  shared = 3;
  self(&after);
  return after.copies == before.copies;
}

static int demand_zero(void) {
  struct process_info before, after;
  volatile u64 *heap = sbrk(64 * PAGE);
  u64 sum = 0;
  self(&before);
  for (int i = 0; i < 64; i += 4) sum |= heap[i * PAGE / 8 + 7];
  self(&after);
  sbrk(-64 * PAGE);
  return sum == 0 && after.zero_fills == before.zero_fills + 16;
}

static int sbrk_reuse(void) {
  char *first = sbrk(PAGE);
  *first = 'x';
  sbrk(-PAGE);
  char *second = sbrk(PAGE);
  int zero = *second == 0;
  sbrk(-PAGE);
  return first == second && zero;
}

static int sbrk_limits(void) {
  return sbrk(-(s64)PAGE) == (void *)-1 && sbrk(1l << 40) == (void *)-1 && sbrk(0) != (void *)-1;
}

static void touch_given_back(void) {
  volatile char *heap = sbrk(PAGE);
  *heap = 1;
  sbrk(-PAGE);
  *heap = 2;
}

static int sbrk_takes_away(void) {
  struct exit_report report = in_child(touch_given_back);
  return report.esr >> 26 == 0x24 && (report.esr & 0x3f) == 7 && report.far >= 0x200000;
}

static int use_stack(int depth) {
  volatile char room[1024];
  for (u64 i = 0; i < sizeof(room); i += 256) room[i] = (char)depth;
  return depth == 0 ? 0 : use_stack(depth - 1) + room[256] - depth + 1;
}

static void use_40_kib(void) {
  exit(use_stack(40) == 40 ? 0 : 1);
}

static int stack_grows(void) {
  return ended_well(in_child(use_40_kib));
}

static int bad_pointers(void) {
  int ends[2];
  char byte = 0;
  if (pipe(ends) < 0) return 0;
  int refused = write(ends[1], (void *)8, 4) == -1 &&                  // unmapped
                write(ends[1], (void *)0xffffff8040200000, 4) == -1 && // the kernel's
                pipe((int *)0x10000) == -1 &&                          // read-only: our own text
                listfile(0, NULL) == -1 && open((char *)-1) == -1 && read(77, &byte, 1) == -1;
  close(ends[0]), close(ends[1]);
  return refused;
}

// The kernel's own stores mend faults too: into pages that do not exist yet, or are shared.
static int kernel_faults_for_us(void) {
  int ends[2];
  char *heap = sbrk(2 * PAGE);
  pipe(ends);
  write(ends[1], "across", 7);
  s64 got = read(ends[0], heap + PAGE - 3, 7);
  int same = got == 7 && strcmp(heap + PAGE - 3, "across") == 0;
  close(ends[0]), close(ends[1]);
  sbrk(-2 * PAGE);
  return same;
}

const struct check memory_checks[] = {
    {"copy on write", copy_on_write},
    {"copy on write, last owner", copy_on_write_last_owner},
    {"zero pages on demand", demand_zero},
    {"memory given back returns zeroed", sbrk_reuse},
    {"sbrk limits", sbrk_limits},
    {"sbrk takes memory away", sbrk_takes_away},
    {"stack grows", stack_grows},
    {"bad pointers are refused", bad_pointers},
    {"system call into a page not there yet", kernel_faults_for_us},
    {NULL, NULL},
};
