// The kit of the bare images: what they share. One CPU prints; the others run what it gives them.
#pragma once

#include <lib.h>

#define CPUS 4
#define GIB (1ul << 30)
#define PAGE_SIZE 4096ul

#define read_register(name)                                                                        \
  ({                                                                                               \
    u64 value_;                                                                                    \
    asm volatile("mrs %0, " #name : "=r"(value_)::"memory");                                       \
    value_;                                                                                        \
  })
#define write_register(name, value) asm volatile("msr " #name ", %0" ::"r"((u64)(value)) : "memory")
#define isb() asm volatile("isb" ::: "memory")
#define dsb() asm volatile("dsb sy" ::: "memory")
#define sev() asm volatile("dsb sy\n\tsev" ::: "memory")
#define yield() asm volatile("yield" ::: "memory") // in loops that wait for another CPU
#define wfe() asm volatile("wfe" ::: "memory")
#define mmio32(address) (*(volatile u32 *)(u64)(address))
#define mmio8(address) (*(volatile u8 *)(u64)(address))
#define mmio64(address) (*(volatile u64 *)(u64)(address))
#define IN_CODE __attribute__((aligned(4096), section(".bss.code"))) // writable and executable
#define TABLE_MEMORY __attribute__((aligned(4096), section(".bss.table")))

// print.c
void print(const char *pattern, ...);
void print_case(const char *group, const char *name, const char *pattern, ...); // without a line end in the pattern

// main.c
extern u32 entry_level;  // the level that the image was entered at
extern u64 device_tree;  // x0 at entry
void image_main(void);   // the image's own
s64 psci(u32 function, u64 x1, u64 x2, u64 x3);
void power_off(void) __attribute__((noreturn));
#define PSCI_CPU_SUSPEND 0xc4000001
#define PSCI_CPU_OFF 0x84000002
#define PSCI_CPU_ON 0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004

// exceptions.c
struct frame {
  u64 x[31], elr, spsr, esr, far, vector, level;
};
typedef void handler(struct frame *frame);
struct cpu {
  handler *irq, *fiq, *serror; // what an interrupt does; none: it is a mistake
  handler *synchronous;        // before anything else; none: as below
  u32 expecting;               // synchronous exceptions are recorded and the instruction skipped
  u32 caught;                  // how many
  u64 esr, far, elr, vector, level; // of the last one
  u64 result;                  // of a function that ran at a lower level
};
extern struct cpu cpus[CPUS];
static inline u32 cpu_number(void) {
  return read_register(mpidr_el1) & 3;
}
static inline struct cpu *cpu(void) {
  return &cpus[cpu_number()];
}
void exceptions_init(void); // this CPU's vectors, traps off
u64 call_at(u32 level, u64 (*function)(u64), u64 argument); // at EL0 or EL1, below the entry level
static inline void unmask_irq(void) {
  asm volatile("msr daifclr, #2\n\tisb" ::: "memory");
}
static inline void mask_irq(void) {
  asm volatile("msr daifset, #2\n\tisb" ::: "memory");
}
static inline void unmask_all(void) {
  asm volatile("msr daifclr, #7\n\tisb" ::: "memory");
}
static inline void mask_all(void) {
  asm volatile("msr daifset, #7\n\tisb" ::: "memory");
}
// The syndrome of the exception that a statement made, or 0.
#define syndrome_of(statement)                                                                     \
  ({                                                                                               \
    struct cpu *cpu_ = cpu();                                                                      \
    cpu_->expecting = 1;                                                                           \
    cpu_->caught = 0;                                                                              \
    asm volatile("" ::: "memory");                                                                 \
    statement;                                                                                     \
    asm volatile("isb" ::: "memory");                                                              \
    cpu_->expecting = 0;                                                                           \
    cpu_->caught ? cpu_->esr : 0;                                                                  \
  })

// memory.c: identity-mapped; the third GiB is `test_table`'s pages, for cases to change.
#define TEST_AREA (2 * GIB)
extern u64 test_table[512], level1[512];
void memory_init(void);   // the tables, once
void mmu_on(u32 level);   // this CPU's translation at that level
#define DESCRIPTOR_PAGE 3ul
#define NORMAL_PAGE (3ul | 1 << 2 | 3 << 8 | 1 << 10 | 1ul << 53 | 1ul << 54)
#define NOT_GLOBAL (1ul << 11)
#define EL0_TOO (1ul << 6)

// cpus.c
struct arrival {
  u64 context, mpidr, daif, level, count;
};
extern volatile struct arrival arrivals[CPUS];
typedef void job(u64 argument);
s64 start_cpu(u32 number, u64 context); // PSCI CPU_ON; bits 1:0 of the context are the number
void wait_for_arrival(u32 number, u64 count);
void run_on(u32 number, job *job, u64 argument); // and go on here
void wait_for(u32 number);                       // until it is done
void start_all(void);

// gic.c
#define GICD 0x08000000ul
#define GICC 0x08010000ul
#define GICH 0x08030000ul
#define GICV 0x08040000ul
#define GICR 0x080a0000ul // 128 KiB for each CPU
extern u32 gic_version;   // 2 or 3
void gic_init(void);      // the distributor, once
void gic_init_cpu(void);  // this CPU's part, at its entry level
void gic_enable(u32 interrupt);
void gic_disable(u32 interrupt);
void gic_priority(u32 interrupt, u32 priority);
void gic_set_pending(u32 interrupt);
void gic_clear_pending(u32 interrupt);
u32 gic_is_pending(u32 interrupt);
u32 gic_is_active(u32 interrupt);
void gic_target(u32 interrupt, u32 number);
u32 gic_acknowledge(void);
void gic_end(u32 acknowledged);
void gic_sgi(u32 mask, u32 interrupt);

#define ICC_SRE_EL1 s3_0_c12_c12_5
#define ICC_SRE_EL2 s3_4_c12_c9_5
#define ICC_SRE_EL3 s3_6_c12_c12_5
#define ICC_CTLR_EL1 s3_0_c12_c12_4
#define ICC_PMR_EL1 s3_0_c4_c6_0
#define ICC_BPR0_EL1 s3_0_c12_c8_3
#define ICC_BPR1_EL1 s3_0_c12_c12_3
#define ICC_IGRPEN0_EL1 s3_0_c12_c12_6
#define ICC_IGRPEN1_EL1 s3_0_c12_c12_7
#define ICC_IAR0_EL1 s3_0_c12_c8_0
#define ICC_IAR1_EL1 s3_0_c12_c12_0
#define ICC_EOIR0_EL1 s3_0_c12_c8_1
#define ICC_EOIR1_EL1 s3_0_c12_c12_1
#define ICC_HPPIR0_EL1 s3_0_c12_c8_2
#define ICC_HPPIR1_EL1 s3_0_c12_c12_2
#define ICC_DIR_EL1 s3_0_c12_c11_1
#define ICC_RPR_EL1 s3_0_c12_c11_3
#define ICC_SGI1R_EL1 s3_0_c12_c11_5
#define ICC_SGI0R_EL1 s3_0_c12_c11_7
#define ICC_AP0R0_EL1 s3_0_c12_c8_4
#define ICC_AP1R0_EL1 s3_0_c12_c9_0
#define ICH_HCR_EL2 s3_4_c12_c11_0
#define ICH_VTR_EL2 s3_4_c12_c11_1
#define ICH_MISR_EL2 s3_4_c12_c11_2
#define ICH_EISR_EL2 s3_4_c12_c11_3
#define ICH_ELRSR_EL2 s3_4_c12_c11_5
#define ICH_VMCR_EL2 s3_4_c12_c11_7
#define ICH_AP0R0_EL2 s3_4_c12_c8_0
#define ICH_AP1R0_EL2 s3_4_c12_c9_0
#define ICH_LR0_EL2 s3_4_c12_c12_0
#define ICH_LR1_EL2 s3_4_c12_c12_1
#define ICH_LR2_EL2 s3_4_c12_c12_2
#define ICH_LR3_EL2 s3_4_c12_c12_3

// registers
#define HCR_VM (1ul << 0)
#define HCR_FMO (1ul << 3)
#define HCR_IMO (1ul << 4)
#define HCR_AMO (1ul << 5)
#define HCR_TGE (1ul << 27)
#define HCR_RW (1ul << 31)
