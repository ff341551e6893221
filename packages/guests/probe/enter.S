// Into a victim and back: enter_victim() returns when it has taken an exception. The vectors use no stack, so that a victim may break its
// own. DDI 0487 D1.3.1: vector offsets.

        .text
        .global enter_victim, vectors_probe, vectors_second, back_to_probe
// void enter_victim(const struct context *): x0 to x5, PC, SPSR, SP_EL0, SP_EL1
enter_victim:
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        adrp    x16, resume_sp
        add     x16, x16, :lo12:resume_sp
        mov     x17, sp
        str     x17, [x16]
        mrs     x17, vbar_el1
        str     x17, [x16, #8]
        adr     x17, vectors_probe
        msr     vbar_el1, x17
        isb
        mov     x16, x0
        ldp     x6, x7, [x16, #48]
        msr     elr_el1, x6
        msr     spsr_el1, x7
        ldp     x6, x7, [x16, #64]
        msr     sp_el0, x6
        mov     sp, x7
        ldp     x0, x1, [x16]
        ldp     x2, x3, [x16, #16]
        ldp     x4, x5, [x16, #32]
        // run.c looks whether they are as they were: whoever executes this may need registers of his own.
        .irp    n, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
        movz    x\n, #(0x5a00 + \n)
        movk    x\n, #(0xa500 + \n), lsl #48
        .endr
        eret

        .balign 0x800
vectors_probe:
        .set    number, 0
        .rept   16
        .balign 0x80
        msr     tpidr_el1, x0
        adrp    x0, record
        add     x0, x0, :lo12:record
        stp     x1, x2, [x0, #8]
        mov     x1, #(number * 0x80)
        b       leave_probe
        .set    number, number + 1
        .endr

leave_probe:
        stp     x3, x4, [x0, #24]
        stp     x5, x6, [x0, #40]
        stp     x7, x8, [x0, #56]
        stp     x9, x10, [x0, #72]
        stp     x11, x12, [x0, #88]
        stp     x13, x14, [x0, #104]
        stp     x15, x16, [x0, #120]
        stp     x17, x18, [x0, #136]
        stp     x19, x20, [x0, #152]
        stp     x21, x22, [x0, #168]
        stp     x23, x24, [x0, #184]
        stp     x25, x26, [x0, #200]
        stp     x27, x28, [x0, #216]
        stp     x29, x30, [x0, #232]
        str     x1, [x0, #248]
        mrs     x1, tpidr_el1
        str     x1, [x0]
        mrs     x1, esr_el1
        mrs     x2, far_el1
        stp     x1, x2, [x0, #256]
        mrs     x1, elr_el1
        mrs     x2, spsr_el1
        stp     x1, x2, [x0, #272]
        mrs     x1, sp_el0
        mov     x2, sp
        stp     x1, x2, [x0, #288]
back_to_probe:
        adrp    x16, resume_sp
        add     x16, x16, :lo12:resume_sp
        ldr     x0, [x16]
        ldr     x1, [x16, #8]
        msr     vbar_el1, x1
        msr     daifset, #0xf
        isb
        mov     sp, x0
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

// Vectors whose handlers take an exception of their own: x2 has the first vectors, BRK says which one it was.
        .balign 0x800
vectors_second:
        .set    number, 0
        .rept   16
        .balign 0x80
        msr     vbar_el1, x2
        isb
        mrs     x9, elr_el1
        mrs     x10, esr_el1
        mrs     x11, spsr_el1
        brk     #(0x100 + number)
        b       .
        .set    number, number + 1
        .endr

        .bss
        .balign 16
resume_sp:
        .quad   0, 0
        .global record
record: .space  304
