// ERET with an SPSR that no return can have: the PE stays where it is, with PSTATE.IL set, and the next
// instruction is the exception (DDI 0487 D1.4.2).
#include "arch.h"

VICTIM(return_from_el1, "msr spsr_el1, x0\n\tmsr elr_el1, x1\n\tisb\n\teret")
VICTIM(return_from_el2, "msr spsr_el2, x0\n\tmsr elr_el2, x1\n\tisb\n\teret")

static const struct {
  const char *name;
  u64 spsr;
  u32 levels;
} cases[] = {
    {"to-el3h", 0x3cd, 6},         {"to-el2h", 0x3c9, 2},        {"to-el0-with-sp-bit", 0x3c1, 6},
    {"to-m1", 0x3c6, 6},           {"to-el1-m1", 0x3c7, 6},      {"to-aarch32-svc", 0x1d3, 6},
    {"to-aarch32-reserved", 0x1d4, 6}, {"to-aarch32-hyp", 0x1da, 6}, {"with-il", 0x1003c5, 6},
    {"flags-kept", 0xf00003cd, 6}, {"legal-el1h", 0x3c5, 6},     {"legal-el1t", 0x3c4, 6},
    {"legal-el0t", 0x3c0, 6},
};

// The return goes to a UDF in a page that every level may execute: at read-only-3.
#define TARGET (7 * GIB + 5 * PAGE_SIZE)

void illegal_return_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(cases); i++) {
    for (u32 level = 1; level <= highest(); level++) {
      if (!(cases[i].levels & 1u << level)) continue;
      struct test test = {level, 0, level == 1 ? return_from_el1 : return_from_el2, cases[i].spsr, TARGET, {{}}};
      run(&test, "eret", cases[i].name, level == 1 ? "EL1" : "EL2", NULL);
    }
  }
}
