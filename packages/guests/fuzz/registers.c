// MSR, MRS, SYS and MSR (immediate) with random encodings. The registers that keep this level alive are
// left alone nine times of ten; then the guest may well be lost, which must be a defined state too.
#include "fuzz.h"

static int vital(u32 encoding) {
  u32 op0 = encoding >> 19 & 3, crn = encoding >> 12 & 15, crm = encoding >> 8 & 15, op2 = encoding >> 5 & 7;
  if (op0 == 0) return 1; // MSR (immediate), hints, barriers: SPSel and masks
  if (op0 != 3) return 0;
  if (crn == 1) return 1;                 // SCTLR, HCR, SCR, CPTR and their kind
  if (crn == 2) return 1;                 // TTBR, TCR, VTTBR, VTCR
  if (crn == 10 && crm == 2) return 1;    // MAIR
  if (crn == 12 && crm == 0) return 1;    // VBAR, RMR
  if (crn == 4 && crm == 1) return 1;     // SP
  if (crn == 4 && crm == 2) return 1;     // SPSel, DAIF
  return crn == 0 && crm == 0 && op2 == 5; // VMPIDR: our CPU's number
}

static void restore(void) {
  if (entry_level == 1) {
    write_register(mdscr_el1, 0);
    write_register(cntkctl_el1, 3);
    return;
  }
  write_register(mdscr_el1, 0);
  write_register(mdcr_el2, 6);
  if (entry_level == 2) exceptions_init();
}

void fuzz_registers(void) {
  // op0 2 and 3 for registers, 1 for SYS; L chooses MRS
  u32 op0 = one_in(6) ? 1 : one_in(4) ? 2 : 3;
  u32 encoding = op0 << 19 | ((u32)random64() & 0x7ffe0) | (one_in(3) ? 1u << 21 : 0);
  if (one_in(2)) encoding &= ~(0xau << 8 | 4u << 5); // registers are dense where the numbers are small
  u32 wild = one_in(4096);
  if (vital(encoding) && !wild) encoding |= 1u << 21; // read it instead
  if (op0 == 0) return;
  run_code(0xd5000000 | encoding, hostile_value());
  restore();
}
