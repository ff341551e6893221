// TLB entries and their tags at stage 1: ASIDs, global entries, each TLBI of EL1 and of EL2's own regime
// (DDI 0487 D8.13, D8.14, C5.5).
#include "tagging.h"

#define TABLE_MEMORY __attribute__((aligned(PAGE_SIZE), section(".bss.table")))
u64 tagged_pages[4][512] TABLE_MEMORY, other_root[512] TABLE_MEMORY, leaves[2][512] TABLE_MEMORY;
static u64 level1[2][512] TABLE_MEMORY, level2[2][512] TABLE_MEMORY, split[512] TABLE_MEMORY;

VICTIM(load, "ldr x0, [x0]")
VICTIM(store, "str xzr, [x0, #8]\n\tmov x0, #0")
VICTIM(translate, "at s1e1r, x0\n\tisb\n\tmrs x0, par_el1")
VICTIM(mark, "mov x1, #0x555\n\tstr x1, [x0]")
VICTIM(unmark, "str xzr, [x0]")
MAINTAIN(vae1, "tlbi vae1, x0")
MAINTAIN(vale1, "tlbi vale1, x0")
MAINTAIN(vaae1, "tlbi vaae1, x0")
MAINTAIN(vaale1, "tlbi vaale1, x0")
MAINTAIN(aside1, "tlbi aside1, x0")
MAINTAIN(vmalle1, "tlbi vmalle1")
MAINTAIN(vae1is, "tlbi vae1is, x0")
MAINTAIN(vale1is, "tlbi vale1is, x0")
MAINTAIN(vaae1is, "tlbi vaae1is, x0")
MAINTAIN(vaale1is, "tlbi vaale1is, x0")
MAINTAIN(aside1is, "tlbi aside1is, x0")
MAINTAIN(vmalle1is, "tlbi vmalle1is")
MAINTAIN(vae2, "tlbi vae2, x0")
MAINTAIN(vale2, "tlbi vale2, x0")
MAINTAIN(alle2, "tlbi alle2")
MAINTAIN(vae2is, "tlbi vae2is, x0")
MAINTAIN(vale2is, "tlbi vale2is, x0")
MAINTAIN(alle2is, "tlbi alle2is")

static const struct maintenance at_el1[] = {
    {"vae1", vae1, 1, 0},     {"vale1", vale1, 1, 0},     {"vaae1", vaae1, 1, 0},     {"vaale1", vaale1, 1, 0},
    {"aside1", aside1, 1, 1}, {"vmalle1", vmalle1, 1, 0}, {"vae1is", vae1is, 1, 0},   {"vale1is", vale1is, 1, 0},
    {"vaae1is", vaae1is, 1, 0}, {"vaale1is", vaale1is, 1, 0}, {"aside1is", aside1is, 1, 1}, {"vmalle1is", vmalle1is, 1, 0},
};
static const struct maintenance at_el2[] = {
    {"vae2", vae2, 2, 0},     {"vale2", vale2, 2, 0},     {"alle2", alle2, 2, 0},
    {"vae2is", vae2is, 2, 0}, {"vale2is", vale2is, 2, 0}, {"alle2is", alle2is, 2, 0},
};

u64 do_at(u32 level, const u32 *victim, u64 x0) {
  struct test test = {level, 0, victim, x0, 0, {{}}};
  return probe(&test);
}

u64 read_from(u32 level, u64 address) {
  return do_at(level, load, address);
}

u64 write_to(u32 level, u64 address) {
  return do_at(level, store, address);
}

void use_space(const u64 *root, u64 asid) {
  write_register(ttbr0_el1, (u64)root | TAG(asid));
  isb();
}

static void forget_all(void) {
  asm volatile("dsb ishst" ::: "memory");
  if (highest() == 2) asm volatile("tlbi alle1\n\ttlbi alle2" ::: "memory");
  else asm volatile("tlbi vmalle1" ::: "memory");
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

void break_before_make(const char *group, const char *name, const char *kind, const struct maintenance *how, u64 operand,
                       volatile u64 *entry, u64 now, u64 then, u32 level, u64 address) {
  *entry = now;
  forget_all();
  u64 before = read_from(level, address);
  *entry = 0;
  do_at(how->level, how->victim, operand);
  u64 broken = read_from(level, address);
  *entry = then;
  entry_is_written();
  u64 after = read_from(level, address);
  print("case %s/%s/%s: before=0x%lx broken=0x%lx after=0x%lx\n", group, name, kind, before, broken, after);
}

static u64 translated(void) {
  return do_at(1, translate, TEST_SLOT) & 0xfffffffff001;
}

static void two_spaces(const char *name, u32 level, u64 first, u64 second) {
  use_space(root4k, first);
  u64 a = read_from(level, TEST_SLOT);
  use_space(other_root, second);
  u64 b = read_from(level, TEST_SLOT);
  use_space(root4k, first);
  u64 c = read_from(level, TEST_SLOT);
  use_space(other_root, second);
  print("case tag/asid/%s: 0x%lx 0x%lx 0x%lx 0x%lx\n", name, a, b, c, read_from(level, TEST_SLOT));
}

// One space, tags that differ: what is global is everybody's.
static void global_page(void) {
  leaves[0][0] = (u64)tagged_pages[0] | NORMAL_PAGE;
  do_at(1, vmalle1, 0);
  u64 seen[3];
  for (u32 i = 0; i < 3; i++) {
    use_space(root4k, i + 1);
    seen[i] = read_from(1, TEST_SLOT);
  }
  print("case tag/asid/global: 0x%lx 0x%lx 0x%lx\n", seen[0], seen[1], seen[2]);
}

static void set_tcr(u64 bits) {
  write_register(tcr_el1, read_register(tcr_el1) | bits);
  isb();
  do_at(1, vmalle1, 0); // TCR_EL1 may be held in TLB entries
}

static void spaces(void) {
  two_spaces("EL1", 1, 1, 2);
  two_spaces("EL0", 0, 1, 2);
  two_spaces("low-byte-only", 1, 0x7f, 0xff);
  use_space(root4k, 1);
  u64 first = translated() == (u64)tagged_pages[0];
  use_space(other_root, 2);
  print("case tag/asid/at: %lu %u\n", first, translated() == (u64)tagged_pages[1]);
  set_tcr(1ul << 36); // TCR_EL1.AS
  two_spaces("16-bit", 1, 0x101, 0x001);
  two_spaces("16-bit-high-byte", 1, 0x100, 0x200);
  set_controls(NULL);
  set_tcr(1ul << 22); // TCR_EL1.A1: TTBR1_EL1 has the tag
  u64 empty = read_register(ttbr1_el1), seen[4];
  for (u64 i = 0; i < 4; i++) {
    write_register(ttbr1_el1, empty | TAG(1 + (i & 1)));
    use_space(i & 1 ? other_root : root4k, 9);
    seen[i] = read_from(1, TEST_SLOT);
  }
  print("case tag/asid/of-ttbr1: 0x%lx 0x%lx 0x%lx 0x%lx\n", seen[0], seen[1], seen[2], seen[3]);
  set_controls(NULL);
  global_page();
}

#define PAGE_OPERAND(asid) (TAG(asid) | TEST_SLOT >> 12)
#define IN_BLOCK (TEST_SLOT + 2 * MIB)
#define BLOCK_OPERAND (TAG(5) | IN_BLOCK >> 12)

// Entries above the last level.
static void tables(void) {
  break_before_make("tag/tlbi", "vae1", "table-3", &at_el1[0], PAGE_OPERAND(5), level2[0], (u64)leaves[0] | TABLE, (u64)leaves[1] | TABLE, 1, TEST_SLOT);
  level2[0][0] = (u64)leaves[0] | TABLE;
  break_before_make("tag/tlbi", "vaae1", "table-2", &at_el1[2], PAGE_OPERAND(5), level1[0], (u64)level2[0] | TABLE, (u64)level2[1] | TABLE, 1, TEST_SLOT);
  level1[0][0] = (u64)level2[0] | TABLE;
  break_before_make("tag/tlbi", "vmalle1", "table-1", &at_el1[5], 0, &root4k[4], (u64)level1[0] | TABLE, (u64)level1[1] | TABLE, 1, TEST_SLOT);
  root4k[4] = (u64)level1[0] | TABLE;
  break_before_make("tag/tlbi", "aside1", "table-3", &at_el1[4], TAG(5), level2[0], (u64)leaves[0] | TABLE, (u64)leaves[1] | TABLE, 1, TEST_SLOT);
  level2[0][0] = (u64)leaves[0] | TABLE;
  forget_all();
}

static void each_operation(void) {
  u64 first = (u64)tagged_pages[0] | NORMAL_PAGE, second = (u64)tagged_pages[2] | NORMAL_PAGE;
  use_space(root4k, 5);
  for (u32 i = 0; i < ARRAY_LENGTH(at_el1); i++) {
    const struct maintenance *how = &at_el1[i];
    break_before_make("tag/tlbi", how->name, "non-global", how, PAGE_OPERAND(5), leaves[0], first | NOT_GLOBAL, second | NOT_GLOBAL, 1, TEST_SLOT);
    if (!how->by_asid) break_before_make("tag/tlbi", how->name, "global", how, PAGE_OPERAND(5), leaves[0], first, second, 1, TEST_SLOT);
  }
  // by address, a global entry goes whatever the operand's ASID is; by all ASIDs, every entry does
  break_before_make("tag/tlbi", "vae1", "global-other-asid", &at_el1[0], PAGE_OPERAND(7), leaves[0], first, second, 1, TEST_SLOT);
  break_before_make("tag/tlbi", "vale1", "global-other-asid", &at_el1[1], PAGE_OPERAND(7), leaves[0], first, second, 1, TEST_SLOT);
  break_before_make("tag/tlbi", "vaae1", "other-asid", &at_el1[2], PAGE_OPERAND(7), leaves[0], first | NOT_GLOBAL, second | NOT_GLOBAL, 1, TEST_SLOT);
  break_before_make("tag/tlbi", "vaale1", "other-asid", &at_el1[3], PAGE_OPERAND(7), leaves[0], first | NOT_GLOBAL, second | NOT_GLOBAL, 1, TEST_SLOT);
  break_before_make("tag/tlbi", "vae1", "EL0", &at_el1[0], PAGE_OPERAND(5), leaves[0], first | NOT_GLOBAL, second | NOT_GLOBAL, 0, TEST_SLOT);
  tables();
}

// A block becomes pages, and pages a block; the last by another address in the block, which is one entry.
static void sizes(void) {
  u64 block = SCRATCH | BLOCK | (NORMAL_PAGE & ~3ul), table = (u64)split | TABLE;
  split[0] = (u64)tagged_pages[3] | NORMAL_PAGE;
  do_at(1, mark, WINDOW + SCRATCH);
  break_before_make("tag/size", "vae1", "block-to-pages", &at_el1[0], BLOCK_OPERAND, &level2[0][1], block, table, 1, IN_BLOCK);
  break_before_make("tag/size", "aside1", "block-to-pages", &at_el1[4], TAG(5), &level2[0][1], block | NOT_GLOBAL, table, 1, IN_BLOCK);
  break_before_make("tag/size", "vmalle1", "pages-to-block", &at_el1[5], 0, &level2[0][1], table, block, 1, IN_BLOCK);
  break_before_make("tag/size", "vae1", "address-in-block", &at_el1[0], BLOCK_OPERAND + 0x1f7, &level2[0][1], block, table, 1, IN_BLOCK);
  do_at(1, unmark, WINDOW + SCRATCH);
}

// One of two spaces loses its page: the other keeps its own.
static void one_of_two(void) {
  leaves[0][0] = (u64)tagged_pages[0] | NORMAL_PAGE | NOT_GLOBAL;
  leaves[1][0] = (u64)tagged_pages[1] | NORMAL_PAGE | NOT_GLOBAL;
  do_at(1, vmalle1, 0);
  for (u32 i = 0; i < 2; i++) {
    const struct maintenance *how = &at_el1[i ? 4 : 0];
    use_space(other_root, 2);
    u64 a = read_from(1, TEST_SLOT);
    use_space(root4k, 1);
    u64 b = read_from(1, TEST_SLOT);
    leaves[0][0] = 0;
    do_at(1, how->victim, PAGE_OPERAND(1));
    u64 c = read_from(1, TEST_SLOT);
    use_space(other_root, 2);
    u64 d = read_from(1, TEST_SLOT);
    leaves[0][0] = (u64)tagged_pages[0] | NORMAL_PAGE | NOT_GLOBAL;
    entry_is_written();
    print("case tag/one-of-two/%s: other=0x%lx own=0x%lx broken=0x%lx other=0x%lx\n", how->name, a, b, c, d);
  }
}

// What faults by translation, access flag or address size is never held: no maintenance is needed.
static void from_fault(void) {
  u64 good = (u64)tagged_pages[0] | NORMAL_PAGE;
  const u64 bad[] = {0, good & ~AF, good | TOO_HIGH};
  static const char *const names[] = {"translation", "access-flag", "address-size"};
  use_space(root4k, 5);
  for (u32 i = 0; i < 3; i++) {
    leaves[0][0] = bad[i];
    do_at(1, vmalle1, 0);
    u64 before = read_from(1, TEST_SLOT);
    leaves[0][0] = good;
    entry_is_written();
    print("case tag/from-fault/%s: before=0x%lx after=0x%lx\n", names[i], before, read_from(1, TEST_SLOT));
  }
}

static void permissions(void) {
  u64 writable = (u64)tagged_pages[0] | NORMAL_PAGE;
  for (u32 i = 0; i < 6; i++) {
    leaves[0][0] = writable;
    do_at(1, vmalle1, 0);
    u64 before = write_to(1, TEST_SLOT);
    leaves[0][0] = writable | AP_READ_ONLY;
    do_at(1, at_el1[i].victim, PAGE_OPERAND(5));
    // ASIDE1 leaves global entries, so that one may be held
    if (at_el1[i].by_asid) continue;
    print("case tag/read-only/%s: before=0x%lx after=0x%lx read=0x%lx\n", at_el1[i].name, before, write_to(1, TEST_SLOT), read_from(1, TEST_SLOT));
  }
  leaves[0][0] = writable;
  do_at(1, vmalle1, 0);
}

// EL2's own regime, and one address in both regimes.
static void own_regime(void) {
  u64 first = (u64)tagged_pages[0] | NORMAL_PAGE, second = (u64)tagged_pages[2] | NORMAL_PAGE;
  for (u32 i = 0; i < ARRAY_LENGTH(at_el2); i++) {
    break_before_make("tag/tlbi", at_el2[i].name, "EL2", &at_el2[i], TEST_SLOT >> 12, leaves[0], first, second, 2, TEST_SLOT);
  }
  leaves[0][0] = first;
  do_at(2, alle2, 0);
  use_space(other_root, 0);
  u64 a = read_from(1, TEST_SLOT), b = read_from(2, TEST_SLOT), c = read_from(1, TEST_SLOT);
  print("case tag/regimes: EL1=0x%lx EL2=0x%lx EL1=0x%lx EL2=0x%lx\n", a, b, c, read_from(2, TEST_SLOT));
}

void tagging_cases(void) {
  for (u32 i = 0; i < 4; i++) tagged_pages[i][0] = (i + 1) * 0x111;
  memcpy(other_root, root4k, PAGE_SIZE);
  for (u32 i = 0; i < 2; i++) {
    (i ? other_root : root4k)[4] = (u64)level1[i] | TABLE;
    level1[i][0] = (u64)level2[i] | TABLE;
    level2[i][0] = (u64)leaves[i] | TABLE;
    leaves[i][0] = (u64)tagged_pages[i] | NORMAL_PAGE | NOT_GLOBAL;
  }
  set_controls(NULL);
  spaces();
  each_operation();
  sizes();
  one_of_two();
  from_fault();
  permissions();
  if (highest() < 2) return;
  own_regime();
  tagging_stage2_cases();
}
