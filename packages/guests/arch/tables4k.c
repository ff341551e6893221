// Tables with the 4 KiB granule, 48-bit addresses, walks from level 0: one set for the EL1&0 and the
// EL2 regime (where EL0's bits mean nothing), one for stage 2 (DDI 0487 D8.2, D8.3).
#include "arch.h"

#define TABLE_MEMORY __attribute__((aligned(PAGE_SIZE), section(".bss.table")))
#define POOL 40

u64 root4k[512] TABLE_MEMORY, stage2_root[512] TABLE_MEMORY;
static u64 pool[POOL][512] TABLE_MEMORY;
static u32 pool_used;
extern char image_start[], text_end[];

#define S1 (VALID | ATTR_NORMAL | SHARED | AF)
#define RO (AP_READ_ONLY | AP_EL0) // both levels read, and execute unless forbidden
#define RW AP_EL0                  // both levels
#define IN_GIB 0x800000ul          // in a 1 GiB block: SCRATCH

// Addresses of the places: 2 to 15 GiB, with 2 MiB blocks in the 6th and pages in the 7th.
#define IN_BLOCK(n) (6 * GIB + (n) * 2 * MIB)
#define IN_PAGE(n) (7 * GIB + (n) * PAGE_SIZE)
#define IN_TABLE(n) (8 * GIB + (n) * 2 * MIB)

const struct place stage1_places[] = {
    {"translation-0", 1ul << 39, 0, 0},
    {"translation-1", 2 * GIB + IN_GIB, 1, 0},
    {"translation-2", IN_BLOCK(0), 2, 0},
    {"translation-3", IN_PAGE(0), 3, 0},
    {"reserved-3", IN_PAGE(1), 3, S1 | RW | SCRATCH}, // bit 1 is clear: no page
    {"address-size-0", 2ul << 39, 0, TOO_HIGH | TABLE},
    {"address-size-1", 3 * GIB + IN_GIB, 1, S1 | RW | TOO_HIGH},
    {"address-size-2", IN_BLOCK(1), 2, S1 | RW | TOO_HIGH},
    {"address-size-3", IN_PAGE(2), 3, S1 | PAGE | RW | TOO_HIGH},
    {"access-flag-1", 4 * GIB + IN_GIB, 1, (S1 | RW | GIB) & ~AF},
    {"access-flag-2", IN_BLOCK(2), 2, (S1 | RW | SCRATCH) & ~AF},
    {"access-flag-3", IN_PAGE(3), 3, (S1 | PAGE | RW | SCRATCH) & ~AF},
    {"privileged-1", 5 * GIB + IN_GIB, 1, S1 | GIB},
    {"privileged-2", IN_BLOCK(3), 2, S1 | SCRATCH},
    {"privileged-3", IN_PAGE(4), 3, S1 | PAGE | SCRATCH},
    {"read-only-1", 9 * GIB + IN_GIB, 1, S1 | RO | GIB},
    {"read-only-2", IN_BLOCK(4), 2, S1 | RO | SCRATCH},
    {"read-only-3", IN_PAGE(5), 3, S1 | PAGE | RO | SCRATCH},
    {"read-only-privileged-3", IN_PAGE(6), 3, S1 | PAGE | AP_READ_ONLY | SCRATCH},
    {"read-write-3", IN_PAGE(7), 3, S1 | PAGE | RW | SCRATCH},
    {"uxn-3", IN_PAGE(8), 3, S1 | PAGE | RO | UXN | SCRATCH},
    {"pxn-3", IN_PAGE(9), 3, S1 | PAGE | RO | PXN | SCRATCH},
    {"uxn-pxn-1", 10 * GIB + IN_GIB, 1, S1 | RW | UXN | PXN | GIB},
    {"uxn-pxn-2", IN_BLOCK(5), 2, S1 | RW | UXN | PXN | SCRATCH},
    {"table-read-only", IN_TABLE(0), 3, S1 | PAGE | RW | SCRATCH},
    {"table-no-el0", IN_TABLE(1), 3, S1 | PAGE | RO | SCRATCH},
    {"table-uxn", IN_TABLE(2), 3, S1 | PAGE | RO | SCRATCH},
    {"table-pxn", IN_TABLE(3), 3, S1 | PAGE | RO | SCRATCH},
    {"external", IN_PAGE(10), 3, S1 | PAGE | RW | NOWHERE},
    {"external-code", IN_PAGE(12), 3, S1 | PAGE | RO | NOWHERE},
    {"device-3", IN_PAGE(11), 3, ((S1 | PAGE | RW | UXN | PXN | SCRATCH) & ~ATTR_NORMAL) | ATTR_DEVICE},
    {"before-nothing-3", IN_PAGE(13), 3, S1 | PAGE | RW | SCRATCH},
    {"external-walk-1", 3ul << 39, 0, NOWHERE | TABLE},
    {"external-walk-2", 11 * GIB, 1, NOWHERE | TABLE},
    {"external-walk-3", IN_BLOCK(6), 2, NOWHERE | TABLE},
    {"top-of-table", (1ul << 48) - PAGE_SIZE, 0, 0},
    {"hole-low", 1ul << 48, 4, 0},
    {"hole-high", ~0ul << 48 ^ 1ul << 50, 4, 0},
    {"upper-half", ~0ul << 48, 4, 0}, // TTBR1_EL1: a table of nothing
    {NULL, 0, 0, 0},
};

#define S2 (VALID | 0xful << 2 | SHARED | AF) // MemAttr: Normal write-back
#define S2_RO (1ul << 6)
#define S2_WO (2ul << 6)
#define S2_RW (3ul << 6)

const struct place stage2_places[] = {
    {"translation-0", IPA_OF_LEVEL_0, 0, 0},
    {"translation-1", 2 * GIB, 1, 0},
    {"translation-2", IN_BLOCK(0), 2, 0},
    {"translation-3", IN_PAGE(0), 3, 0},
    {"reserved-3", IN_PAGE(1), 3, S2 | S2_RW | SCRATCH},
    {"address-size-1", 3 * GIB, 1, S2 | S2_RW | TOO_HIGH_STAGE2},
    {"address-size-2", IN_BLOCK(1), 2, S2 | S2_RW | TOO_HIGH_STAGE2},
    {"address-size-3", IN_PAGE(2), 3, S2 | PAGE | S2_RW | TOO_HIGH_STAGE2},
    {"access-flag-1", 4 * GIB, 1, (S2 | S2_RW | GIB) & ~AF},
    {"access-flag-2", IN_BLOCK(2), 2, (S2 | S2_RW | SCRATCH) & ~AF},
    {"access-flag-3", IN_PAGE(3), 3, (S2 | PAGE | S2_RW | SCRATCH) & ~AF},
    {"no-access-1", 5 * GIB, 1, S2 | GIB},
    {"no-access-2", IN_BLOCK(3), 2, S2 | SCRATCH},
    {"no-access-3", IN_PAGE(4), 3, S2 | PAGE | SCRATCH},
    {"read-only-3", IN_PAGE(5), 3, S2 | PAGE | S2_RO | SCRATCH},
    {"write-only-3", IN_PAGE(6), 3, S2 | PAGE | S2_WO | SCRATCH},
    {"execute-never-3", IN_PAGE(7), 3, S2 | PAGE | S2_RW | UXN | SCRATCH},
    {"read-write-3", IN_PAGE(8), 3, S2 | PAGE | S2_RW | SCRATCH},
    {"device-3", IN_PAGE(9), 3, (S2 | PAGE | S2_RW | UXN | SCRATCH) & ~(0xful << 2)},
    {"external", IN_PAGE(10), 3, S2 | PAGE | S2_RW | NOWHERE},
    {"external-walk-3", IN_BLOCK(6), 2, NOWHERE | TABLE},
    {"address-size-0", 2 * IPA_OF_LEVEL_0, 0, TOO_HIGH_STAGE2 | TABLE},
    {"external-walk-1", 3 * IPA_OF_LEVEL_0, 0, NOWHERE | TABLE},
    {"external-walk-2", 11 * GIB, 1, NOWHERE | TABLE},
    {"read-only-1", 12 * GIB, 1, S2 | S2_RO | GIB},
    {"read-only-2", IN_BLOCK(4), 2, S2 | S2_RO | SCRATCH},
    {"execute-never-1", 13 * GIB, 1, S2 | S2_RW | UXN | GIB},
    {"execute-never-2", IN_BLOCK(5), 2, S2 | S2_RW | UXN | SCRATCH},
    {"device-read-only-3", IN_PAGE(11), 3, (S2 | PAGE | S2_RO | UXN | SCRATCH) & ~(0xful << 2)},
    {NULL, 0, 0, 0},
};

#define ORDER(n) (ORDER_PLACES + (n) * PAGE_SIZE)
#define DEVICE_PAGE (((S1 | PAGE | UXN | PXN) & ~ATTR_NORMAL) | ATTR_DEVICE)
// Each has several reasons to fault, in one stage or in both: for order.c.
const struct place order_places[] = {
    {"read-only-over-translation", ORDER(0), 3, S1 | PAGE | RO | UXN | 2 * GIB},
    {"access-flag-over-translation", ORDER(1), 3, (S1 | PAGE | RW | 2 * GIB) & ~AF},
    {"access-flag-and-read-only", ORDER(2), 3, (S1 | PAGE | AP_READ_ONLY | SCRATCH) & ~AF},
    {"address-size-and-access-flag", ORDER(3), 3, (S1 | PAGE | RW | TOO_HIGH_STAGE2) & ~AF},
    {"device-read-only", ORDER(4), 3, DEVICE_PAGE | RO | SCRATCH},
    {"device-privileged", ORDER(5), 3, DEVICE_PAGE | SCRATCH},
    {"device-over-read-only", ORDER(6), 3, DEVICE_PAGE | RW | IN_PAGE(5)},
    {"device-over-translation", ORDER(7), 3, DEVICE_PAGE | RW | IN_PAGE(0)},
    {"before-stage2-translation", ORDER(8), 3, S1 | PAGE | RW | SCRATCH},
    {"stage2-translation", ORDER(9), 3, S1 | PAGE | RW | IN_PAGE(0)},
    {"before-read-only", ORDER(10), 3, S1 | PAGE | RW | SCRATCH},
    {"read-only", ORDER(11), 3, S1 | PAGE | RO | UXN | SCRATCH},
    {"normal-over-device-read-only", ORDER(12), 3, S1 | PAGE | RW | IN_PAGE(11)},
    {NULL, 0, 0, 0},
};

u64 offset_in_windows(const struct place *place) {
  u64 tables = place->address / IPA_OF_LEVEL_0;
  return tables ? (63 + tables) * GIB : place->address;
}

// Writes the descriptor of an address at a level, making the tables above it.
static u64 *set(u64 *root, u64 address, u32 level, u64 descriptor) {
  u64 *table = root;
  for (u32 at = 0; at < level; at++) {
    u64 *entry = &table[(address >> (39 - 9 * at)) & 511];
    if (*entry == 0) *entry = (u64)pool[pool_used++] | TABLE;
    table = (u64 *)(*entry & 0xfffffffff000);
  }
  u64 *entry = &table[(address >> (39 - 9 * level)) & 511];
  *entry = descriptor;
  return entry;
}

static void set_all(u64 *root, const struct place *places) {
  for (; places->name; places++) {
    if (places->level < 4) set(root, places->address, places->level, places->descriptor);
  }
}

// The image, the devices, and the hierarchical bits of the tables over IN_TABLE's pages.
static void build_stage1(void) {
  set_all(root4k, stage1_places);
  set_all(root4k, order_places);
  static const u64 bits[] = {AP_TABLE_READ_ONLY, AP_TABLE_NO_EL0, UXN_TABLE, PXN_TABLE};
  for (u32 i = 0; i < ARRAY_LENGTH(bits); i++) {
    u64 *table = (u64 *)(root4k[0] & 0xfffffffff000);
    table = (u64 *)(table[8] & 0xfffffffff000);
    table[i] |= bits[i];
  }
  for (u64 page = (u64)image_start; page < 0x40600000; page += PAGE_SIZE) {
    u64 attributes = page < (u64)text_end ? RO : PXN | UXN;
    set(root4k, page, 3, S1 | PAGE | attributes | page);
  }
  u64 device = VALID | ATTR_DEVICE | AF | PXN | UXN;
  set(root4k, GICD, 2, device | GICD);
  set(root4k, UART, 2, device | UART);
  for (u64 i = 0; i < 64; i++) {
    set(root4k, WINDOW + i * GIB, 1, S1 | RW | i * GIB);
    set(root4k, CODE_WINDOW + i * GIB, 1, S1 | RO | i * GIB);
  }
  for (u64 i = 1; i < 4; i++) {
    set(root4k, WINDOW + (63 + i) * GIB, 1, S1 | RW | i * IPA_OF_LEVEL_0);
    set(root4k, CODE_WINDOW + (63 + i) * GIB, 1, S1 | RO | i * IPA_OF_LEVEL_0);
  }
  for (u32 i = 0; stage2_places[i].name; i++) {
    set(root4k, WALK_PLACES + i * GIB, 1, stage2_places[i].address | TABLE);
  }
}

void build_tables(void) {
  build_stage1();
  set_all(stage2_root, stage2_places);
  set(stage2_root, 0x40200000, 2, S2 | S2_RW | 0x40200000);
  set(stage2_root, 0x40400000, 2, S2 | S2_RW | 0x40400000);
  set(stage2_root, SCRATCH, 2, S2 | S2_RW | SCRATCH);
  set(stage2_root, UART, 2, VALID | S2_RW | AF | UXN | UART);
}
