// The kernel's accesses that may fault. User memory is reached with LDTR and STTR, which have EL0's
// permissions (DDI 0487 C3.2.5). An abort between uaccess_start and uaccess_end continues at
// uaccess_fault if vm_fault() cannot mend it: the function then returns -1. See trap.c.
#include "memlayout.h"

        .text
        .global uaccess_start, uaccess_end, uaccess_fault
uaccess_start:

// int copy_from_user(void *to, u64 from, u64 count)
        .global copy_from_user
copy_from_user:
1:      cmp     x2, #8
        b.lo    2f
        ldtr    x3, [x1]
        str     x3, [x0], #8
        add     x1, x1, #8
        sub     x2, x2, #8
        b       1b
2:      cbz     x2, done
        ldtrb   w3, [x1]
        strb    w3, [x0], #1
        add     x1, x1, #1
        sub     x2, x2, #1
        b       2b

// int copy_to_user(u64 to, const void *from, u64 count)
        .global copy_to_user
copy_to_user:
1:      cmp     x2, #8
        b.lo    2f
        ldr     x3, [x1], #8
        sttr    x3, [x0]
        add     x0, x0, #8
        sub     x2, x2, #8
        b       1b
2:      cbz     x2, done
        ldrb    w3, [x1], #1
        sttrb   w3, [x0]
        add     x0, x0, #1
        sub     x2, x2, #1
        b       2b

// The probes of check.c, with EL1's permissions.
        .global probe_load, probe_store, probe_call
probe_load:
        ldr     w0, [x0]
        b       done
probe_store:
        ldr     w1, [x0]
        str     w1, [x0]                        // what was there, should the store succeed
        b       done
probe_call:
        stp     x29, x30, [sp, #-16]!
        blr     x0                              // an abort at the target returns -1 to here
        ldp     x29, x30, [sp], #16
        ret

done:   mov     w0, #0
        ret
uaccess_end:
uaccess_fault:
        mov     w0, #-1
        ret

// void zero_page(void *page): DC ZVA where the CPU allows it (DDI 0487 C5.3).
        .global zero_page
zero_page:
        add     x3, x0, #PAGE_SIZE
        mrs     x1, dczid_el0
        tbnz    x1, #4, 2f                      // DZP: prohibited
        mov     x2, #4
        lsl     x2, x2, x1                      // block size in bytes, from log2 of words
1:      dc      zva, x0
        add     x0, x0, x2
        cmp     x0, x3
        b.lo    1b
        ret
2:      stp     xzr, xzr, [x0], #16
        cmp     x0, x3
        b.lo    2b
        ret
