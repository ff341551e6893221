// FP and SIMD registers, given on first use: CPACR_EL1 traps a process's first FP instruction after
// each switch (DDI 0487 D1.3.6, EC 0x07), and only those who used them pay for saving them.
#include "arm.h"
#include "kernel.h"

void fp_save(u64 *registers);          // fp_registers.S
void fp_restore(const u64 *registers); // fp_registers.S

static void allow(u64 fpen) {
  write_register(cpacr_el1, fpen);
  isb();
}

void fp_trap(void) {
  allow(CPACR_FPEN_EL0_EL1);
  fp_restore(current->fp); // zeros, the first time
  current->fp_live = current->fp_used = 1;
}

void fp_switch_out(struct process *p) {
  if (!p->fp_live) return;
  fp_save(p->fp);
  p->fp_live = 0;
  allow(CPACR_FPEN_NONE);
}

// exec and exit: the next FP instruction starts from zeros.
void fp_forget(struct process *p) {
  if (p->fp_live) allow(CPACR_FPEN_NONE);
  p->fp_live = p->fp_used = 0;
  memset(p->fp, 0, sizeof(p->fp));
  p->fpcr = p->fpsr = 0;
}
