// The probing guest: everything that software can ask of its CPU without a clock. A line says what the answer was; on the bare machine
// and in a virtual one the lines are to be the same.
#pragma once

#include "kit.h"

#define EL0T 0x3c0u
#define EL1T 0x3c4u
#define EL1H 0x3c5u

// enter.S: what a victim left behind. It ends with an exception, BRK #0x7ff where nothing else came.
struct record {
  u64 x[31], vector, esr, far, elr, spsr, sp_el0, sp_el1;
};
extern struct record record;
struct context {
  u64 x[6], pc, spsr, sp_el0, sp_el1;
};
void enter_victim(const struct context *context);
extern char vectors_probe[], vectors_second[], back_to_probe[];

// Instructions, and BRK behind them. They may use x0 to x15.
#define VICTIM(name, instructions)                                                                 \
  extern char name[];                                                                              \
  asm(".pushsection .text.victims, \"ax\"\n.balign 16\n" #name ":\n" instructions "\nbrk #0x7ff\nnop\n.popsection");

// run.c
void execute(const char *victim, u32 spsr, u64 x0, u64 x1, u64 x2);
void execute_in(const struct context *context); // with stack pointers, 0: usual ones
int completed(void);
void say(const char *group, const char *name, const char *pattern, ...); // with three values of 64 bits
#define say1(group, name, pattern, a) say(group, name, pattern, (u64)(a), 0ul, 0ul)
#define say2(group, name, pattern, a, b) say(group, name, pattern, (u64)(a), (u64)(b), 0ul)
void say_outcome(const char *group, const char *name, const char *victim); // what the last one came to, with x0
void say_state(const char *group, const char *name, const char *victim);   // without x0
u64 mixed(u64 sum, u64 value);
extern u8 stacks[2][4096];

u64 change_sctlr(u64 set, u64 clear); // the value before
void restore_sctlr(u64 value);

// spaces.c: the same frames in both halves, by kinds of page.
enum page { USER, USER_RO, KERNEL, KERNEL_RO, ABSENT, NO_ACCESS_FLAG, USER_DEVICE, KERNEL_DEVICE, CODE, SPARE, OTHER, PAGES };
extern const char *const page_names[PAGES];
#define UPPER 0xffffff8000000000ul
#define LOWER_TEST TEST_AREA
#define UPPER_TEST (UPPER + 2 * GIB)
extern u8 frames[PAGES][PAGE_SIZE];
extern u64 upper_level1[512], upper_level2[512], upper_table[512];
void spaces_init(void);
void fill_frames(void);
void remap(volatile u64 *entry, u64 descriptor); // break-before-make, TLBI VMALLE1
static inline u64 page_address(u32 upper, enum page page) {
  return (upper ? UPPER_TEST : LOWER_TEST) + page * PAGE_SIZE;
}

// The same place of the image in the upper half.
static inline const char *above(const char *victim) {
  u64 address = (u64)victim;
  asm("" : "+r"(address));
  return (const char *)(address + UPPER);
}

// groups
void pstate_probes(void);
void register_probes(void);
void resource_probes(void);
void exception_probes(void);
void control_probes(void);
void step_probes(void);
void unprivileged_probes(void);
void translation_probes(void);
void maintenance_probes(void);
void text_probes(void);
void hot_probes(void);
void monitor_probes(void);
void address_probes(void);
