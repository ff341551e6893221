// What every test slot calls: load a register state, and save one. Position independent; copied to the first page of the batch.
// Offsets are those of `batch.ts`.

        .equ    SP_, 248
        .equ    NZCV, 256
        .equ    FPCR, 264
        .equ    FPSR, 272
        .equ    TAKEN, 284
        .equ    NEXT, 288
        .equ    V, 304

        .text
        .global routines
        .global routinesEnd
routines:
        b       load
        b       save
        b       saveTaken
        b       finish

load:                                   // X0: the block
        ldr     x1, [x0, #NZCV]
        msr     nzcv, x1
        ldr     x1, [x0, #FPCR]
        msr     fpcr, x1
        ldr     x1, [x0, #FPSR]
        msr     fpsr, x1
        ldr     x1, [x0, #SP_]
        mov     sp, x1
        clrex
        add     x1, x0, #V
        ldp     q0, q1, [x1, #0]
        ldp     q2, q3, [x1, #32]
        ldp     q4, q5, [x1, #64]
        ldp     q6, q7, [x1, #96]
        ldp     q8, q9, [x1, #128]
        ldp     q10, q11, [x1, #160]
        ldp     q12, q13, [x1, #192]
        ldp     q14, q15, [x1, #224]
        ldp     q16, q17, [x1, #256]
        ldp     q18, q19, [x1, #288]
        ldp     q20, q21, [x1, #320]
        ldp     q22, q23, [x1, #352]
        ldp     q24, q25, [x1, #384]
        ldp     q26, q27, [x1, #416]
        ldp     q28, q29, [x1, #448]
        ldp     q30, q31, [x1, #480]
        ldp     x2, x3, [x0, #16]
        ldp     x4, x5, [x0, #32]
        ldp     x6, x7, [x0, #48]
        ldp     x8, x9, [x0, #64]
        ldp     x10, x11, [x0, #80]
        ldp     x12, x13, [x0, #96]
        ldp     x14, x15, [x0, #112]
        ldp     x16, x17, [x0, #128]
        ldp     x18, x19, [x0, #144]
        ldp     x20, x21, [x0, #160]
        ldp     x22, x23, [x0, #176]
        ldp     x24, x25, [x0, #192]
        ldp     x26, x27, [x0, #208]
        ldp     x28, x29, [x0, #224]
        ldp     x0, x1, [x0]
        ret

saveTaken:                              // X30: the block; TPIDR_EL0: X30
        stp     x0, x1, [x30]
        mov     w0, #1
        b       1f
save:
        stp     x0, x1, [x30]
        mov     w0, #0
1:      str     w0, [x30, #TAKEN]
        stp     x2, x3, [x30, #16]
        stp     x4, x5, [x30, #32]
        stp     x6, x7, [x30, #48]
        stp     x8, x9, [x30, #64]
        stp     x10, x11, [x30, #80]
        stp     x12, x13, [x30, #96]
        stp     x14, x15, [x30, #112]
        stp     x16, x17, [x30, #128]
        stp     x18, x19, [x30, #144]
        stp     x20, x21, [x30, #160]
        stp     x22, x23, [x30, #176]
        stp     x24, x25, [x30, #192]
        stp     x26, x27, [x30, #208]
        stp     x28, x29, [x30, #224]
        mrs     x0, tpidr_el0
        str     x0, [x30, #240]
        mov     x0, sp
        str     x0, [x30, #SP_]
        mrs     x0, nzcv
        str     x0, [x30, #NZCV]
        mrs     x0, fpcr
        str     x0, [x30, #FPCR]
        mrs     x0, fpsr
        str     x0, [x30, #FPSR]
        add     x1, x30, #V
        stp     q0, q1, [x1, #0]
        stp     q2, q3, [x1, #32]
        stp     q4, q5, [x1, #64]
        stp     q6, q7, [x1, #96]
        stp     q8, q9, [x1, #128]
        stp     q10, q11, [x1, #160]
        stp     q12, q13, [x1, #192]
        stp     q14, q15, [x1, #224]
        stp     q16, q17, [x1, #256]
        stp     q18, q19, [x1, #288]
        stp     q20, q21, [x1, #320]
        stp     q22, q23, [x1, #352]
        stp     q24, q25, [x1, #384]
        stp     q26, q27, [x1, #416]
        stp     q28, q29, [x1, #448]
        stp     q30, q31, [x1, #480]
        ldr     x0, [x30, #NEXT]
        br      x0

finish:                                 // the batch lies in a shared mapping: there is nothing left to write
        mov     x0, #0
        mov     x8, #94
        svc     #0
routinesEnd:
