// Into a case, and back: enter() returns when an exception reaches the runner's level. The handlers
// use no stack, so that a case may break its own. DDI 0487 D1.3.1: vector offsets.
//
// At the runner's level the vectors fill `record` (struct record in run.c). Below an EL2 runner the EL1
// vectors only call: HVC #(0x100 + vector number), and EL2 reads EL1's registers.

.macro enter_from el
        .global enter_\el
// void enter_elN(const struct context *): x0, x1, PC, SPSR, and the stack pointer below
enter_\el:
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
        ldp     x2, x3, [x0, #16]
        msr     elr_\el, x2
        msr     spsr_\el, x3
        ldr     x2, [x0, #32]
        msr     sp_el0, x2
        .ifc    \el, el2
        msr     sp_el1, x2
        .endif
        ldp     x0, x1, [x0]
        mov     x3, x1
        eret

        .balign 0x800
        .global vectors_\el
vectors_\el:
        .set    number, 0
        .rept   16
        .balign 0x80
        mov     x16, #(number * 0x80)
        b       leave_\el
        .set    number, number + 1
        .endr

leave_\el:
        adrp    x17, record
        add     x17, x17, :lo12:record
        stp     x0, x16, [x17]
        mrs     x0, esr_\el
        mrs     x1, far_\el
        stp     x0, x1, [x17, #16]
        mrs     x0, elr_\el
        mrs     x1, spsr_\el
        stp     x0, x1, [x17, #32]
        adrp    x16, resume_sp
        add     x16, x16, :lo12:resume_sp
        ldr     x0, [x16]
        cbz     x0, runner_failed               // no case runs: this is a mistake of ours
        mov     sp, x0
        str     xzr, [x16]
        msr     daifset, #0xf
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret
.endm

.macro calling_vectors name, instruction
        .balign 0x800
        .global \name
\name:
        .set    number, 0
        .rept   16
        .balign 0x80
        \instruction #(0x100 + number)
        b       .
        .set    number, number + 1
        .endr
.endm

        .text
        enter_from el1
        enter_from el2
        calling_vectors vectors_hvc, hvc
        calling_vectors vectors_smc, smc        // for cases in which HVC is disabled

        .bss
        .balign 8
        .global resume_sp
resume_sp:
        .quad   0
