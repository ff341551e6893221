// The faults of each translation regime that EL3 and the Secure state have, by type and level, for a load, a store, a
// fetch and AT (DDI 0487 D8.2, D8.14): with 48-bit addresses, so that there is a level 0.
#include "el3.h"

VICTIM(fault_load, "ldr x1, [x0]")
VICTIM(fault_store, "str x1, [x0]")
VICTIM(fault_fetch, "br x0")
VICTIM(fault_unaligned, "ldr x1, [x0, #1]")
VICTIM(fault_unaligned_store, "str x1, [x0, #1]")
VICTIM(fault_exclusive, "add x0, x0, #4\n\tldxr x1, [x0]")
VICTIM(fault_acquire, "add x0, x0, #4\n\tldar x1, [x0]")
VICTIM(fault_zva, "dc zva, x0")
VICTIM(fault_civac, "dc civac, x0")

#define BEYOND (1ul << 41) // TCR_ELx.PS and IPS are 40 bits
#define BLOCK (NORMAL_EXECUTABLE & ~2ul)
#define WRITABLE (NORMAL_EXECUTABLE | EL0_TOO)
#define FIXED (WRITABLE | READ_ONLY)
#define XN_ALL (1ul << 53 | 1ul << 54)

// What is in the table at a level; its address there is index 3.
static const struct kind {
  const char *name;
  u32 level;
  u64 descriptor;
} kinds[] = {
    {"translation-0", 0, 0},
    {"translation-1", 1, 0},
    {"translation-2", 2, 0},
    {"translation-3", 3, 0},
    {"reserved-0", 0, 1},
    {"reserved-3", 3, SPARE_PAGE(1) | (FIXED & ~2ul)},
    {"size-table-0", 0, BEYOND | 3},
    {"size-table-1", 1, BEYOND | 3},
    {"size-table-2", 2, BEYOND | 3},
    {"size-block-1", 1, BEYOND | BLOCK},
    {"size-block-2", 2, BEYOND | BLOCK},
    {"size-page-3", 3, BEYOND | WRITABLE},
    {"access-1", 1, 0x40000000 | (BLOCK & ~(1ul << 10))},
    {"access-2", 2, SPARE | (BLOCK & ~(1ul << 10))},
    {"access-3", 3, SPARE_PAGE(1) | (WRITABLE & ~(1ul << 10))},
    {"read-only-1", 1, 0x40000000 | BLOCK | EL0_TOO | READ_ONLY},
    {"read-only-2", 2, SPARE | BLOCK | EL0_TOO | READ_ONLY},
    {"read-only-3", 3, SPARE_PAGE(1) | FIXED},
    {"xn-1", 1, 0x40000000 | BLOCK | EL0_TOO | XN_ALL},
    {"xn-2", 2, SPARE | BLOCK | EL0_TOO | XN_ALL},
    {"xn-3", 3, SPARE_PAGE(1) | WRITABLE | XN_ALL},
    {"pxn-3", 3, SPARE_PAGE(1) | FIXED | 1ul << 53},
    {"uxn-3", 3, SPARE_PAGE(1) | FIXED | 1ul << 54},
    {"device-3", 3, 0x09000000ul | (WRITABLE & ~(4ul)) | XN_ALL},
    {"walk-1", 0, HOLE | 3},
    {"walk-2", 1, HOLE | 3},
    {"walk-3", 2, HOLE | 3},
    {"apt-table-1", 1, 3 | 1ul << 62},
    {"xn-table-1", 1, 3 | 1ul << 60},
    {"both-xn-and-size-3", 3, BEYOND | WRITABLE | XN_ALL},
    {"both-access-and-read-only-3", 3, SPARE_PAGE(1) | (FIXED & ~(1ul << 10))},
};

// In the block of a level 1 entry SPARE is 64 MiB from the start.
static const u64 addresses[] = {3ul << 39, (3ul << 30) + 0x4000000, TEST_AREA + (3ul << 21), TEST_AREA + (3ul << 12)};
static u64 spare_level2[512] TABLE_MEMORY;

static u64 *entry_of(u32 level) {
  u64 *const tables[] = {level0, level1, level2_of_tests(), test_table};
  return &tables[level][3];
}

static const u32 *at_victim(u32 level, int write) {
  u32 op1 = level == 3 ? 6 : level == 2 ? 4 : 0;
  u32 op2 = (level ? 0 : 2) + (write ? 1 : 0);
  return INSTRUCTIONS(MSR(ENCODING(1, op1, 7, 8, op2)), ISB, MRS(PAR_EL1));
}

static void accesses(const struct kind *kind, u32 p, u64 sctlr, const char *group) {
  static const struct {
    const char *name;
    const u32 *victim;
  } ops[] = {{"load", fault_load}, {"store", fault_store}, {"fetch", fault_fetch}, {"zva", fault_zva}, {"civac", fault_civac}, {"at-r", NULL}, {"at-w", NULL}};
  for (u32 i = 0; i < ARRAY_LENGTH(ops); i++) {
    if (!ops[i].victim && places[p].level < 2 && places[p].ns) continue; // PAR_EL1.NS is UNKNOWN
    if (!ops[i].victim && places[p].level == 0) continue;
    if (i >= 3 && i <= 4 && places[p].level != 3) continue;
    int device = kind->descriptor == (0x09000000ul | (WRITABLE & ~(4ul)) | XN_ALL);
    if (device && i != 0 && i != 2 && i < 5) continue; // it would print
    struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = ops[i].victim, .x0 = addresses[kind->level], .sctlr = sctlr};
    if (!given.victim) {
      given.victim = at_victim(given.level, i == 6);
      given.flags = SHOW_X0;
    }
    char name[48];
    copy_string(name, kind->name, sizeof(name));
    copy_string(name + strlen(name), "-", 2);
    copy_string(name + strlen(name), ops[i].name, 8);
    run(&given, group, name);
  }
}

static void alignment(u32 p) {
  static const struct {
    const char *name;
    const u32 *victim;
    u64 address, sctlr;
  } rows[] = {
      {"normal", fault_unaligned, SPARE, 0},
      {"normal-a", fault_unaligned, SPARE, 2},
      {"normal-a-store", fault_unaligned_store, SPARE, 2},
      {"exclusive", fault_exclusive, SPARE, 0},
      {"acquire", fault_acquire, SPARE, 0},
      {"device", fault_unaligned, GICD + 0x400, 0},
      {"device-store", fault_unaligned_store, GICD + 0x400, 0},
      {"device-zva", fault_zva, GICD + 0x400, 0},
      {"a-before-translation", fault_unaligned, TEST_AREA + 0x3000, 2},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = rows[i].victim, .x0 = rows[i].address, .sctlr = rows[i].sctlr};
    run(&given, "alignment", rows[i].name);
  }
}

void fault_cases(void) {
  *(volatile u32 *)SPARE = *(volatile u32 *)SPARE_PAGE(1) = 0xfff; // UDF, where fetches that succeed lead
  spare_level2[32] = SPARE | BLOCK | EL0_TOO;
  for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
    if (!is_here(p) || places[p].level == 0) continue;
    alignment(p);
    for (u32 i = 0; i < ARRAY_LENGTH(kinds); i++) {
      u64 *entry = entry_of(kinds[i].level);
      u64 descriptor = kinds[i].descriptor;
      if (descriptor >> 59) descriptor |= (u64)spare_level2;
      *entry = descriptor;
      accesses(&kinds[i], p, 0, "fault");
      *entry = 0;
    }
    // WXN: what is writable is not executable
    static const struct kind wxn[] = {
        {"wxn-1", 1, 0x40000000 | BLOCK},
        {"wxn-2", 2, SPARE | BLOCK},
        {"wxn-3", 3, SPARE_PAGE(1) | NORMAL_EXECUTABLE},
        {"wxn-read-only-3", 3, SPARE_PAGE(1) | FIXED},
    };
    for (u32 i = 0; i < ARRAY_LENGTH(wxn); i++) {
      u64 *entry = entry_of(wxn[i].level);
      *entry = wxn[i].descriptor;
      accesses(&wxn[i], p, 1ul << 19, "fault");
      *entry = 0;
    }
  }
  flush();
}
