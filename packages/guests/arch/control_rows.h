// What the files of the group `control` share: instructions by their text, and a control with what it traps.
#pragma once

#include "arch.h"

// An instruction that a control traps. Its text is the case's; `read` reads the register that it writes, so
// that it may be written back where nothing traps.
struct instruction {
  const u32 *victim;
  const char *text;
  u64 (*read)(void);
};

// In the asm of INSTRUCTIONS: `I text`, `R register` for a read, `W register` for a write of what it held.
// x0 is memory that all levels may read and write, x3 is 0 or what W read.
asm(".macro entry read, text:vararg\n\t"
    ".pushsection .text.victims, \"ax\"\n\t.balign 16\n\t.arch armv8-a+fp+simd+crc\n\t"
    ".quad 92f - 91f\n91:\t\\text\n92:\tudf #0xfff\n\t.popsection\n\t"
    ".pushsection .rodata.text, \"a\"\n93:\t.asciz \"\\text\"\n\t.popsection\n\t"
    ".quad 91b, 93b, \\read\n\t.endm\n\t"
    ".macro I text:vararg\n\tentry 0, \\text\n\t.endm\n\t"
    ".macro R names:vararg\n\t.irp name, \\names\n\tentry 0, mrs x3, \\name\n\t.endr\n\t.endm\n\t"
    ".macro Z names:vararg\n\t.irp name, \\names\n\tentry 0, msr \\name, x3\n\t.endr\n\t.endm\n\t"
    ".macro W names:vararg\n\t.irp name, \\names\n\t"
    ".pushsection .text.readers, \"ax\"\n94:\tmrs x0, \\name\n\tret\n\t.popsection\n\t"
    "entry 94b, msr \\name, x3\n\t.endr\n\t.endm");
// Ended by a row of zeros.
#define INSTRUCTIONS(name, lines)                                                                  \
  asm(".pushsection .rodata.instructions, \"a\"\n\t.balign 8\n" #name ":\n\t" lines                \
      "\n\t.quad 0, 0, 0\n\t.popsection");                                                         \
  extern const struct instruction name[];

// Run with the control (`on`) at each of `levels`, and without (`off`) where it traps.
struct trap {
  const char *name; // REGISTER.FIELD
  const struct instruction *instructions;
  u32 levels, trapped; // bit n: ELn
  struct change on, off;
};
void run_traps(const struct trap *traps, u32 count);
