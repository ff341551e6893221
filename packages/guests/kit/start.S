// Entry of an image of the kit: Image header, BSS, stack; main(level, device tree). Secondary CPUs come
// in at `secondary_entry` with their number in x0, as PSCI CPU_ON hands it on.

.macro stack_of number, temporary
        adrp    \temporary, stacks_top          // 16 KiB for each of four CPUs
        sub     \temporary, \temporary, \number, lsl #14
        mov     sp, \temporary
.endm

        .section .head, "ax"
        b       _start
        .long   0
        .quad   0                               // text_offset
        .quad   image_size
        .quad   0xa                             // little endian, 4 KiB pages
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

        .global _start
_start: msr     daifset, #0xf
        mov     x20, x0
        adrp    x0, bss_start
        adrp    x1, bss_end
1:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    1b
        stack_of xzr, x0
        mrs     x0, CurrentEL
        lsr     x0, x0, #2
        mov     x1, x20
        bl      kit_main
        b       .

        .global secondary_entry
secondary_entry:
        mrs     x2, daif                        // the state that PSCI promises, before we change it
        mrs     x3, CurrentEL
        mov     x4, x0
        and     x1, x0, #3
        stack_of x1, x5
        mrs     x1, mpidr_el1
        bl      secondary_main
        b       .

// s64 smccc_hvc(function, x1, x2, x3), s64 smccc_smc(...)
        .global smccc_hvc, smccc_smc
smccc_hvc:
        hvc     #0
        ret
smccc_smc:
        smc     #0
        ret
