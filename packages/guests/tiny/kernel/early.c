// The first page tables, built with the MMU off (DDI 0487 D8.2). Nothing that is mapped here is ever
// changed, so no break-before-make is needed: later code only adds entries.
// This file runs at physical addresses: symbols are reached PC-relative, and no pointer is stored.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

#define TABLE __attribute__((aligned(PAGE_SIZE), section(".bss.page")))

u64 kernel_l1[512] TABLE;   // TTBR1_EL1
u64 device_l2[512] TABLE;   // the first GiB: devices
u64 ram_l2[512] TABLE;      // the second GiB: RAM
u64 kernel_l3[512] TABLE;   // the 2 MiB of the kernel's image
u64 identity_l1[512] TABLE; // TTBR0_EL1 while the MMU goes on
u64 empty_l1[512] TABLE;    // TTBR0_EL1 while there is no process
char boot_stack[PAGE_SIZE] TABLE;

#define DEVICE (PTE_VALID | PTE_AF | ATTR_DEVICE | PTE_PXN | PTE_UXN)
#define NORMAL (PTE_VALID | PTE_AF | ATTR_NORMAL | PTE_INNER_SHAREABLE | PTE_UXN)

static void map_device(u64 physical) {
  device_l2[physical / BLOCK_SIZE] = (physical & -BLOCK_SIZE) | DEVICE;
}

// Also called later, with the MMU on, for the RAM that the device tree describes.
void map_ram_block(u64 physical) {
  u64 *entry = &ram_l2[(physical - RAM_BASE) / BLOCK_SIZE];
  if (*entry == 0) *entry = (physical & -BLOCK_SIZE) | NORMAL | PTE_PXN;
}

static void map_image(void) {
  u64 page = (u64)image_start;
  for (u64 i = 0; page < (u64)image_end; i++, page += PAGE_SIZE) {
    u64 attributes = NORMAL | PTE_PXN;
    if (page < (u64)text_end) attributes = NORMAL | PTE_READ_ONLY;
    else if (page < (u64)rodata_end) attributes |= PTE_READ_ONLY;
    kernel_l3[i] = page | attributes | PTE_PAGE;
  }
  ram_l2[(KERNEL_PHYSICAL - RAM_BASE) / BLOCK_SIZE] = (u64)kernel_l3 | PTE_VALID | PTE_TABLE;
}

void early_map(u64 device_tree) {
  kernel_l1[0] = (u64)device_l2 | PTE_VALID | PTE_TABLE;
  kernel_l1[1] = (u64)ram_l2 | PTE_VALID | PTE_TABLE;
  map_device(GICD_PHYSICAL);
  map_device(UART_PHYSICAL);
  map_image();
  map_ram_block(RAM_BASE); // a loader of ELF files leaves the device tree here, and not in x0
  if (device_tree >= RAM_BASE && device_tree < RAM_LIMIT - 2 * BLOCK_SIZE) {
    map_ram_block(device_tree);
    map_ram_block(device_tree + BLOCK_SIZE); // it may cross into the next block
  }
  identity_l1[1] = RAM_BASE | NORMAL | PTE_READ_ONLY;
}
