// Exceptions from EL0: each kills a child, and its report has the right ESR_EL1 and FAR_EL1
// (DDI 0487, ESR_EL1, FAR_EL1).
#include "selftest.h"

#define KERNEL_TEXT 0xffffff8040200000
#define TEXT 0x10000
#define NO_FSC 0x40

static void undefined(void) {
  asm volatile("udf #0");
}

static void privileged_register(void) {
  asm volatile("mrs x0, sctlr_el1" ::: "x0");
}

static void privileged_instruction(void) {
  asm volatile("tlbi vmalle1");
}

static void mask_interrupts(void) {
  asm volatile("msr daifset, #2");
}

static void hypervisor_call(void) {
  asm volatile("hvc #0");
}

static void breakpoint(void) {
  asm volatile("brk #7");
}

static void load_null(void) {
  (void)*(volatile u32 *)0;
}

static void store_null(void) {
  *(volatile u32 *)0 = 0;
}

static void store_text(void) {
  *(volatile u32 *)TEXT = 0;
}

static void load_kernel(void) {
  (void)*(volatile u32 *)KERNEL_TEXT;
}

static void load_between_halves(void) {
  (void)*(volatile u32 *)0x0000800000000000;
}

static void call(u64 address) {
  ((void (*)(void))address)();
}

static void run_null(void) {
  call(0);
}

static void run_kernel(void) {
  call(KERNEL_TEXT);
}

static void run_heap(void) {
  u32 *code = sbrk(PAGE);
  *code = 0xd65f03c0; // ret
  call((u64)code);
}

static void run_misaligned(void) {
  call(TEXT + 2);
}

static void misaligned_exclusive(void) {
  asm volatile("ldxr x0, [%0]" ::"r"(TEXT + 4) : "x0");
}

static void overflow_stack(void) {
  asm volatile("mov x0, sp\n\tand x0, x0, #0xffffffffffff0000\n\tstr xzr, [x0, #-8]" ::: "x0");
}

static const struct {
  const char *name;
  void (*run)(void);
  u32 class, fsc; // ESR_EL1.EC and ISS<5:0>
  u64 far;
} faults[] = {
    {"undefined instruction", undefined, 0x00, NO_FSC, 0},
    {"system register of EL1", privileged_register, 0x00, NO_FSC, 0},
    {"TLBI at EL0", privileged_instruction, 0x00, NO_FSC, 0},
    {"MSR DAIFSet at EL0", mask_interrupts, 0x18, NO_FSC, 0},
    {"HVC at EL0", hypervisor_call, 0x00, NO_FSC, 0},
    {"BRK", breakpoint, 0x3c, NO_FSC, 0},
    {"load from null", load_null, 0x24, 0x07, 0},
    {"store to null", store_null, 0x24, 0x07, 0},
    {"store to text", store_text, 0x24, 0x0f, TEXT},
    {"load from the kernel", load_kernel, 0x24, 0x0f, KERNEL_TEXT},
    {"load between the halves", load_between_halves, 0x24, 0x04, 0x0000800000000000},
    {"jump to null", run_null, 0x20, 0x07, 0},
    {"jump to the kernel", run_kernel, 0x20, 0x0f, KERNEL_TEXT},
    {"jump to data", run_heap, 0x20, 0x0f, 0x200000},
    {"jump to a misaligned address", run_misaligned, 0x22, NO_FSC, TEXT + 2},
    {"misaligned exclusive load", misaligned_exclusive, 0x24, 0x21, TEXT + 4},
    {"stack overflow", overflow_stack, 0x24, 0x07, 0x1efff8},
};

void run_fault_checks(void) {
  for (u64 i = 0; i < ARRAY_LENGTH(faults); i++) {
    struct exit_report report = in_child(faults[i].run);
    int holds = report.code == -1 && report.esr >> 26 == faults[i].class && report.far == faults[i].far &&
                (report.esr >> 25 & 1) == 1;
    if (faults[i].fsc != NO_FSC) holds = holds && (report.esr & 0x3f) == faults[i].fsc;
    report_check(faults[i].name, holds);
    if (!holds) print_end("selftest: unexpected", &report);
  }
}
