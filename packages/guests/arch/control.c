// The control registers before every case: one base state, and the case's own changes to it.
#include "arch.h"

#define SCTLR_EL1_BASE                                                                             \
  (0x30d00800 | SCTLR_UCI | SCTLR_NTWE | SCTLR_NTWI | SCTLR_UCT | SCTLR_DZE | 1 << 12 | SCTLR_UMA |  \
   SCTLR_SA0 | SCTLR_SA | 1 << 2 | SCTLR_M)
#define SCTLR_EL2_BASE (0x30c50830 | 1 << 12 | SCTLR_SA | 1 << 2 | SCTLR_M)
// 48-bit addresses in both halves, 4 KiB, write-back inner-shareable walks, IPS 32 bits
#define TCR_EL1_BASE (16 | 1 << 8 | 1 << 10 | 3 << 12 | 16 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2ul << 30)
#define TCR_EL2_BASE (16 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 1ul << 31)
// 44-bit intermediate addresses, walks from level 0, PS 44 bits: all that a Cortex-A57 has
#define VTCR_EL2_BASE (20 | 2 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 4 << 16 | 1ul << 31)
#define MAIR 0xff00

extern char vectors_el1[], vectors_el2[], vectors_hvc[];
static u64 empty[512] __attribute__((aligned(PAGE_SIZE), section(".bss.table")));

static u64 base(enum control which) {
  switch (which) {
  case SCTLR_EL1:
    return SCTLR_EL1_BASE;
  case TCR_EL1:
    return TCR_EL1_BASE;
  case TTBR0_EL1:
    return (u64)root4k;
  case TTBR1_EL1:
    return (u64)empty;
  case VTTBR_EL2:
    return (u64)stage2_root;
  case CPACR_EL1:
    return 3 << 20;
  case CNTKCTL_EL1:
    return 0x303;
  case PMUSERENR_EL0:
    return 1;
  case HCR_EL2:
    return HCR_RW;
  case CPTR_EL2:
    return 0x33ff;
  case MDCR_EL2:
    return 6; // HPMN: all six event counters of a Cortex-A57
  case CNTHCTL_EL2:
    return 3;
  case VTCR_EL2:
    return VTCR_EL2_BASE;
  case SCTLR_EL2:
    return SCTLR_EL2_BASE;
  case VBAR_EL1:
    return (u64)(entry_level == 2 ? vectors_hvc : vectors_el1);
  default:
    return 0;
  }
}

// ID_AA64DFR0_EL1.PMUVer: a virtual machine's CPU may have no performance monitors.
int has_monitors(void) {
  u64 version = (read_register(id_aa64dfr0_el1) >> 8) & 15;
  return version != 0 && version != 15;
}

static void write_el1(const u64 *values) {
  write_register(mair_el1, MAIR);
  write_register(ttbr1_el1, values[TTBR1_EL1]);
  write_register(ttbr0_el1, values[TTBR0_EL1]);
  write_register(tcr_el1, values[TCR_EL1]);
  write_register(cpacr_el1, values[CPACR_EL1]);
  write_register(cntkctl_el1, values[CNTKCTL_EL1]);
  write_register(mdscr_el1, values[MDSCR_EL1]);
  if (has_monitors()) write_register(pmuserenr_el0, values[PMUSERENR_EL0]);
  write_register(vbar_el1, values[VBAR_EL1]);
  write_register(contextidr_el1, 0);
  write_register(csselr_el1, 0);
  write_register(par_el1, 0);
  write_register(tpidr_el1, 0);
  isb();
  write_register(sctlr_el1, values[SCTLR_EL1]);
  isb();
}

static void write_el2(const u64 *values) {
  write_register(hcr_el2, values[HCR_EL2]);
  write_register(cptr_el2, values[CPTR_EL2]);
  write_register(mdcr_el2, values[MDCR_EL2]);
  write_register(cnthctl_el2, values[CNTHCTL_EL2]);
  write_register(hstr_el2, values[HSTR_EL2]);
  write_register(vtcr_el2, values[VTCR_EL2]);
  write_register(vttbr_el2, values[VTTBR_EL2]);
  write_register(mair_el2, MAIR);
  write_register(ttbr0_el2, root4k);
  write_register(tcr_el2, TCR_EL2_BASE);
  write_register(cntvoff_el2, 0);
  isb();
  write_register(sctlr_el2, values[SCTLR_EL2]);
  isb();
}

// Writes all of them: nothing that a case has done is left for the next one.
void set_controls(const struct change *changes) {
  u64 values[CONTROL_COUNT];
  for (u32 i = 0; i < CONTROL_COUNT; i++) values[i] = base(i);
  for (u32 i = 0; changes && i < CHANGES; i++) {
    values[changes[i].which] = (values[changes[i].which] & ~changes[i].clear) | changes[i].set;
  }
  if (entry_level == 2) write_el2(values);
  write_el1(values);
  asm volatile("dsb sy" ::: "memory");
  if (entry_level == 2) asm volatile("tlbi alle1\n\ttlbi alle2" ::: "memory");
  else asm volatile("tlbi vmalle1" ::: "memory");
  asm volatile("ic iallu\n\tdsb sy\n\tisb" ::: "memory");
}

// Once: the runner's own vectors, and the GIC, through which the timer's interrupt comes.
void vectors_init(void) {
  if (entry_level == 2) {
    write_register(vbar_el2, vectors_el2);
    write_register(vpidr_el2, read_register(midr_el1));
    write_register(vmpidr_el2, read_register(mpidr_el1));
  }
  write_register(cntv_ctl_el0, 0);
  *(volatile u32 *)GICD = 1;
  *(volatile u32 *)(GICD + 0x100) = 1u << 27; // GICD_ISENABLER0: the virtual timer
  *(volatile u32 *)(GICC + 4) = 0xff;         // GICC_PMR
  *(volatile u32 *)GICC = 1;
  set_controls(NULL);
}
