// PSTATE as software reads it: CurrentEL, SPSel, DAIF after each way to change it, stack pointers and their banks. DDI 0487 C5.2, D1.2.
#include "probe.h"

// Sixteen of each: mask, then read; twelve bytes apart.
#define DAIF_TABLE(name, instruction)                                                              \
  extern char name[];                                                                              \
  asm(".pushsection .text.victims, \"ax\"\n.balign 16\n" #name ":\n.set n, 0\n.rept 16\n" instruction  \
      " , #n\nmrs x0, daif\nbrk #0x7ff\n.set n, n + 1\n.endr\n.popsection");
DAIF_TABLE(daif_set, "msr daifset")
DAIF_TABLE(daif_clear, "msr daifclr")

VICTIM(read_daif, "mrs x0, daif")
VICTIM(write_daif, "msr daif, x0\nmrs x0, daif")
VICTIM(set_twice, "msr daifset, #2\nmrs x3, daif\nmsr daifset, #1\nmrs x4, daif\nmsr daifclr, #3\nmrs x5, daif\norr x0, x3, x4, lsl #16\norr x0, x0, x5, lsl #32")
VICTIM(read_current_el, "mrs x0, CurrentEL")
VICTIM(read_spsel, "mrs x0, SPSel")
VICTIM(write_flags, "msr nzcv, x0\nadcs x1, x1, x2\nmrs x0, nzcv")
VICTIM(write_spsel, "msr SPSel, x0\nmrs x0, SPSel")
VICTIM(stack_usual, "mov x0, sp\nsub x0, x0, x1")
VICTIM(stack_other, "mov x3, sp\nmsr SPSel, #0\nmov x0, sp\nmsr SPSel, #1\nmov x4, sp\nsub x0, x0, x1\nsub x3, x3, x4\norr x0, x0, x3, lsl #32")
VICTIM(stack_by_name, "mrs x3, sp_el0\nadd x4, x3, #64\nmsr sp_el0, x4\nmsr SPSel, #0\nmov x0, sp\nmsr SPSel, #1\nsub x0, x0, x3")
VICTIM(stack_changes, "msr SPSel, #0\nmov x3, sp\nsub sp, sp, #48\nstp x1, x2, [sp]\nmsr SPSel, #1\nmrs x4, sp_el0\nldp x5, x6, [x4]\nsub x0, x3, x4\nadd x0, x0, x5\nadd x0, x0, x6")
VICTIM(stack_name_current, "mrs x0, sp_el0")
VICTIM(stack_many, "mov x5, #300\nmov x0, #0\n1: mrs x3, sp_el0\nadd x3, x3, #16\nmsr sp_el0, x3\nmsr SPSel, #0\nmov x4, sp\nadd sp, sp, #16\nmsr SPSel, #1\n"
                   "eor x4, x4, x3\nadd x0, x0, x4\nsubs x5, x5, #1\nb.ne 1b\nmrs x3, sp_el0\nsub x3, x3, x1\nadd x0, x0, x3")

static const struct {
  const char *name;
  u32 spsr;
} modes[] = {{"EL0", EL0T}, {"EL1t", EL1T}, {"EL1h", EL1H}};

static void each_mode(const char *name, const char *victim, u64 x0, u64 x1, u64 x2) {
  for (u32 i = 0; i < 3; i++) {
    execute(victim, modes[i].spsr, x0, x1, x2);
    say_outcome(name, modes[i].name, victim);
  }
}

// All of a table, from nothing masked and from everything masked: one sum for sixteen, and the first that is otherwise has its line.
static void masks(const char *name, const char *table, u32 mode) {
  u64 sum = 0, states = 0;
  for (u64 from = 0; from < 2; from++)
    for (u64 n = 0; n < 16; n++) {
      execute(table + 12 * n, (mode & ~0x3c0u) | (from ? 0x3c0 : 0), 0, 0, 0);
      sum = mixed(sum, record.x[0]);
      states = mixed(states, record.spsr + record.esr);
    }
  say2("daif", name, "values 0x%lx states 0x%lx", sum, states);
}

void pstate_probes(void) {
  each_mode("CurrentEL", read_current_el, 0, 0, 0);
  each_mode("SPSel", read_spsel, 0, 0, 0);
  each_mode("DAIF", read_daif, 0, 0, 0);
  each_mode("nzcv", write_flags, 0xf0000000, ~0ul, 1);
  masks("set-EL1h", daif_set, EL1H);
  masks("clear-EL1h", daif_clear, EL1H);
  masks("set-EL1t", daif_set, EL1T);
  masks("clear-EL1t", daif_clear, EL1T);
  masks("set-EL0-UMA", daif_set, EL0T);
  masks("clear-EL0-UMA", daif_clear, EL0T);
  each_mode("write-daif", write_daif, 0x240, 0, 0);
  each_mode("write-daif-all", write_daif, ~0ul, 0, 0);
  execute(set_twice, EL1H & ~0x3c0u, 0, 0, 0);
  say_outcome("daif", "several", set_twice);
  u64 sctlr = change_sctlr(0, 1 << 9);
  masks("set-EL0", daif_set, EL0T);
  masks("clear-EL0", daif_clear, EL0T);
  masks("set-EL1h-without-UMA", daif_set, EL1H);
  execute(read_daif, EL0T, 0, 0, 0);
  say_outcome("daif", "read-EL0-without-UMA", read_daif);
  restore_sctlr(sctlr);
  for (u64 i = 0; i < 2; i++) {
    execute(write_spsel, EL1H, i, 0, 0);
    say_outcome("SPSel", i ? "one-EL1h" : "zero-EL1h", write_spsel);
    execute(write_spsel, EL1T, i, 0, 0);
    say_outcome("SPSel", i ? "one-EL1t" : "zero-EL1t", write_spsel);
  }
  u64 stack0 = (u64)stacks[0] + 2048, stack1 = (u64)stacks[1] + 2048;
  execute(stack_usual, EL0T, 0, stack0, 0);
  say_outcome("sp", "EL0", stack_usual);
  execute(stack_usual, EL1T, 0, stack0, 0);
  say_outcome("sp", "EL1t", stack_usual);
  execute(stack_usual, EL1H, 0, stack1, 0);
  say_outcome("sp", "EL1h", stack_usual);
  execute(stack_other, EL1H, 0, stack0, 0);
  say_outcome("sp", "the-other-bank", stack_other);
  execute(stack_by_name, EL1H, 0, 0, 0);
  say_outcome("sp", "SP_EL0-by-name", stack_by_name);
  execute(stack_changes, EL1H, 0, 3, 4);
  say_outcome("sp", "SP_EL0-as-stack", stack_changes);
  say2("sp", "after", "SP_EL0 %lx SP_EL1 %lx", record.sp_el0 - stack0, record.sp_el1 - stack1);
  execute(stack_many, EL1H, 0, stack0, 0);
  say_outcome("sp", "many-changes", stack_many);
  execute(stack_name_current, EL1T, 0, 0, 0);
  say_state("sp", "SP_EL0-by-name-EL1t", stack_name_current);
  execute(stack_name_current, EL0T, 0, 0, 0);
  say_state("sp", "SP_EL0-by-name-EL0", stack_name_current);
}
