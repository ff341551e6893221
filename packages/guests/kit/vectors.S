// The vectors of each level: all registers into a frame on the level's own stack, then exception() in
// exceptions.c. And calls downwards: call_elN() runs a function at a lower level until it returns.
// DDI 0487 D1.3.1: vector offsets.

.macro vectors el
        .balign 0x800
        .global vectors_\el
vectors_\el:
        .set    number, 0
        .rept   16
        .balign 0x80
        sub     sp, sp, #304
        stp     x0, x1, [sp]
        mov     x0, #(number * 0x80)
        b       frame_\el
        .set    number, number + 1
        .endr

frame_\el:
        stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x1, elr_\el
        stp     x30, x1, [sp, #240]
        mrs     x1, spsr_\el
        mrs     x2, esr_\el
        stp     x1, x2, [sp, #256]
        mrs     x1, far_\el
        stp     x1, x0, [sp, #272]
        mrs     x1, CurrentEL
        lsr     x1, x1, #2
        str     x1, [sp, #288]
        mov     x0, sp
        bl      exception
        ldp     x30, x1, [sp, #240]
        msr     elr_\el, x1
        ldr     x1, [sp, #256]
        msr     spsr_\el, x1
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldp     x0, x1, [sp]
        add     sp, sp, #304
        eret

// u64 enter_below_elN(pc, spsr, stack pointer, x0): until exception() returns to `back_from_below`.
        .global enter_below_\el
enter_below_\el:
        stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        msr     elr_\el, x0
        msr     spsr_\el, x1
        .ifc    \el, el3
        msr     sp_el2, x2
        .endif
        .ifnc   \el, el1
        msr     sp_el1, x2
        .endif
        msr     sp_el0, x2
        mov     x0, x3
        eret
.endm

        .text
        vectors el1
        vectors el2
        vectors el3

        .global back_from_below
back_from_below:
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

// What a lower level runs: the function in x9, then the call that ends it.
        .global below_el0, below_el1
below_el0:
        ldp     x9, x0, [x0]
        blr     x9
        svc     #0x7ff
below_el1:
        ldp     x9, x0, [x0]
        blr     x9
        hvc     #0x7ff
