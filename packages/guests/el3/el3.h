// What the files of the EL3 image share: a case runs a few instructions at one level in one Security state, and
// its line says which exception ended them.
#pragma once

#include <kit.h>

// A few instructions that a case runs; a UDF ends them.
#define VICTIM(name, text)                                                                         \
  asm(".pushsection .text.victims, \"ax\"\n\t.balign 16\n" #name ":\n\t" text "\n\tudf #0xfff\n\t.popsection"); \
  extern const u32 name[];

// SCR_EL3
#define NS 1ul
#define IRQ 2ul
#define FIQ 4ul
#define EA 8ul
#define SMD (1ul << 7)
#define HCE (1ul << 8)
#define SIF (1ul << 9)
#define RW (1ul << 10)
#define ST (1ul << 11)
#define TWI (1ul << 12)
#define TWE (1ul << 13)
// CPTR_EL3
#define TFP (1ul << 10)
#define TTA (1ul << 20)
#define TCPAC (1ul << 31)
// MDCR_EL3
#define TPM (1ul << 6)
#define TDA (1ul << 9)
#define TDOSA (1ul << 10)
#define SDD (1ul << 16)
// HCR_EL2
#define VSE (1ul << 8)

#define ALL_MASKED 0x3c0ul

enum pending { NOTHING, AN_IRQ, AN_FIQ, GROUP0, GROUP1_SECURE, GROUP1_NON_SECURE };

// What a case prints beside its exception, and leaves as it is before it.
enum { SHOW_X0 = 1, SILENT = 2, KEEP_TLB = 4 };

struct given {
  const u32 *victim;
  u32 level;        // that the victim runs at
  u64 ns;           // SCR_EL3.NS
  u32 sp0;          // it runs with SP_EL0
  u64 scr_clear, scr_set, cptr, mdcr, hcr, sctlr;
  u64 x0;
  u64 unmasked;     // of PSTATE.DAIF
  u64 spsr_set;     // more bits of the SPSR that it is entered with
  enum pending pending;
  u32 flags;
};

// run.c
struct result {
  u64 seen, level, vector, esr, elr, spsr, far, x0, hcr;
};
extern struct result result; // of the last case
extern u32 has_el2;
void run(const struct given *given, const char *group, const char *name);
void flush(void); // all TLB entries of both states
void set_interrupt(enum pending pending);
const u32 *emit(u32 count, const u32 *words); // at an address that every level executes, and a UDF after them

#define INSTRUCTIONS(...) emit(sizeof((u32[]){__VA_ARGS__}) / 4, (u32[]){__VA_ARGS__})
#define ENCODING(op0, op1, n, m, op2) ((u32)(op0) << 19 | (op1) << 16 | (n) << 12 | (m) << 8 | (op2) << 5)
#define MRS(encoding) (0xd5200000 | (encoding)) // to x0; SYSL too
#define MSR(encoding) (0xd5000000 | (encoding)) // from x0; SYS too
#define ISB 0xd5033fdf
#define DSB 0xd5033f9f
#define PAR_EL1 ENCODING(3, 0, 7, 4, 0)

// The levels and states, in the order in which cases run: EL3 once.
struct place {
  u32 level;
  u64 ns;
};
extern const struct place places[6];
enum { EL0_NS = 1, EL0_S = 2, EL1_NS = 4, EL1_S = 8, EL2_NS = 16, EL3_ = 32, BELOW = 31, EVERY = 63 };
int is_here(u32 place); // there is no EL2 on each board

// Tables: level0 leads to the kit's; descriptors of the test area.
extern u64 level0[512];
void tables_init(void);
u64 *level2_of_tests(void);
#define SPARE 0x44000000ul // 4 MiB of RAM
#define SPARE_PAGE(i) (SPARE + 0x100000 + (u64)(i) * PAGE_SIZE)
#define CODE_ADDRESS (TEST_AREA + 0x10000)
#define HOLE 0x0b000000ul // no device is there
#define READ_ONLY (2ul << 6)
#define NORMAL_EXECUTABLE (3ul | 1 << 2 | 3 << 8 | 1 << 10)
#define NS_PAGE (1ul << 5)

void entry_cases(void);
void interrupt_cases(void);
void serror_cases(void);
void external_abort_cases(void);
void return_cases(void);
void stack_cases(void);
void secure_memory_cases(void);
void fault_cases(void);
void address_translation_cases(void);
void tlb_cases(void);
void register_cases(void);
void instruction_cases(void);
void trap_cases(void);
void debug_cases(void);
void reserved_cases(void);
void gicv2_cases(void);
void gicv3_cases(void);
