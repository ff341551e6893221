// The device tree (Devicetree Specification 0.4, chapter 5): finds /memory, /chosen and /psci.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

#define FDT_MAGIC 0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE 2
#define FDT_PROP 3
#define FDT_NOP 4
#define MAX_SIZE BLOCK_SIZE // early_map() has mapped at least this much

struct header {
  u32 magic, total_size, structure_offset, strings_offset, reserve_offset;
  u32 version, compatible_version, boot_cpu, strings_size, structure_size;
};

static u32 be32(const void *at) {
  return __builtin_bswap32(*(const u32 *)at);
}

// One or two cells, as 64 bits.
static u64 cells(const void *at, u32 bytes) {
  return bytes >= 8 ? (u64)be32(at) << 32 | be32((const u8 *)at + 4) : be32(at);
}

static void memory_property(const char *name, const u8 *value, u32 length) {
  if (strcmp(name, "reg") != 0 || boot.memory_size != 0) return;
  u32 half = length >= 16 ? 8 : 4; // #address-cells and #size-cells are both 2, or both 1
  if (length < 2 * half) return;
  boot.memory_base = cells(value, half);
  boot.memory_size = cells(value + half, half);
}

static void chosen_property(const char *name, const u8 *value, u32 length) {
  if (strcmp(name, "bootargs") == 0) copy_string(boot.bootargs, (const char *)value, sizeof(boot.bootargs));
  if (length < 4) return;
  if (strcmp(name, "linux,initrd-start") == 0) boot.initrd_start = cells(value, length);
  if (strcmp(name, "linux,initrd-end") == 0) boot.initrd_end = cells(value, length);
}

static void psci_property(const char *name, const u8 *value) {
  if (strcmp(name, "method") != 0) return;
  boot.psci = 1;
  boot.psci_smc = strcmp((const char *)value, "smc") == 0;
}

static int is_memory(const char *node) {
  return memcmp(node, "memory", 6) == 0 && (node[6] == 0 || node[6] == '@');
}

static void walk(const u8 *at, const u8 *end, const char *strings) {
  const char *node = "";
  int depth = 0;
  while (at + 4 <= end) {
    u32 token = be32(at);
    at += 4;
    if (token == FDT_BEGIN_NODE) {
      if (++depth == 2) node = (const char *)at;
      at += (strlen((const char *)at) + 4) & ~3ul;
    } else if (token == FDT_END_NODE) {
      if (--depth == 1) node = "";
    } else if (token == FDT_PROP) {
      u32 length = be32(at);
      const char *name = strings + be32(at + 4);
      const u8 *value = at + 8;
      if (depth == 2 && is_memory(node)) memory_property(name, value, length);
      if (depth == 2 && strcmp(node, "chosen") == 0) chosen_property(name, value, length);
      if (depth == 2 && strcmp(node, "psci") == 0) psci_property(name, value);
      at = value + ((length + 3) & ~3u);
    } else if (token != FDT_NOP) {
      break;
    }
  }
}

int fdt_parse(u64 device_tree) {
  if (device_tree == 0) device_tree = RAM_BASE;
  if (device_tree < RAM_BASE || device_tree >= RAM_LIMIT - 2 * BLOCK_SIZE || device_tree & 7) return 0;
  const struct header *header = to_virtual(device_tree);
  if (be32(&header->magic) != FDT_MAGIC || be32(&header->total_size) > MAX_SIZE) return 0;
  const u8 *base = (const u8 *)header;
  const u8 *structure = base + be32(&header->structure_offset);
  walk(structure, structure + be32(&header->structure_size),
       (const char *)base + be32(&header->strings_offset));
  return boot.memory_base == RAM_BASE && boot.memory_size > FREE_MEMORY - RAM_BASE;
}
