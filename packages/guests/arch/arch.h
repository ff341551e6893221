// The architecture cases: what a case is, and what the files offer each other.
#pragma once

#include <lib.h>

#define PAGE_SIZE 4096
#define KIB (1ul << 10)
#define MIB (1ul << 20)
#define GIB (1ul << 30)

#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define GICH 0x08030000ul
#define UART 0x09000000ul
#define NOWHERE 0x0b000000ul // a physical address at which the board has nothing
#define SCRATCH 0x40800000ul // 2 MiB of RAM beyond the image, zeros: as code, UDF #0

#define read_register(name)                                                                        \
  ({                                                                                               \
    u64 value_;                                                                                    \
    asm volatile("mrs %0, " #name : "=r"(value_));                                                 \
    value_;                                                                                        \
  })
#define write_register(name, value) asm volatile("msr " #name ", %0" ::"r"((u64)(value)) : "memory")
#define isb() asm volatile("isb" ::: "memory")

// A victim is a few instructions that a case runs at some exception level, with x0 and x1 given. The
// UDF after its end says that it came through. It may not touch x16, x17, or memory but by x0 and x1.
#define VICTIM(name, text)                                                                         \
  asm(".pushsection .text.victims, \"ax\"\n\t.balign 16\n\t.arch armv8-a+fp+simd+crc\n\t"          \
      ".quad 1f - " #name "\n" #name ":\n\t" text "\n1:\tudf #0xfff\n\t.popsection");              \
  extern const u32 name[];

// The registers that the runner sets before every case; a case may change some of their bits.
enum control {
  NONE,
  SCTLR_EL1,
  TCR_EL1,
  TTBR0_EL1,
  TTBR1_EL1,
  CPACR_EL1,
  CNTKCTL_EL1,
  MDSCR_EL1,
  PMUSERENR_EL0,
  HCR_EL2,
  CPTR_EL2,
  MDCR_EL2,
  CNTHCTL_EL2,
  HSTR_EL2,
  VTCR_EL2,
  VTTBR_EL2,
  SCTLR_EL2,
  VBAR_EL1,
  CONTROL_COUNT
};

struct change {
  enum control which;
  u64 clear, set;
};
#define ALL (~0ul)

enum flag {
  TIMER_PENDING = 1, // a physical IRQ: the virtual timer's, whose deadline has passed
  UNMASKED = 2,      // PSTATE.DAIF is 0
  SHOW_X0 = 4,       // when the victim comes through, x0 is its result
  SHOW_PAR = 8,      // the same, and x0 is PAR_EL1
  USE_SP_EL0 = 16,   // at EL1 and EL2: PSTATE.SP is 0
  ILLEGAL_STATE = 32 // PSTATE.IL is 1
};

#define CHANGES 3
struct test {
  u32 level; // the exception level that it runs at
  u32 flags;
  const u32 *victim;
  u64 x0, x1;
  struct change changes[CHANGES];
};

// run.c: runs it and prints its line. The name is made of up to four parts with '/' between.
void run(const struct test *test, const char *group, const char *a, const char *b, const char *c);
// Runs a victim with the controls as they are and the TLB with what is in it: x0, or 0xf000 and the fault
// status code of the exception that it took.
u64 probe(const struct test *test);
extern u32 entry_level; // 1: no EL2
static inline u32 highest(void) {
  return entry_level;
}

// print.c
void print(const char *pattern, ...);

// tables4k.c: the tables of the EL1&0 and the EL2 regime, and the places in them that fault.
struct place {
  const char *name;
  u64 address; // virtual in stage 1, intermediate physical in stage 2
  u32 level;   // of the descriptor
  u64 descriptor;
};
extern const struct place stage1_places[], stage2_places[], order_places[]; // ended by a null name
extern u64 root4k[], stage2_root[];
void build_tables(void);
#define WINDOW 0x4000000000ul      // intermediate physical addresses, read-write, EL0 and EL1
#define CODE_WINDOW 0x6000000000ul // the same, read-only and executable
#define IPA_OF_LEVEL_0 (512 * GIB) // and its multiples: in both windows from + 64 GiB on
u64 offset_in_windows(const struct place *place);
#define ORDER_PLACES (13 * GIB)
#define WALK_PLACES (16 * GIB)     // + n GiB: a level 2 table in the n-th of stage2_places

// tables_large.c
extern u64 root16k[], root64k[];
void build_large_tables(void);
extern const struct place places16k[], places64k[];

// control.c
int has_monitors(void);
void set_controls(const struct change *changes);
void vectors_init(void);

// descriptors (DDI 0487 D8.3)
#define VALID 1ul
#define BLOCK 1ul
#define TABLE 3ul
#define PAGE 3ul
#define ATTR_DEVICE (0ul << 2)
#define ATTR_NORMAL (1ul << 2)
#define AP_EL0 (1ul << 6)
#define AP_READ_ONLY (2ul << 6)
#define SHARED (3ul << 8)
#define AF (1ul << 10)
#define PXN (1ul << 53)
#define UXN (1ul << 54)
#define PXN_TABLE (1ul << 59)
#define UXN_TABLE (1ul << 60)
#define AP_TABLE_NO_EL0 (1ul << 61)
#define AP_TABLE_READ_ONLY (1ul << 62)
#define TOO_HIGH (1ul << 32)        // an output address beyond the 32 bits of TCR_EL1.IPS
#define TOO_HIGH_STAGE2 (1ul << 44) // and beyond the 44 bits of VTCR_EL2.PS

// registers
#define SCTLR_UCI (1ul << 26)
#define SCTLR_WXN (1ul << 19)
#define SCTLR_NTWE (1ul << 18)
#define SCTLR_NTWI (1ul << 16)
#define SCTLR_UCT (1ul << 15)
#define SCTLR_DZE (1ul << 14)
#define SCTLR_UMA (1ul << 9)
#define SCTLR_SA0 (1ul << 4)
#define SCTLR_SA (1ul << 3)
#define SCTLR_A (1ul << 1)
#define SCTLR_M (1ul << 0)
#define TCR_IPS (7ul << 32)
#define TCR_IPS_44 (4ul << 32)
#define TCR_TBI0 (1ul << 37)
#define TCR_EPD0 (1ul << 7)
#define TCR_EPD1 (1ul << 23)
#define HCR_VM (1ul << 0)
#define HCR_PTW (1ul << 2)
#define HCR_FMO (1ul << 3)
#define HCR_IMO (1ul << 4)
#define HCR_AMO (1ul << 5)
#define HCR_VF (1ul << 6)
#define HCR_VI (1ul << 7)
#define HCR_VSE (1ul << 8)
#define HCR_DC (1ul << 12)
#define HCR_TWI (1ul << 13)
#define HCR_TWE (1ul << 14)
#define HCR_TID1 (1ul << 16)
#define HCR_TID2 (1ul << 17)
#define HCR_TID3 (1ul << 18)
#define HCR_TSC (1ul << 19)
#define HCR_TIDCP (1ul << 20)
#define HCR_TACR (1ul << 21)
#define HCR_TSW (1ul << 22)
#define HCR_TPC (1ul << 23)
#define HCR_TPU (1ul << 24)
#define HCR_TTLB (1ul << 25)
#define HCR_TVM (1ul << 26)
#define HCR_TGE (1ul << 27)
#define HCR_TDZ (1ul << 28)
#define HCR_HCD (1ul << 29)
#define HCR_TRVM (1ul << 30)
#define HCR_RW (1ul << 31)

// groups of cases
void exception_cases(void);
void system_register_cases(void);
void hypervisor_trap_cases(void);
void interrupt_cases(void);
void illegal_return_cases(void);
void stage1_cases(void);
void stage2_cases(void);
void alignment_cases(void);
void address_translation_cases(void);
void granule_cases(void);
void debug_cases(void);
void monitor_cases(void);
void fault_cases(void);
void order_cases(void);
void tagging_cases(void);
void control_cases(void);
void control_effect_cases(void);
