// Exclusives: a pair may fail now and then, but a loop without stores, maintenance or exceptions in it comes to its end; and what a CLREX, an
// exception or a missing load has spoilt fails. DDI 0487 B2.10.
#include "probe.h"

VICTIM(exclusive_pair, "ldxr x3, [x1]\nadd x3, x3, #1\nstxr w0, x3, [x1]")
VICTIM(exclusive_many, "mov x5, #500\nmov x0, #0\n1: ldaxr x3, [x1]\nadd x3, x3, x5\nstlxr w4, x3, [x1]\ncbnz w4, 1b\nsubs x5, x5, #1\nb.ne 1b\nldr x3, [x1]\nldr x4, [x1, #8]\nsub x0, x3, x4")
VICTIM(exclusive_two, "ldxp x3, x4, [x1]\nadd x3, x3, x4\nstxp w0, x3, x4, [x1]")
VICTIM(exclusive_byte, "ldxrb w3, [x1]\nstxrb w0, w3, [x1]\nldxrh w3, [x1]\nstxrh w4, w3, [x1]\norr w0, w0, w4, lsl #4")
VICTIM(exclusive_alone, "clrex\nstxr w0, x3, [x1]")
VICTIM(exclusive_cleared, "ldxr x3, [x1]\nclrex\nstxr w0, x3, [x1]")
VICTIM(exclusive_twice, "ldxr x3, [x1]\nstxr w4, x3, [x1]\nstxr w0, x3, [x1]\norr w0, w4, w0, lsl #4")
// By ERET to the instruction behind it.
VICTIM(exclusive_return, "mrs x6, elr_el1\nmrs x7, spsr_el1\nldxr x3, [x1]\nadr x4, 1f\nmsr elr_el1, x4\nmsr spsr_el1, x2\neret\n1: stxr w0, x3, [x1]\nmsr elr_el1, x6\nmsr spsr_el1, x7")
VICTIM(exclusive_pointer, "ldxr x3, [x1]\nmrs x4, tpidr_el1\nstxr w0, x3, [x1]")
VICTIM(exclusive_branch, "ldxr x3, [x1]\ncbz xzr, 1f\nnop\n1: adr x4, 2f\nstxr w0, x3, [x1]\n2: nop")

static const struct {
  const char *name, *victim;
  int fails;
} rows[] = {{"pair", exclusive_pair, 0},       {"many", exclusive_many, 1},   {"two-registers", exclusive_two, 0}, {"bytes", exclusive_byte, 0}, {"no-load", exclusive_alone, 1},
            {"cleared", exclusive_cleared, 1}, {"twice", exclusive_twice, 1}, {"branch", exclusive_branch, 0}};

// What may fail is tried again, as the architecture asks of its users.
#define TRIES 16
static void attempt(const char *group, const char *name, const char *victim, u32 spsr, u64 address, int fails) {
  for (u32 tries = 0; tries < TRIES; tries++) {
    fill_frames();
    execute(victim, spsr, 0, address, spsr);
    if (fails || !completed() || record.x[0] == 0) break;
  }
  say_outcome(group, name, victim);
}

void monitor_probes(void) {
  for (u32 i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    attempt("exclusive", rows[i].name, rows[i].victim, EL1H, page_address(0, USER), rows[i].fails);
    attempt("exclusive-EL0", rows[i].name, rows[i].victim, EL0T, page_address(0, USER), rows[i].fails);
    attempt("exclusive-upper", rows[i].name, rows[i].victim, EL1H, page_address(1, KERNEL), rows[i].fails);
  }
  attempt("exclusive", "exception-return", exclusive_return, EL1H, page_address(0, USER), 1);
  attempt("exclusive", "mrs-between", exclusive_pointer, EL1H, page_address(0, USER), 0);
  // An entry of the guest's own tables that maps nothing: as Linux changes its own.
  attempt("exclusive", "table", exclusive_pair, EL1H, (u64)&test_table[PAGES + 8], 0);
  say1("exclusive", "table-after", "0x%lx", test_table[PAGES + 8]);
  test_table[PAGES + 8] = 0;
}
