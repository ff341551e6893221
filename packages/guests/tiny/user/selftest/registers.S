// Checks of registers that C cannot make.
#include <abi.h>

// int registers_survive(void): x1-x28 and NZCV are the same after a system call (getpid).
        .text
        .global registers_survive
registers_survive:
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        .irp    n, 1,2,3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x\n, #(0x4000 + \n)
        .endr
        mov     x8, #SYS_getpid
        mov     x0, #0xa0000000                 // N and C
        msr     nzcv, x0
        svc     #0
        mrs     x0, nzcv
        mov     x8, #0xa0000000
        eor     x0, x0, x8
        .irp    n, 1,2,3,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
        mov     x8, #(0x4000 + \n)
        eor     x8, x8, x\n
        orr     x0, x0, x8
        .endr
        cmp     x0, #0
        cset    w0, eq
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
