// The operations: each a loop that does one thing so many times, and the kernel's vectors, which do the least that a kernel
// must. A64 has no fault of a division by zero: BRK stands for it. DDI 0487 D1.3.1: vector offsets.
#include <arm.h>
#include <memlayout.h>

// void NAME(count, argument ...): a loop of the kernel.
.macro operation name
        .text
        .balign 64
        .global \name
\name:  mov     x12, x30
1:
.endm
.macro often
        sub     x0, x0, #1
        cbnz    x0, 1b
        mov     x30, x12
        ret
.endm

operation kernel_nothing
often

// A call and its return.
operation call_return
        bl      leaf
often
        .balign 64
leaf:   ret

// Interrupts are masked and unmasked: once of each.
operation mask_unmask
        msr     daifset, #2
        msr     daifclr, #2
often

// x1: a device's register.
operation device_read
        ldr     w9, [x1]
often

// x1: a descriptor in use, x2 and x3: what it may be, which differ in a bit that hardware leaves to software. Two stores.
operation descriptor_store
        str     x3, [x1]
        str     x2, [x1]
often

operation descriptor_load
        ldr     x9, [x1]
often

// x4: the page that it maps, x5: its number. Twice, a change is made known and used.
operation descriptor_change
        .irp    value, x3, x2
        str     \value, [x1]
        dsb     ishst
        tlbi    vaae1is, x5
        dsb     ish
        isb
        ldr     x9, [x4]
        .endr
often

// The user's page. Each loop ends with SVC #1.
        .section .text.user, "ax"
        .balign 4096
        .global user_page, user_nothing, system_call, first_touch, breakpoint
user_page:
user_nothing:
        sub     x0, x0, #1
        cbnz    x0, user_nothing
        svc     #1

        .balign 64
system_call:
        svc     #0
        sub     x0, x0, #1
        cbnz    x0, system_call
        svc     #1

// x1: the first of so many pages that are not there.
        .balign 64
first_touch:
        str     xzr, [x1]
        add     x1, x1, #1, lsl #12
        sub     x0, x0, #1
        cbnz    x0, first_touch
        svc     #1

        .balign 64
breakpoint:
        brk     #7
        sub     x0, x0, #1
        cbnz    x0, breakpoint
        svc     #1
        .balign 4096

// void in_user(count, argument, address): until SVC #1.
        .text
        .balign 64
        .global in_user
in_user:
        stp     x29, x30, [sp, #-16]!
        mov     x9, #SPSR_DAIF
        msr     spsr_el1, x9
        msr     elr_el1, x2
        eret

// X9 to X12 are the kernel's at any exception from EL0.
        .balign 64
from_user:
        mrs     x9, esr_el1
        lsr     x10, x9, #26
        cmp     x10, #EC_SVC64
        b.ne    1f
        tst     x9, #0xffff
        b.ne    3f
        eret
1:      cmp     x10, #EC_DATA_ABORT_LOWER
        b.ne    2f
        mrs     x9, far_el1
        ubfx    x9, x9, #12, #9
        adrp    x10, touched_l3
        ldr     x11, page_descriptor
        str     x11, [x10, x9, lsl #3]
        dsb     ishst
        eret
2:      cmp     x10, #EC_BRK
        b.ne    mistake
        mrs     x9, elr_el1
        add     x9, x9, #4
        msr     elr_el1, x9
        eret
3:      ldp     x29, x30, [sp], #16
        ret

        .balign 8
page_descriptor:                        // what is behind all pages: not global, for EL0 too, no execution
        .quad   touched_page - KERNEL_BASE + (PTE_VALID | PTE_PAGE | ATTR_NORMAL | PTE_EL0 | PTE_INNER_SHAREABLE | PTE_AF | PTE_NG) + (PTE_PXN | PTE_UXN)

        .balign 0x800
        .global vectors
vectors:
        .set    number, 0
        .rept   16
        .balign 0x80
        .if     number == 8
        b       from_user
        .else
        b       mistake
        .endif
        .set    number, number + 1
        .endr
