// The address space. Physical addresses are those of the `virt` board; translation is VMSAv8-64 with
// 4 KiB pages and 39-bit addresses in both halves (DDI 0487 D8.2), so walks start at level 1.
//
//   kernel half (TTBR1_EL1): one linear map, virtual = physical + KERNEL_BASE
//
//     ffff_ff80_0800_0000   GICD    2 MiB block, Device-nGnRnE, no execute
//     ffff_ff80_0801_0000   GICC      (in the same block)
//     ffff_ff80_0900_0000   PL011   2 MiB block, Device-nGnRnE, no execute
//     ffff_ff80_4000_0000   RAM     2 MiB blocks, read-write, no execute
//     ffff_ff80_4020_0000   kernel  4 KiB pages:  text    read-only, execute
//                                                 rodata  read-only, no execute
//                                                 data    read-write, no execute
//     ffff_ff80_4040_0000   page references, then pages for the allocator, to the end of RAM
//
//   user half (TTBR0_EL1, ASID = slot in the process table + 1)
//
//     00_0000_0000   nothing: null pointers fault
//     00_0001_0000   text and rodata (read-only, execute), then data and bss (read-write)
//     00_001f_0000   stack, down from 00_0020_0000; pages are given on first touch
//     00_0020_0000   heap, up to what sbrk asked for; pages are given on first touch
//     00_4000_0000   end
//
#pragma once

#define PAGE_SIZE 4096
#define BLOCK_SIZE 0x200000

#define KERNEL_BASE 0xffffff8000000000
#define RAM_BASE 0x40000000
#define RAM_LIMIT 0x80000000 // one level-2 table maps the RAM, so 1 GiB at most is used
#define KERNEL_PHYSICAL 0x40200000
#define FREE_MEMORY 0x40400000

#define GICD_PHYSICAL 0x08000000
#define GICC_PHYSICAL 0x08010000
#define UART_PHYSICAL 0x09000000

#define USER_TEXT 0x00010000
#define USER_STACK_LIMIT 0x001f0000
#define USER_STACK_TOP 0x00200000
#define USER_HEAP 0x00200000
#define USER_END 0x40000000

#ifndef __ASSEMBLER__
#define to_virtual(physical) ((void *)((u64)(physical) + KERNEL_BASE))
#define to_physical(virtual) ((u64)(virtual) - KERNEL_BASE)
#endif
