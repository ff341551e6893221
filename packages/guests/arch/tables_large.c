// Tables with the 16 KiB and the 64 KiB granule, 48-bit addresses: level 0 has 2 entries there, level 1
// has 64 here (DDI 0487 D8.2.9, D8.2.10).
#include "arch.h"

#define MEMORY(size, name) __attribute__((aligned(size), section(name)))
#define TABLE16K MEMORY(0x4000, ".bss.table16k")
#define TABLE64K MEMORY(0x10000, ".bss.table64k")

u64 root16k[2048] TABLE16K, root64k[64] TABLE64K;
static u64 level1_16k[2048] TABLE16K, level2_16k[2][2048] TABLE16K, level3_16k[2][2048] TABLE16K;
static u64 level2_64k[2][8192] TABLE64K, level3_64k[2][8192] TABLE64K;
extern char image_start[], text_end[];

#define S1 (VALID | ATTR_NORMAL | SHARED | AF)
#define RO (AP_READ_ONLY | AP_EL0)

// 16 KiB: level 1 entries span 64 GiB, level 2 32 MiB, level 3 16 KiB. The places are in [64, 128) GiB.
#define P16(n) (64 * GIB + (n) * 32 * MIB)
const struct place places16k[] = {
    {"translation-0", 1ul << 47, 0, 0},
    {"translation-1", 128 * GIB, 1, 0},
    {"translation-2", P16(0), 2, 0},
    {"translation-3", P16(1), 3, 0},
    {"address-size-1", 192 * GIB, 1, TOO_HIGH | TABLE},
    {"address-size-2", P16(2), 2, S1 | AP_EL0 | TOO_HIGH},
    {"address-size-3", P16(1) + 16 * KIB, 3, S1 | PAGE | AP_EL0 | TOO_HIGH},
    {"access-flag-2", P16(3), 2, (S1 | AP_EL0 | 0x42000000) & ~AF},
    {"access-flag-3", P16(1) + 32 * KIB, 3, (S1 | PAGE | AP_EL0 | SCRATCH) & ~AF},
    {"read-only-2", P16(4), 2, S1 | RO | 0x42000000},
    {"read-only-3", P16(1) + 48 * KIB, 3, S1 | PAGE | RO | SCRATCH},
    {"privileged-3", P16(1) + 64 * KIB, 3, S1 | PAGE | SCRATCH},
    {NULL, 0, 0, 0},
};

// 64 KiB: level 1 entries span 4 TiB, level 2 512 MiB, level 3 64 KiB. The places are in [4, 8) TiB.
#define P64(n) (4096 * GIB + (n) * 512 * MIB)
const struct place places64k[] = {
    {"translation-1", 8192 * GIB, 1, 0},
    {"translation-2", P64(0), 2, 0},
    {"translation-3", P64(1), 3, 0},
    {"address-size-1", 12288 * GIB, 1, TOO_HIGH | TABLE},
    {"address-size-2", P64(2), 2, S1 | AP_EL0 | TOO_HIGH},
    {"address-size-3", P64(1) + 64 * KIB, 3, S1 | PAGE | AP_EL0 | TOO_HIGH},
    {"access-flag-2", P64(3) + 0x800000, 2, (S1 | AP_EL0 | GIB) & ~AF},
    {"access-flag-3", P64(1) + 128 * KIB, 3, (S1 | PAGE | AP_EL0 | SCRATCH) & ~AF},
    {"read-only-2", P64(4) + 0x800000, 2, S1 | RO | GIB},
    {"read-only-3", P64(1) + 192 * KIB, 3, S1 | PAGE | RO | SCRATCH},
    {"privileged-3", P64(1) + 256 * KIB, 3, S1 | PAGE | SCRATCH},
    {NULL, 0, 0, 0},
};

// Page by page; a page that has text in it is executable.
static void map_image(u64 *level3, u64 first, u64 granule, u64 mask) {
  for (u64 page = first; page < 0x40600000; page += granule) {
    u64 attributes = page < (u64)text_end ? RO : PXN | UXN;
    level3[(page / granule) & mask] = S1 | PAGE | attributes | page;
  }
}

static void build16k(void) {
  u64 *levels[] = {root16k, level1_16k, level2_16k[1], level3_16k[1]};
  root16k[0] = (u64)level1_16k | TABLE;
  level1_16k[0] = (u64)level2_16k[0] | TABLE;
  level1_16k[1] = (u64)level2_16k[1] | TABLE;
  level2_16k[0][0x40000000 / (32 * MIB)] = (u64)level3_16k[0] | TABLE;
  level2_16k[1][1] = (u64)level3_16k[1] | TABLE;
  map_image(level3_16k[0], (u64)image_start, 16 * KIB, 2047);
  for (const struct place *p = places16k; p->name; p++) {
    levels[p->level][(p->address >> (47 - 11 * p->level)) & 2047] = p->descriptor;
  }
}

static void build64k(void) {
  u64 *levels[] = {NULL, root64k, level2_64k[1], level3_64k[1]};
  root64k[0] = (u64)level2_64k[0] | TABLE;
  root64k[1] = (u64)level2_64k[1] | TABLE;
  level2_64k[0][0x40000000 / (512 * MIB)] = (u64)level3_64k[0] | TABLE;
  level2_64k[1][1] = (u64)level3_64k[1] | TABLE;
  map_image(level3_64k[0], (u64)image_start, 64 * KIB, 8191);
  for (const struct place *p = places64k; p->name; p++) {
    u64 mask = p->level == 1 ? 63 : 8191;
    levels[p->level][(p->address >> (55 - 13 * p->level)) & mask] = p->descriptor;
  }
}

void build_large_tables(void) {
  build16k();
  build64k();
}
