// Alignment faults: SCTLR_ELx.A, accesses that always need alignment, Device memory (DDI 0487 B2.8.2,
// D1.3.5.2); and which of two faults is reported.
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(load_exclusive, "ldxr w2, [x0]")
VICTIM(load_acquire, "ldar w2, [x0]")
VICTIM(store_release, "stlr w1, [x0]")
VICTIM(load_byte, "ldrb w2, [x0]")
VICTIM(load_pair, "ldp x2, x3, [x0]")
VICTIM(load_quad, "ldr q0, [x0]")
VICTIM(zero_line, "dc zva, x0")

#define READ_WRITE (7 * GIB + 7 * PAGE_SIZE)
#define UNMAPPED (7 * GIB)
#define BEFORE_NOTHING (7 * GIB + 13 * PAGE_SIZE)
#define DEVICE (7 * GIB + 11 * PAGE_SIZE) // RAM, but mapped as Device-nGnRnE

static const struct {
  const char *name;
  const u32 *victim;
  u64 address;
  u32 levels;
  struct change change;
} cases[] = {
    {"load", load, READ_WRITE + 1, 3, {}},
    {"load-checked", load, READ_WRITE + 1, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"store-checked", store, READ_WRITE + 2, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"pair-checked", load_pair, READ_WRITE + 8, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"pair-checked-misaligned", load_pair, READ_WRITE + 4, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"quad-checked", load_quad, READ_WRITE + 8, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"byte-checked", load_byte, READ_WRITE + 1, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"ldxr", load_exclusive, READ_WRITE + 2, 3, {}},
    {"ldar", load_acquire, READ_WRITE + 2, 3, {}},
    {"stlr", store_release, READ_WRITE + 2, 3, {}},
    {"unmapped-checked", load, UNMAPPED + 1, 3, {SCTLR_EL1, 0, SCTLR_A}},
    {"unmapped-ldxr", load_exclusive, UNMAPPED + 2, 3, {}},
    {"across-into-unmapped", load, BEFORE_NOTHING + PAGE_SIZE - 2, 3, {}},
    {"device", load, DEVICE + 1, 3, {}},
    {"device-zva", zero_line, DEVICE, 3, {}},
    {"mmu-off", load, SCRATCH + 1, 2, {SCTLR_EL1, SCTLR_M, 0}},
};

void alignment_cases(void) {
  for (u32 i = 0; i < ARRAY_LENGTH(cases); i++) {
    for (u32 level = 0; level < 2; level++) {
      if (!(cases[i].levels & 1u << level)) continue;
      struct test test = {level, 0, cases[i].victim, cases[i].address, 0, {cases[i].change}};
      run(&test, "alignment", cases[i].name, level ? "EL1" : "EL0", NULL);
    }
  }
}
