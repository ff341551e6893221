// The architecture's registers and bits, by the Arm ARM's names (DDI 0487 D8.3).
#pragma once

// SCTLR_EL1: RES1 bits of Armv8.0 (29, 28, 23, 22, 20, 11), nTWE, nTWI, I, SA0, SA, C, M.
#define SCTLR_EL1_MMU_OFF 0x30d00800
#define SCTLR_EL1_MMU_ON (SCTLR_EL1_MMU_OFF | 1 << 18 | 1 << 16 | 1 << 12 | 1 << 4 | 1 << 3 | 1 << 2 | 1)

// TCR_EL1: 39-bit addresses (T0SZ = T1SZ = 25), 4 KiB granules, write-back inner-shareable walks,
// 8-bit ASIDs from TTBR0_EL1. IPS is added at run time from ID_AA64MMFR0_EL1.PARange.
#define TCR_EL1_VALUE                                                                              \
  (25 | 1 << 8 | 1 << 10 | 3 << 12 | 25 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30)
#define TCR_EL1_IPS_SHIFT 32

// MAIR_EL1: attribute 0 is Device-nGnRnE, attribute 1 is Normal write-back.
#define MAIR_EL1_VALUE 0xff00
#define ATTR_DEVICE (0ul << 2)
#define ATTR_NORMAL (1ul << 2)

// Stage-1 descriptors (DDI 0487 D8.3.1, D8.3.2).
#define PTE_VALID (1ul << 0)
#define PTE_TABLE (1ul << 1) // in a level 1 or 2 descriptor: a table; clear: a block
#define PTE_PAGE (1ul << 1)  // in a level 3 descriptor
#define PTE_EL0 (1ul << 6)
#define PTE_READ_ONLY (1ul << 7)
#define PTE_INNER_SHAREABLE (3ul << 8)
#define PTE_AF (1ul << 10)
#define PTE_NG (1ul << 11)
#define PTE_PXN (1ul << 53)
#define PTE_UXN (1ul << 54)
#define PTE_COPY_ON_WRITE (1ul << 55) // a bit that hardware leaves to software
#define PTE_ADDRESS 0x0000fffffffff000ul

// SPSR_ELx and PSTATE.
#define SPSR_EL0T 0x0
#define SPSR_EL1H 0x5
#define SPSR_DAIF 0x3c0

// ESR_ELx.EC (DDI 0487, ESR_EL1).
#define EC(esr) ((u32)(esr) >> 26)
#define EC_UNKNOWN 0x00
#define EC_FP 0x07
#define EC_ILLEGAL_STATE 0x0e
#define EC_SVC64 0x15
#define EC_SYSTEM_REGISTER 0x18
#define EC_INSTRUCTION_ABORT_LOWER 0x20
#define EC_INSTRUCTION_ABORT_SAME 0x21
#define EC_PC_ALIGNMENT 0x22
#define EC_DATA_ABORT_LOWER 0x24
#define EC_DATA_ABORT_SAME 0x25
#define EC_SP_ALIGNMENT 0x26
#define EC_BRK 0x3c
#define ESR_WNR (1ul << 6)
#define FSC_TYPE(esr) (((esr) >> 2) & 0xf)
#define FSC_TRANSLATION 1
#define FSC_PERMISSION 3

#define CPACR_FPEN_NONE (0ul << 20)
#define CPACR_FPEN_EL0_EL1 (3ul << 20)
#define CNTKCTL_EL0VCTEN (1ul << 1)
#define CNTV_CTL_ENABLE 1

#ifndef __ASSEMBLER__
#include <types.h>

#define read_register(name)                                                                        \
  ({                                                                                               \
    u64 value_;                                                                                    \
    asm volatile("mrs %0, " #name : "=r"(value_));                                                 \
    value_;                                                                                        \
  })
#define write_register(name, value) asm volatile("msr " #name ", %0" ::"r"((u64)(value)) : "memory")

#define isb() asm volatile("isb" ::: "memory")
#define dsb() asm volatile("dsb ish" ::: "memory")
#define wfi() asm volatile("dsb sy\n\twfi" ::: "memory")
#define mask_irq() asm volatile("msr daifset, #2" ::: "memory")
#define unmask_irq() asm volatile("msr daifclr, #2" ::: "memory")

static inline u64 counter(void) {
  isb();
  return read_register(cntvct_el0);
}
#endif
