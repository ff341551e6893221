// TLB entries and their tags at stage 2: VMIDs, entries of both stages, each TLBI of EL2 for EL1&0
// (DDI 0487 D8.13, D8.14).
#include "tagging.h"

#define TABLE_MEMORY __attribute__((aligned(PAGE_SIZE), section(".bss.table")))
static u64 roots[2][512] TABLE_MEMORY, level1[2][512] TABLE_MEMORY, level2[2][512] TABLE_MEMORY, stage2_leaves[2][512] TABLE_MEMORY;
static u64 *const spaces[] = {root4k, other_root};

#define IPA (4 * IPA_OF_LEVEL_0) // two pages: where leaves[0] and leaves[1] of stage 1 point
#define S2_PAGE (PAGE | 0xful << 2 | SHARED | AF | 3ul << 6)
#define S2_READ_ONLY (2ul << 6) // what is taken off S2_PAGE

MAINTAIN(ipas2e1, "tlbi ipas2e1, x0\n\tdsb ish\n\ttlbi vmalle1")
MAINTAIN(ipas2le1, "tlbi ipas2le1, x0\n\tdsb ish\n\ttlbi vmalle1")
MAINTAIN(ipas2e1is, "tlbi ipas2e1is, x0\n\tdsb ish\n\ttlbi vmalle1is")
MAINTAIN(ipas2le1is, "tlbi ipas2le1is, x0\n\tdsb ish\n\ttlbi vmalle1is")
MAINTAIN(vmalls12e1, "tlbi vmalls12e1")
MAINTAIN(vmalls12e1is, "tlbi vmalls12e1is")
MAINTAIN(alle1, "tlbi alle1")
MAINTAIN(alle1is, "tlbi alle1is")
MAINTAIN(vmalle1_el1, "tlbi vmalle1")
MAINTAIN(vae1_el1, "tlbi vae1, x0")
MAINTAIN(aside1_el1, "tlbi aside1, x0")

static const struct maintenance stage2[] = {
    {"ipas2e1", ipas2e1, 2, 0},       {"ipas2le1", ipas2le1, 2, 0},         {"ipas2e1is", ipas2e1is, 2, 0},
    {"ipas2le1is", ipas2le1is, 2, 0}, {"vmalls12e1", vmalls12e1, 2, 0},     {"vmalls12e1is", vmalls12e1is, 2, 0},
    {"alle1", alle1, 2, 0},           {"alle1is", alle1is, 2, 0},
};
// EL1's own, for a change of stage 1 under stage 2.
static const struct maintenance stage1[] = {
    {"vmalle1", vmalle1_el1, 1, 0}, {"vae1", vae1_el1, 1, 0}, {"aside1", aside1_el1, 1, 1},
};

static void use_machine(u32 tables, u64 vmid) {
  write_register(vttbr_el2, (u64)roots[tables] | TAG(vmid));
  isb();
}

static void build(void) {
  for (u32 i = 0; i < 2; i++) {
    memcpy(roots[i], stage2_root, PAGE_SIZE);
    roots[i][4] = (u64)level1[i] | TABLE;
    level1[i][0] = (u64)level2[i] | TABLE;
    level2[i][0] = (u64)stage2_leaves[i] | TABLE;
    for (u32 page = 0; page < 2; page++) stage2_leaves[i][page] = (u64)tagged_pages[2 * i + page] | S2_PAGE;
    leaves[i][0] = (IPA + i * PAGE_SIZE) | NORMAL_PAGE | NOT_GLOBAL;
  }
}

// Two machines of two spaces each: four pages at one address.
static void machines(u32 level, const char *name) {
  u64 seen[8];
  for (u64 i = 0; i < 8; i++) {
    use_machine(i >> 1 & 1, 1 + (i >> 1 & 1));
    use_space(spaces[i & 1], 1 + (i & 1));
    seen[i] = read_from(level, TEST_SLOT);
  }
  print("case tag/vmid-and-asid/%s: 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", name, seen[0], seen[1], seen[2], seen[3], seen[4],
        seen[5], seen[6], seen[7]);
}

// The same tag of space in two machines, global entries, and no stage 1 at all.
static void one_space(const char *name, u64 address) {
  u64 seen[4];
  use_space(root4k, 1);
  for (u64 i = 0; i < 4; i++) {
    use_machine(i & 1, 1 + (i & 1));
    seen[i] = read_from(1, address);
  }
  print("case tag/vmid/%s: 0x%lx 0x%lx 0x%lx 0x%lx\n", name, seen[0], seen[1], seen[2], seen[3]);
}

static void set_translation(u64 off) {
  static const struct change on[CHANGES] = {{HCR_EL2, 0, HCR_VM}, {TCR_EL1, TCR_IPS, TCR_IPS_44}};
  struct change changes[CHANGES] = {on[0], on[1], {SCTLR_EL1, off, 0}};
  set_controls(changes);
}

static void each_operation(void) {
  u64 first = (u64)tagged_pages[0] | S2_PAGE, second = (u64)tagged_pages[3] | S2_PAGE;
  use_machine(0, 3);
  use_space(root4k, 1);
  for (u32 i = 0; i < ARRAY_LENGTH(stage2); i++) {
    break_before_make("tag/stage2", stage2[i].name, "page", &stage2[i], IPA >> 12, stage2_leaves[0], first, second, 1, TEST_SLOT);
    if (i % 2 == 0 || i > 3) // the last level's operations leave tables
      break_before_make("tag/stage2", stage2[i].name, "table-3", &stage2[i], IPA >> 12, level2[0], (u64)stage2_leaves[0] | TABLE,
                        (u64)stage2_leaves[1] | TABLE, 1, TEST_SLOT);
    level2[0][0] = (u64)stage2_leaves[0] | TABLE;
    do_at(2, alle1, 0);
  }
  stage2_leaves[0][0] = first;
  do_at(2, alle1, 0);
  u64 own = IPA | NORMAL_PAGE | NOT_GLOBAL, other = (IPA + PAGE_SIZE) | NORMAL_PAGE | NOT_GLOBAL;
  for (u32 i = 0; i < ARRAY_LENGTH(stage1); i++) {
    break_before_make("tag/stage1-of-two", stage1[i].name, "page", &stage1[i], TAG(1) | TEST_SLOT >> 12, leaves[0], own, other, 1, TEST_SLOT);
  }
  leaves[0][0] = own;
  do_at(2, alle1, 0);
}

// Stage 2 of one machine changes while another runs: ALLE1 reaches it, and leaves the values of both right.
static void another_machine(void) {
  use_space(root4k, 1);
  use_machine(0, 1);
  u64 a = read_from(1, TEST_SLOT);
  use_machine(1, 2);
  u64 b = read_from(1, TEST_SLOT);
  stage2_leaves[0][0] = (u64)tagged_pages[3] | S2_PAGE;
  do_at(2, alle1, 0);
  u64 c = read_from(1, TEST_SLOT);
  use_machine(0, 1);
  print("case tag/another-machine/alle1: 0x%lx 0x%lx 0x%lx 0x%lx\n", a, b, c, read_from(1, TEST_SLOT));
  stage2_leaves[0][0] = 0;
  do_at(2, vmalls12e1, 0);
  u64 d = read_from(1, TEST_SLOT);
  use_machine(1, 2);
  print("case tag/another-machine/vmalls12e1: own=0x%lx other=0x%lx\n", d, read_from(1, TEST_SLOT));
  stage2_leaves[0][0] = (u64)tagged_pages[0] | S2_PAGE;
  do_at(2, alle1, 0);
}

// A VMID is given to another machine: after VMALLS12E1 nothing of the old one is left.
static void vmid_again(void) {
  use_space(root4k, 1);
  use_machine(0, 1);
  u64 a = read_from(1, TEST_SLOT);
  do_at(2, vmalls12e1, 0);
  use_machine(1, 1);
  print("case tag/vmid/given-again: 0x%lx 0x%lx\n", a, read_from(1, TEST_SLOT));
  do_at(2, alle1, 0);
}

static void from_fault(void) {
  u64 good = (u64)tagged_pages[0] | S2_PAGE;
  const u64 bad[] = {0, good & ~AF, good | TOO_HIGH_STAGE2};
  static const char *const names[] = {"translation", "access-flag", "address-size"};
  use_machine(0, 1);
  for (u32 i = 0; i < 3; i++) {
    stage2_leaves[0][0] = bad[i];
    do_at(2, alle1, 0);
    u64 before = read_from(1, TEST_SLOT);
    stage2_leaves[0][0] = good;
    entry_is_written();
    print("case tag/from-fault-stage2/%s: before=0x%lx after=0x%lx\n", names[i], before, read_from(1, TEST_SLOT));
  }
}

static void permissions(void) {
  u64 writable = (u64)tagged_pages[0] | S2_PAGE;
  for (u32 i = 0; i < ARRAY_LENGTH(stage2); i++) {
    stage2_leaves[0][0] = writable;
    do_at(2, alle1, 0);
    u64 before = write_to(1, TEST_SLOT);
    stage2_leaves[0][0] = writable & ~S2_READ_ONLY;
    do_at(2, stage2[i].victim, IPA >> 12);
    print("case tag/read-only-stage2/%s: before=0x%lx after=0x%lx read=0x%lx\n", stage2[i].name, before, write_to(1, TEST_SLOT),
          read_from(1, TEST_SLOT));
  }
  stage2_leaves[0][0] = writable;
  do_at(2, alle1, 0);
}

void tagging_stage2_cases(void) {
  build();
  set_translation(0);
  machines(1, "EL1");
  machines(0, "EL0");
  one_space("same-asid", TEST_SLOT);
  leaves[0][0] &= ~NOT_GLOBAL;
  do_at(2, alle1, 0);
  one_space("global", TEST_SLOT);
  leaves[0][0] |= NOT_GLOBAL;
  do_at(2, alle1, 0);
  each_operation();
  another_machine();
  vmid_again();
  from_fault();
  permissions();
  set_translation(SCTLR_M);
  one_space("stage1-off", IPA);
  set_controls(NULL);
}
