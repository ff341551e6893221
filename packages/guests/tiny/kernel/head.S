// Entry: the Image header of the arm64 boot protocol, the drop from EL2 to EL1, and the MMU on.
// Until `high`, everything here runs at physical addresses: only PC-relative references are used.
#include "arm.h"
#include "memlayout.h"

        .section .head, "ax"
image_header:
        b       _start                          // code0, code1
        .long   0
        .quad   0                               // text_offset: 2 MiB-aligned, as QEMU places it
        .quad   image_size
        .quad   0xa                             // little endian, 4 KiB pages, anywhere in memory
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .long   0

// x0 = device tree. x19 = device tree, x20 = the exception level that we were entered at.
        .global _start
_start:
        msr     daifset, #0xf
        mov     x19, x0
        mrs     x20, CurrentEL
        lsr     x20, x20, #2
        adr     x0, image_header
        mov     x1, #KERNEL_PHYSICAL
        cmp     x0, x1
        b.ne    misplaced
        cmp     x20, #2
        b.ne    1f
        adr     x1, 1f
        b       drop_to_el1
1:      msr     spsel, #1
        ldr     x0, =SCTLR_EL1_MMU_OFF
        msr     sctlr_el1, x0
        isb

        adrp    x0, bss_start
        adrp    x1, bss_end
2:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    2b

        adrp    x0, boot_stack + PAGE_SIZE
        mov     sp, x0
        mov     x0, x19
        bl      early_map
        bl      mmu_on

        ldr     x1, =high
        br      x1

// EL2 -> EL1: AArch64 below, no traps, no stage 2, EL1 sees the timers; returns to x1.
drop_to_el1:
        mov     x0, #(1 << 31)                  // HCR_EL2.RW
        msr     hcr_el2, x0
        isb
        mov     x0, #3                          // CNTHCTL_EL2.EL1PCTEN, EL1PCEN
        msr     cnthctl_el2, x0
        msr     cntvoff_el2, xzr
        mov     x0, #0x33ff                     // CPTR_EL2: RES1 bits, no trap
        msr     cptr_el2, x0
        msr     hstr_el2, xzr
        msr     vttbr_el2, xzr
        mrs     x0, midr_el1
        msr     vpidr_el2, x0
        mrs     x0, mpidr_el1
        msr     vmpidr_el2, x0
        mov     x0, #(SPSR_DAIF | SPSR_EL1H)
        msr     spsr_el2, x0
        msr     elr_el2, x1
        eret

// Turns translation on with the tables that early_map() built.
mmu_on:
        ldr     x0, =MAIR_EL1_VALUE
        msr     mair_el1, x0
        ldr     x0, =TCR_EL1_VALUE
        mrs     x1, id_aa64mmfr0_el1
        and     x1, x1, #7                      // PARange: TCR_EL1.IPS has the same encoding
        cmp     x1, #5                          // 48 bits is the most that 4 KiB descriptors hold
        mov     x2, #5
        csel    x1, x1, x2, ls
        orr     x0, x0, x1, lsl #TCR_EL1_IPS_SHIFT
        msr     tcr_el1, x0
        adrp    x0, identity_l1
        msr     ttbr0_el1, x0
        adrp    x0, kernel_l1
        msr     ttbr1_el1, x0
        dsb     sy
        tlbi    vmalle1
        ic      iallu
        dsb     sy
        isb
        ldr     x0, =SCTLR_EL1_MMU_ON
        msr     sctlr_el1, x0
        isb
        ret

// Virtual addresses from here: the identity map has done its work.
high:
        adrp    x0, empty_l1
        and     x0, x0, #0xffffffff             // physical: KERNEL_BASE has its low 39 bits clear
        msr     ttbr0_el1, x0
        isb
        tlbi    vmalle1
        dsb     nsh
        isb
        ldr     x0, =vectors
        msr     vbar_el1, x0
        adrp    x0, boot_stack + PAGE_SIZE
        mov     sp, x0
        mov     x29, xzr
        mov     x0, x19
        mov     x1, x20
        bl      main
        b       .

// Loaded at an address that the kernel is not linked for: say so on the PL011, then stop.
misplaced:
        adr     x0, misplaced_text
        mov     x1, #UART_PHYSICAL
1:      ldrb    w2, [x0], #1
        cbz     w2, 2f
        str     w2, [x1]
        b       1b
2:      wfi
        b       2b
misplaced_text:
        .asciz  "tiny: must be loaded at 0x40200000\r\n"
        .balign 4
        .ltorg
