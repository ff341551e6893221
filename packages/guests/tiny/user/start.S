// A program's first instruction: the kernel has put argc into x0 and argv into x1 (kernel/exec.c).
        .section .text.start, "ax"
        .global _start
_start: bl      main
        b       exit
