// FP and SIMD registers: zero at first, each process's own, kept over switches, copied by fork.
// The only file of the programs that is compiled with FP.
#include "selftest.h"

#define FILL(n) "dup v" #n ".2d, %0\n\tadd %0, %0, #1\n\t"
#define FILL8(a, b, c, d, e, f, g, h) FILL(a) FILL(b) FILL(c) FILL(d) FILL(e) FILL(f) FILL(g) FILL(h)
#define SUM(n) "mov %1, v" #n ".d[0]\n\tadd %0, %0, %1\n\tmov %1, v" #n ".d[1]\n\tadd %0, %0, %1\n\t"
#define SUM8(a, b, c, d, e, f, g, h) SUM(a) SUM(b) SUM(c) SUM(d) SUM(e) SUM(f) SUM(g) SUM(h)

static void fill(u64 value) {
  asm volatile(FILL8(0, 1, 2, 3, 4, 5, 6, 7) FILL8(8, 9, 10, 11, 12, 13, 14, 15)
               FILL8(16, 17, 18, 19, 20, 21, 22, 23) FILL8(24, 25, 26, 27, 28, 29, 30, 31)
               : "+r"(value));
}

static u64 sum(void) {
  u64 total = 0, part;
  asm volatile(SUM8(0, 1, 2, 3, 4, 5, 6, 7) SUM8(8, 9, 10, 11, 12, 13, 14, 15)
               SUM8(16, 17, 18, 19, 20, 21, 22, 23) SUM8(24, 25, 26, 27, 28, 29, 30, 31)
               : "+r"(total), "=&r"(part));
  return total;
}

static u64 expected(u64 value) {
  return 2 * (32 * value + 31 * 16);
}

static int first_use_is_zero(void) {
  return sum() == 0;
}

static int kept_over_switches(void) {
  int pid = fork();
  u64 mine = pid == 0 ? 1000 : 2000000;
  int same = 1;
  for (int i = 0; i < 20; i++) {
    fill(mine + (u64)i);
    yield();
    same &= sum() == expected(mine + (u64)i);
  }
  if (pid == 0) exit(same ? 0 : 1);
  return ended_well(wait_for(pid)) && same;
}

static void child_sees_copy(void) {
  exit(sum() == expected(77) ? 0 : 1);
}

static int copied_by_fork(void) {
  fill(77);
  return ended_well(in_child(child_sees_copy)) && sum() == expected(77);
}

// FPCR.RZ belongs to the process as well: 1/3 differs in its last bit.
static u64 third(u64 fpcr) {
  u64 bits;
  asm volatile("msr fpcr, %1\n\tfmov d0, #1.0\n\tfmov d1, #3.0\n\tyield\n\tfdiv d0, d0, d1\n\tfmov %0, d0\n\tmsr fpcr, xzr"
               : "=r"(bits)
               : "r"(fpcr)
               : "v0", "v1");
  return bits;
}

static int rounding(void) {
  return third(0) == 0x3fd5555555555555 && third(1ul << 22) == 0x3fd5555555555556;
}

const struct check fp_checks[] = {
    {"FP registers start as zeros", first_use_is_zero},
    {"FP registers are kept over switches", kept_over_switches},
    {"FP registers are copied by fork", copied_by_fork},
    {"FPCR rounding mode", rounding},
    {NULL, NULL},
};
