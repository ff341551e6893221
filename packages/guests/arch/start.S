// Entry of the architecture image: Image header, BSS, stack; main() learns the level that we are at.
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
        adrp    x0, bss_start
        adrp    x1, bss_end
1:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    1b
        adrp    x0, runner_stack_top
        mov     sp, x0
        mrs     x0, CurrentEL
        lsr     x0, x0, #2
        bl      main

// PSCI SYSTEM_OFF: by HVC where there is no EL2, else by SMC.
        .global power_off
power_off:
        mrs     x1, CurrentEL
        mov     w0, #8
        movk    w0, #0x8400, lsl #16
        cmp     x1, #8
        b.eq    1f
        hvc     #0
        b       .
1:      smc     #0
        b       .
