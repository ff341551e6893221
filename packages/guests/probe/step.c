// Software step, at EL0 and at EL1: each instruction and then an exception, sensitive ones as well. DDI 0487 D2.11.
#include "probe.h"

#define SS (1u << 21)
VICTIM(step_nop, "nop\nnop")
VICTIM(step_mrs, "mrs x0, ctr_el0\nnop")
VICTIM(step_svc, "svc #1\nnop")
VICTIM(step_branch, "b 1f\nnop\nnop\n1: nop")
VICTIM(step_load, "ldr x0, [x1]\nnop")
VICTIM(step_current_el, "mrs x0, CurrentEL\nnop")
VICTIM(step_daif, "mrs x0, daif\nnop")
VICTIM(step_mask, "msr daifset, #2\nnop")
VICTIM(step_mask_debug, "msr daifset, #8\nnop")
VICTIM(step_tpidr, "mrs x0, tpidr_el1\nnop")
VICTIM(step_sp, "mrs x0, sp_el0\nnop")
VICTIM(step_ldtr, "ldtr x0, [x1]\nnop")

struct row {
  const char *name, *victim;
};
static const struct row user[] = {{"nop", step_nop}, {"mrs-ctr", step_mrs}, {"svc", step_svc}, {"branch", step_branch}, {"load", step_load}};
static const struct row kernel[] = {{"nop", step_nop},   {"mrs-current-el", step_current_el}, {"mrs-daif", step_daif}, {"daifset", step_mask}, {"daifset-debug", step_mask_debug},
                                    {"mrs-tpidr", step_tpidr}, {"mrs-sp_el0", step_sp},    {"branch", step_branch},  {"load", step_load},    {"ldtr", step_ldtr}};

static void each(const char *group, const struct row *rows, u32 count, u32 spsr, u64 x1) {
  for (u32 i = 0; i < count; i++) {
    // One step is active, and then it was none: the exception comes before the first instruction.
    execute(rows[i].victim, spsr | SS, 0, x1, 0);
    say_state(group, rows[i].name, rows[i].victim);
    execute(rows[i].victim, spsr, 0, x1, 0);
    static char name[32];
    copy_string(name, rows[i].name, 20);
    copy_string(name + strlen(name), "-pending", 10);
    say_state(group, name, rows[i].victim);
  }
}

void step_probes(void) {
  fill_frames();
  write_register(oslar_el1, 0);
  write_register(tpidr_el1, 0);
  isb();
  write_register(mdscr_el1, 1);
  isb();
  each("step-EL0", user, 5, EL0T, page_address(0, USER));
  // At EL1 with KDE, where debug exceptions are not masked.
  write_register(mdscr_el1, 1 | 1 << 13);
  isb();
  each("step-EL1h", kernel, 10, EL1H & ~(1u << 9), page_address(0, USER));
  each("step-EL1h-upper", kernel, 10, EL1H & ~(1u << 9), page_address(1, USER));
  each("step-EL1h-masked", kernel, 2, EL1H, page_address(0, USER));
  write_register(mdscr_el1, 0);
  isb();
}
