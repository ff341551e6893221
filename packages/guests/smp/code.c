// Code that one CPU writes and another runs (DDI 0487 B2.4.4): DC CVAU, IC IVAU, barriers, ISB on the
// CPU that runs it.
#include "smp.h"

#define GROUP "code"
#define ROUNDS 100

static u32 code[1024] IN_CODE;
static volatile u64 version, answer;

static void write_code(u64 number) {
  ((volatile u32 *)code)[0] = 0xd2800000 | (u32)number << 5; // MOVZ x0, #number
  ((volatile u32 *)code)[1] = 0xd65f03c0;               // RET
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(code) : "memory");
}

static u64 run_code(void) {
  return ((u64(*)(void))code)();
}

static void runner(u64 unused) {
  (void)unused;
  for (u64 i = 1; i <= ROUNDS; i++) {
    while (load_acquire(&version) != i) yield();
    isb();
    store_release(&answer, run_code());
  }
}

void code_cases(void) {
  u64 wrong = 0;
  for (u32 i = 1; i <= ROUNDS; i++) {
    write_code(i);
    wrong += run_code() != i;
  }
  CASE("own", "rounds=%u wrong=%lu", ROUNDS, wrong);
  wrong = 0;
  version = answer = 0;
  run_on(1, runner, 0);
  for (u64 i = 1; i <= ROUNDS; i++) {
    write_code(i);
    store_release(&version, i);
    while (load_acquire(&answer) == i - 1) yield();
    wrong += answer != i;
  }
  wait_for(1);
  CASE("other-cpu", "rounds=%u wrong=%lu", ROUNDS, wrong);
  // CPU 1 has run it; now it is CPU 2 that writes
  write_code(1000);
  run_on(2, write_code, 2000);
  wait_for(2);
  isb();
  CASE("written-by-another", "x0=%lu", run_code());
}
