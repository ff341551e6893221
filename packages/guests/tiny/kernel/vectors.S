// The exception vectors (DDI 0487 D1.3.1) and the trap frame: every exception saves all of it on the
// kernel stack (struct trap_frame in kernel.h), calls its function in trap.c, and restores.

#define FRAME_SIZE 272

.macro save_frame
        sub     sp, sp, #FRAME_SIZE
        stp     x0, x1, [sp, #0]
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
        mrs     x21, sp_el0
        mrs     x22, elr_el1
        mrs     x23, spsr_el1
        stp     x30, x21, [sp, #240]
        stp     x22, x23, [sp, #256]
        mov     x0, sp
.endm

.macro restore_frame
        ldp     x22, x23, [sp, #256]
        ldp     x30, x21, [sp, #240]
        msr     sp_el0, x21
        msr     elr_el1, x22
        msr     spsr_el1, x23
        ldp     x0, x1, [sp, #0]
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
        add     sp, sp, #FRAME_SIZE
        eret
.endm

.macro vector target
        .balign 0x80
        b       \target
.endm

        .text
        .balign 0x800
        .global vectors
vectors:
        vector  unexpected                      // current EL with SP_EL0
        vector  unexpected
        vector  unexpected
        vector  unexpected
        vector  el1_sync                        // current EL with SP_EL1
        vector  el1_irq
        vector  unexpected
        vector  unexpected
        vector  el0_sync                        // EL0, AArch64
        vector  el0_irq
        vector  unexpected
        vector  unexpected
        vector  unexpected                      // EL0, AArch32: tiny starts none
        vector  unexpected
        vector  unexpected
        vector  unexpected

el0_sync:
        save_frame
        bl      trap_el0_sync
        b       return_to_user
el0_irq:
        save_frame
        bl      trap_el0_irq
// A process's way out; a new one starts here (process.c).
        .global return_to_user
return_to_user:
        restore_frame

el1_sync:
        save_frame
        bl      trap_el1_sync
        restore_frame
el1_irq:
        save_frame
        bl      trap_el1_irq
        restore_frame
unexpected:
        save_frame
        bl      trap_unexpected
        b       .
