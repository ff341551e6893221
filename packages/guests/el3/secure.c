// The two physical address spaces and the two states' translations: SCR_EL3.SIF, NS of descriptors, AT with either
// value of SCR_EL3.NS, TLB entries of the same address and ASID (DDI 0487 D8.2, D8.3.6, D8.13, C5.5).
#include "el3.h"

VICTIM(secure_fetch, "br x0")
VICTIM(secure_load, "ldr w0, [x0]")
VICTIM(secure_store, "str wzr, [x0]")

#define PAGE_AT(i) (TEST_AREA + (u64)(i) * PAGE_SIZE)

static void join(char *name, const char *first, const char *second) {
  copy_string(name, first, 48);
  copy_string(name + strlen(name), second, 48 - strlen(name));
}

// Code, data and a device through pages of either space. The GIC shows Non-secure accesses no group.
void secure_memory_cases(void) {
  static const struct {
    const char *name;
    const u32 *victim;
    u64 descriptor;
  } rows[] = {
      {"fetch", secure_fetch, SPARE_PAGE(1) | NORMAL_EXECUTABLE | EL0_TOO | READ_ONLY},
      {"fetch-ns", secure_fetch, SPARE_PAGE(1) | NORMAL_EXECUTABLE | EL0_TOO | READ_ONLY | NS_PAGE},
      {"fetch-ns-writable", secure_fetch, SPARE_PAGE(1) | NORMAL_EXECUTABLE | NS_PAGE},
      {"fetch-ns-xn", secure_fetch, SPARE_PAGE(1) | NORMAL_EXECUTABLE | EL0_TOO | READ_ONLY | NS_PAGE | 3ul << 53},
      {"load", secure_load, SPARE_PAGE(1) | NORMAL_EXECUTABLE | EL0_TOO},
      {"load-ns", secure_load, SPARE_PAGE(1) | NORMAL_EXECUTABLE | EL0_TOO | NS_PAGE},
      {"store-ns", secure_store, SPARE_PAGE(2) | NORMAL_EXECUTABLE | EL0_TOO | NS_PAGE},
      {"device", secure_load, GICD | 3 | 1 << 10 | EL0_TOO | 3ul << 53},
      {"device-ns", secure_load, GICD | 3 | 1 << 10 | EL0_TOO | 3ul << 53 | NS_PAGE},
  };
  *(volatile u32 *)SPARE_PAGE(1) = 0xfff;
  u64 *const level2 = level2_of_tests();
  for (u32 sif = 0; sif < 2; sif++) {
    for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
      for (u32 table = 0; table < 2; table++) { // NSTable makes the page Non-secure too
        for (u32 p = 0; p < ARRAY_LENGTH(places); p++) {
          if (!is_here(p)) continue;
          struct given given = {.level = places[p].level, .ns = places[p].ns, .victim = rows[i].victim, .x0 = PAGE_AT(3)};
          if (i >= 7) given.x0 += 0x84; // GICD_IGROUPR1
          given.scr_set = sif ? SIF : 0;
          given.flags = i >= 4 && i != 6 ? SHOW_X0 : 0;
          mmio32(GICD + 0x84) = 0xff00ff00;
          test_table[3] = rows[i].descriptor;
          u64 was = level2[0];
          level2[1] = (u64)test_table | 3 | (table ? 1ul << 63 : 0);
          given.x0 += 1ul << 21;
          char name[48];
          join(name, rows[i].name, table ? "-nstable" : "");
          join(name, name, sif ? "-sif" : "");
          run(&given, "memory", name);
          level2[0] = was;
        }
      }
    }
  }
  test_table[3] = level2[1] = 0;
  flush();
}

// AT of each regime from each level that may, on a few pages, with stage 2 and without.
static u64 stage2_level1[1024] __attribute__((aligned(8192), section(".bss.table")));
static u64 stage2_level2[512] TABLE_MEMORY, stage2_level3[512] TABLE_MEMORY;

static const struct {
  const char *name;
  u64 descriptor;
} pages[] = {
    {"good", SPARE_PAGE(3) | NORMAL_EXECUTABLE | EL0_TOO},
    {"kernel", SPARE_PAGE(3) | NORMAL_EXECUTABLE},
    {"read-only", SPARE_PAGE(3) | NORMAL_EXECUTABLE | READ_ONLY | EL0_TOO},
    {"ns", SPARE_PAGE(3) | NORMAL_EXECUTABLE | EL0_TOO | NS_PAGE},
    {"invalid", 0},
    {"no-access-flag", SPARE_PAGE(3) | (NORMAL_EXECUTABLE & ~(1ul << 10)) | EL0_TOO},
    {"beyond", 1ul << 41 | NORMAL_EXECUTABLE},
    {"device", 0x09000000 | 3 | 1 << 10},
    {"stage2-invalid", SPARE_PAGE(4) | NORMAL_EXECUTABLE | EL0_TOO},
    {"stage2-read-only", SPARE_PAGE(5) | NORMAL_EXECUTABLE | EL0_TOO},
};

static const struct {
  const char *name;
  u32 op1, m, op2, lowest;
} translations[] = {
    {"s1e1r", 0, 8, 0, 1},  {"s1e1w", 0, 8, 1, 1},  {"s1e0r", 0, 8, 2, 1},  {"s1e0w", 0, 8, 3, 1},
    {"s12e1r", 4, 8, 4, 2}, {"s12e1w", 4, 8, 5, 2}, {"s12e0r", 4, 8, 6, 2}, {"s12e0w", 4, 8, 7, 2},
    {"s1e2r", 4, 8, 0, 2},  {"s1e2w", 4, 8, 1, 2},  {"s1e3r", 6, 8, 0, 3},  {"s1e3w", 6, 8, 1, 3},
};

#define S2_NORMAL (3ul | 0xful << 2 | 3ul << 6 | 3ul << 8 | 1ul << 10)

static void stage2_init(void) {
  stage2_level1[0] = 1 | 3ul << 6 | 1 << 10;
  stage2_level1[1] = (u64)stage2_level2 | 3;
  for (u64 i = 0; i < 512; i++) {
    stage2_level2[i] = (0x40000000 + i * 0x200000) | (S2_NORMAL & ~2ul);
    stage2_level3[i] = (SPARE + i * PAGE_SIZE) | S2_NORMAL;
  }
  stage2_level2[32] = (u64)stage2_level3 | 3;
  stage2_level3[0x104] = 0;
  stage2_level3[0x105] &= ~(1ul << 7);
  write_register(vttbr_el2, stage2_level1);
  write_register(vtcr_el2, 24 | 1 << 6 | 1 << 8 | 1 << 10 | 3 << 12 | 2 << 16 | 1ul << 31); // 40 bits from level 1
}

void address_translation_cases(void) {
  if (has_el2) stage2_init();
  for (u32 vm = 0; vm < 2; vm++) {
    for (u32 t = 0; t < ARRAY_LENGTH(translations); t++) {
      for (u32 i = 0; i < ARRAY_LENGTH(pages); i++) {
        for (u32 p = 2; p < ARRAY_LENGTH(places) + 1; p++) {
          u32 level = p == 6 ? 3 : places[p].level;
          u64 ns = p == 6 ? 0 : places[p].ns;
          if (level < translations[t].lowest || (level == 2 && !has_el2)) continue;
          if (vm && (!has_el2 || translations[t].m != 8 || translations[t].op1 == 6)) continue;
          if (vm && level == 2 && translations[t].op2 < 4) continue;
          test_table[3] = pages[i].descriptor;
          struct given given = {.level = level, .ns = ns, .x0 = PAGE_AT(3), .flags = SHOW_X0, .hcr = vm};
          u32 clear_ns = 0xd2800001; // MOV x1, #0
          if (ns && translations[t].op1 != 6) clear_ns = 0xd2804001; // MOV x1, #0x200: PAR_EL1.NS is UNKNOWN
          given.victim = INSTRUCTIONS(MSR(ENCODING(1, translations[t].op1, 7, translations[t].m, translations[t].op2)), ISB,
                                      MRS(PAR_EL1), clear_ns, 0x37000040, 0x8a210000); // TBNZ x0, #0, .+8; BIC x0, x0, x1
          char name[48];
          join(name, translations[t].name, vm ? "-vm/" : "/");
          join(name, name, pages[i].name);
          join(name, name, level == 3 ? ns ? "-scr-ns" : "-scr-s" : "");
          run(&given, "at", name);
        }
      }
    }
  }
  test_table[3] = 0;
  flush();
}

// TLB maintenance at one place, and what another place then sees of a changed page. An operation must reach the entries
// of its state; entries of one state must not be found in the other.
static const struct {
  const char *name;
  u32 op1, m, op2, regime; // the level whose entries it invalidates
  u32 by;                  // 0: all, 1: address, 2: ASID
} operations[] = {
    {"vmalle1", 0, 7, 0, 1, 0},    {"vae1", 0, 7, 1, 1, 1},      {"aside1", 0, 7, 2, 1, 2},     {"vaae1", 0, 7, 3, 1, 1},
    {"vale1", 0, 7, 5, 1, 1},      {"vaale1", 0, 7, 7, 1, 1},    {"vmalle1is", 0, 3, 0, 1, 0},  {"vae1is", 0, 3, 1, 1, 1},
    {"aside1is", 0, 3, 2, 1, 2},   {"vaae1is", 0, 3, 3, 1, 1},   {"vale1is", 0, 3, 5, 1, 1},    {"vaale1is", 0, 3, 7, 1, 1},
    {"alle1", 4, 7, 4, 1, 0},      {"vmalls12e1", 4, 7, 6, 1, 0}, {"alle1is", 4, 3, 4, 1, 0},   {"vmalls12e1is", 4, 3, 6, 1, 0},
    {"alle2", 4, 7, 0, 2, 0},      {"vae2", 4, 7, 1, 2, 1},      {"vale2", 4, 7, 5, 2, 1},      {"alle2is", 4, 3, 0, 2, 0},
    {"vae2is", 4, 3, 1, 2, 1},     {"vale2is", 4, 3, 5, 2, 1},   {"alle3", 6, 7, 0, 3, 0},      {"vae3", 6, 7, 1, 3, 1},
    {"vale3", 6, 7, 5, 3, 1},      {"alle3is", 6, 3, 0, 3, 0},   {"vae3is", 6, 3, 1, 3, 1},     {"vale3is", 6, 3, 5, 3, 1},
};

#define TLB_NORMAL (3ul | 1 << 2 | 3 << 8 | 1 << 10)

static u64 see(u32 level, u64 ns) {
  struct given given = {.level = level, .ns = ns, .victim = secure_load, .x0 = PAGE_AT(3), .flags = SILENT | KEEP_TLB};
  run(&given, "", "");
  return result.x0;
}

static void point_at(u32 page, u64 more) {
  test_table[3] = SPARE_PAGE(page) | TLB_NORMAL | more;
  dsb();
}

static void maintenance(u32 i, u32 level, u64 ns) {
  u64 global = operations[i].regime == 1 && operations[i].by == 2 ? NOT_GLOBAL : 0;
  flush();
  point_at(6, global);
  u64 before = see(operations[i].regime, ns);
  point_at(7, global);
  struct given given = {.level = level, .ns = ns, .flags = SILENT | KEEP_TLB};
  given.victim = INSTRUCTIONS(DSB, MSR(ENCODING(1, operations[i].op1, 8, operations[i].m, operations[i].op2)), DSB, ISB);
  given.x0 = operations[i].by == 1 ? 5ul << 48 | PAGE_AT(3) >> 12 : operations[i].by == 2 ? 5ul << 48 : 0;
  run(&given, "", "");
  u64 esr = result.esr, elr = result.elr - (u64)given.victim;
  print("case tlb/%s/by-EL%u-%s: before=%lu ESR=0x%lx ELR=+0x%lx after=", operations[i].name, level, ns ? "ns" : "s", before, esr, elr);
  if (elr == 4) print("-\n"); // an operation that was UNDEFINED promises nothing
  else print("%lu\n", see(operations[i].regime, ns));
}

static void separation(void) {
  static const struct {
    const char *name;
    u32 level;
    u64 ns;
    u32 other_level;
    u64 other_ns;
  } rows[] = {
      {"ns-then-secure", 1, NS, 1, 0}, {"secure-then-ns", 1, 0, 1, NS}, {"ns-then-el3", 1, NS, 3, NS},
      {"secure-then-el3", 1, 0, 3, 0}, {"el3-then-secure", 3, 0, 1, 0}, {"el3-then-ns", 3, NS, 1, NS},
      {"el2-then-ns", 2, NS, 1, NS},   {"ns-then-el2", 1, NS, 2, NS},   {"el2-then-secure", 2, NS, 1, 0},
      {"el2-then-el3", 2, NS, 3, NS},  {"el3-then-el2", 3, NS, 2, NS},  {"ns-el0-then-secure-el0", 0, NS, 0, 0},
      {"secure-el0-then-ns-el0", 0, 0, 0, NS},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    if (!has_el2 && (rows[i].level == 2 || rows[i].other_level == 2)) continue;
    for (u32 global = 0; global < 2; global++) {
      u64 more = (global ? 0 : NOT_GLOBAL) | EL0_TOO;
      flush();
      point_at(6, more);
      u64 first = see(rows[i].level, rows[i].ns);
      point_at(7, more);
      u64 second = see(rows[i].other_level, rows[i].other_ns);
      flush();
      print("case tlb/%s-%s: first=%lu second=%lu first-after-tlbi=%lu\n", rows[i].name, global ? "global" : "asid", first, second,
            see(rows[i].level, rows[i].ns));
    }
  }
}

void tlb_cases(void) {
  *(volatile u32 *)SPARE_PAGE(6) = 1;
  *(volatile u32 *)SPARE_PAGE(7) = 2;
  for (u32 i = 0; i < ARRAY_LENGTH(operations); i++) {
    if (operations[i].regime == 2 && !has_el2) continue;
    if (operations[i].regime < 3) {
      maintenance(i, 3, NS);
      if (operations[i].regime == 1) maintenance(i, 3, 0);
    } else {
      maintenance(i, 3, NS);
      maintenance(i, 3, 0);
    }
    if (operations[i].regime == 1 && operations[i].op1 == 0) {
      maintenance(i, 1, NS);
      maintenance(i, 1, 0);
    }
    if (has_el2 && operations[i].regime <= 2) maintenance(i, 2, NS);
  }
  separation();
  test_table[3] = 0;
  flush();
}
