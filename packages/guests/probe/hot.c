// Where the code believes that it is, in loops that run thousands of times: ADR, ADRP, links, return addresses, branches by register into
// the middle of code, at addresses of both halves. DDI 0487 C6.2.
#include "probe.h"

VICTIM(hot_adr, "adr x1, hot_adr\nmov x5, #3000\nmov x0, #0\n1: adr x3, 1b\nsub x3, x3, x1\nadd x0, x0, x3\nadrp x4, 1b\nand x6, x1, #~0xfff\nsub x4, x4, x6\nadd x0, x0, x4\nror x0, x0, #3\n"
                "subs x5, x5, #1\nb.ne 1b")
VICTIM(hot_link, "adr x1, hot_link\nmov x5, #2000\nmov x0, #0\nmov x7, x30\n1: bl 2f\n2: sub x3, x30, x1\nadd x0, x0, x3\nadr x4, 3f\nblr x4\nnop\n3: sub x3, x30, x1\neor x0, x0, x3, lsl #5\n"
                 "ror x0, x0, #11\nsubs x5, x5, #1\nb.ne 1b\nmov x30, x7")
// A call tree: each level has its return address on the stack, and adds those that are there.
VICTIM(hot_stack, "adr x1, hot_stack\nmov x7, x30\nmov x8, sp\nmov x5, #40\nmov x0, #0\nbl 1f\nmov x30, x7\nb 9f\n"
                  "1: str x30, [sp, #-16]!\nsubs x5, x5, #1\nb.eq 2f\nbl 1b\n2: mov x3, sp\n3: ldr x4, [x3]\nsub x4, x4, x1\nadd x0, x0, x4\nror x0, x0, #1\nadd x3, x3, #16\ncmp x3, x8\nb.lo 3b\n"
                  "ldr x30, [sp], #16\nret\n9: nop")
// A computed branch into a row of additions: every place of it is a target.
VICTIM(hot_table, "mov x7, x30\nmov x6, #0\nmov x0, #0\n1: adr x3, 2f\nand x4, x6, #15\nadd x3, x3, x4, lsl #2\nbr x3\n2:\n.rept 16\nadd x0, x0, x6\n.endr\nror x0, x0, #1\nadd x6, x6, #7\n"
                  "mov x4, #2100\ncmp x6, x4\nb.lo 1b\nmov x30, x7")
VICTIM(hot_flags, "mov x5, #1000\nmov x0, #0\n1: subs xzr, x0, x5\nmrs x3, daif\nmrs x4, nzcv\nmsr daifset, #1\nmrs x6, nzcv\neor x4, x4, x6\nadd x0, x0, x4\nmsr daifclr, #1\ncinc x0, x0, hi\nmrs x6, tpidr_el1\n"
                  "cset x6, eq\nadd x0, x0, x6\nsubs x5, x5, #1\nb.ne 1b\nmrs x4, nzcv\nadd x0, x0, x4")
// A system call in a loop at EL1, by its own vectors: the link of each exception.
VICTIM(hot_scratch, "mov x5, #600\n1: mrs x15, sp_el0\nadd x15, x15, #1\nmrs x14, tpidr_el1\nmsr tpidr_el1, x15\nmrs x15, tpidr_el1\nadd x0, x0, x16\neor x0, x0, x17, ror #9\nadd x0, x0, x18\neor x0, x0, x29\n"
                    "msr tpidr_el1, x14\nmsr daifset, #2\nsubs x5, x5, #1\nb.ne 1b")
VICTIM(hot_conditions, "mov x5, #500\nmov x0, #0\n1: tbz x5, #0, 2f\nadd x0, x0, #1\n2: cbnz x0, 3f\nadd x0, x0, #100\n3: tbnz x5, #3, 4f\neor x0, x0, x5\n4: cbz w5, 5f\nror x0, x0, #1\n5: ccmp x0, x5, #4, ne\nb.eq 6f\nadd x0, x0, x5\n6: "
                       "subs x5, x5, #1\nb.ne 1b")

static const struct {
  const char *name, *victim;
} rows[] = {{"adr", hot_adr},     {"links", hot_link},     {"return-addresses", hot_stack}, {"computed-branches", hot_table},
            {"flags", hot_flags}, {"scratch", hot_scratch}, {"conditions", hot_conditions}};

void hot_probes(void) {
  write_register(tpidr_el1, 0);
  for (u32 upper = 0; upper < 2; upper++)
    for (u32 i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
      const char *victim = upper ? above(rows[i].victim) : rows[i].victim;
      struct context context = {.pc = (u64)victim, .spsr = EL1H, .sp_el0 = 0x4040};
      execute_in(&context);
      say_outcome(upper ? "hot-upper" : "hot", rows[i].name, victim);
      if (i == 4 || i == 5) continue; // of EL1 alone
      context.spsr = EL0T;
      context.sp_el0 = 0;
      execute_in(&context);
      say_outcome(upper ? "hot-upper-EL0" : "hot-EL0", rows[i].name, victim);
    }
}
