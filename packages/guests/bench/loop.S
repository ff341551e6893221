// The loop of `shared` and `apart`, copied to where it runs: u64 loop(u64 times, u64 *data).
        .section .rodata
        .global loop_start, loop_end
        .balign 8
loop_start:
        ldr     x2, [x1]
        add     x2, x2, x0
        str     x2, [x1]
        ldr     x3, [x1, #8]
        eor     x3, x3, x2, ror #7
        str     x3, [x1, #8]
        ldr     x4, [x1, #16]
        add     x4, x4, x3, lsl #1
        str     x4, [x1, #16]
        subs    x0, x0, #1
        b.ne    loop_start
        eor     x0, x2, x4
        ret
        .balign 8
loop_end:
