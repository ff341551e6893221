// AT and what PAR_EL1 says, the tables as data, what TLB maintenance must make seen, address spaces by ASID, phases without translation.
// DDI 0487 C5.4, D8.13.
#include "probe.h"

VICTIM(at_s1e0r, "at s1e0r, x1\nisb\nmrs x0, par_el1")
VICTIM(at_s1e0w, "at s1e0w, x1\nisb\nmrs x0, par_el1")
VICTIM(at_s1e1r, "at s1e1r, x1\nisb\nmrs x0, par_el1")
VICTIM(at_s1e1w, "at s1e1w, x1\nisb\nmrs x0, par_el1")
VICTIM(translated_load, "ldr x0, [x1]")
VICTIM(translated_store, "str x2, [x1]\nldr x0, [x1]")

static const struct {
  const char *name, *victim;
} rows[] = {{"s1e0r", at_s1e0r}, {"s1e0w", at_s1e0w}, {"s1e1r", at_s1e1r}, {"s1e1w", at_s1e1w}};

// PAR_EL1.NS is UNKNOWN in Non-secure state; an address of the image's is its frame.
static void say_par(const char *group, const char *name, u64 par) {
  u64 at = (par & 0xfffffffff000) - (u64)frames;
  if (!(par & 1) && at < sizeof(frames)) say2(group, name, "PAR=0x%lx frame %lu", par & ~0xfffffffff200ul, at / PAGE_SIZE);
  else say1(group, name, "PAR=0x%lx", par & ~0x200ul);
}

static char name[48];
static void addresses(const char *group, u32 upper) {
  for (u32 page = USER; page <= CODE; page++)
    for (u32 i = 0; i < 4; i++) {
      execute(rows[i].victim, EL1H, 0, page_address(upper, page) + 0x123, 0);
      copy_string(name, rows[i].name, 16);
      copy_string(name + 5, "/", 2);
      copy_string(name + 6, page_names[page], 16);
      say_par(group, name, record.x[0]);
    }
  execute(at_s1e0r, EL0T, 0, page_address(upper, USER), 0);
  say_state(group, "at-EL0", at_s1e0r);
}

static u64 sum_of(const volatile u64 *table) {
  u64 sum = 0, base = (u64)frames;
  for (u32 i = 0; i < 512; i++) {
    u64 entry = table[i], at = (entry & 0xfffffffff000) - (u64)0x40200000;
    // The image's own addresses change with it: the rest of the descriptor, then.
    sum = mixed(sum, at < 0x400000 ? entry & ~0xfffffffff000ul : entry);
  }
  return sum + (base & 0xfff);
}

static void tables(const char *name) {
  say("tables", name, "level1 0x%lx test 0x%lx upper 0x%lx", sum_of(level1), sum_of(test_table), sum_of(upper_table));
}

#define PAGE_OF(frame, more) ((u64)frames[frame] | 3 | 1 << 2 | 3 << 8 | 1 << 10 | 3ul << 53 | (more))

static void store_entry(volatile u64 *entry, u64 value) {
  *entry = value;
  asm volatile("dsb ishst" ::: "memory");
}
static u64 seen(u32 spsr, u64 address) {
  execute(translated_load, spsr, 0, address, 0);
  return completed() ? record.x[0] : 0xe000000000000000 | record.esr;
}

#define TLBI_ARGUMENT(operation, value) asm volatile("tlbi " operation ", %0\n\tdsb ish\n\tisb" ::"r"(value) : "memory")

// Break before make, with each operation that must do, and what was there before each.
static void maintenance(u32 upper) {
  volatile u64 *entry = &(upper ? upper_table : test_table)[SPARE];
  u64 address = page_address(upper, SPARE);
  fill_frames();
  for (u32 kind = 0; kind < 8; kind++) {
    static const char *const names[] = {"vae1", "vaae1", "vale1", "vaale1", "aside1", "vmalle1", "vae1is", "vmalle1is"};
    u64 before = seen(EL1H, address);
    store_entry(entry, 0);
    u64 page = address >> 12 & 0xfffffffffff;
    switch (kind) {
      case 0: TLBI_ARGUMENT("vae1", page); break;
      case 1: TLBI_ARGUMENT("vaae1", page); break;
      case 2: TLBI_ARGUMENT("vale1", page); break;
      case 3: TLBI_ARGUMENT("vaale1", page); break;
      case 4: TLBI_ARGUMENT("aside1", 0ul); asm volatile("tlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory"); break;
      case 5: asm volatile("tlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory"); break;
      case 6: TLBI_ARGUMENT("vae1is", page); break;
      default: asm volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
    }
    u64 broken = seen(EL1H, address);
    store_entry(entry, PAGE_OF(kind & 1 ? SPARE : OTHER, 0));
    isb();
    say(upper ? "tlbi-upper" : "tlbi", names[kind], "before 0x%lx broken 0x%lx after 0x%lx", before, broken, seen(EL1H, address));
  }
}

// Permissions and the access flag, changed and maintained.
static void permissions(u32 upper) {
  static const struct {
    const char *name;
    u64 more, less;
  } kinds[] = {{"user", EL0_TOO, 0}, {"user-ro", EL0_TOO | 1 << 7, 0}, {"kernel-ro", 1 << 7, 0}, {"no-access-flag", EL0_TOO, 1 << 10}, {"not-global", NOT_GLOBAL, 0}, {"kernel", 0, 0}};
  volatile u64 *entry = &(upper ? upper_table : test_table)[SPARE];
  u64 address = page_address(upper, SPARE) + 0x18;
  for (u32 i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    remap(entry, PAGE_OF(SPARE, kinds[i].more) & ~kinds[i].less);
    u64 user = seen(EL0T, address), kernel = seen(EL1H, address);
    execute(translated_store, EL1H, 0, address, 0x55 + i);
    say(upper ? "permissions-upper" : "permissions", kinds[i].name, "EL0 0x%lx EL1 0x%lx stored 0x%lx", user, kernel, completed() ? record.x[0] : record.esr);
  }
}

// Two address spaces with a page each of the same address, by ASID, again and again, without maintenance between.
static u64 space_level1[2][512] TABLE_MEMORY, space_level2[2][512] TABLE_MEMORY, space_table[2][512] TABLE_MEMORY;
static void address_spaces(void) {
  u64 ttbr0 = read_register(ttbr0_el1), sum = 0;
  fill_frames();
  for (u32 s = 0; s < 2; s++) {
    for (u32 i = 0; i < 512; i++) space_level1[s][i] = level1[i];
    space_level1[s][3] = (u64)space_level2[s] | 3;
    space_level2[s][0] = (u64)space_table[s] | 3;
    space_table[s][0] = PAGE_OF(s ? USER : OTHER, NOT_GLOBAL | EL0_TOO);
    space_table[s][1] = PAGE_OF(s ? OTHER : USER, NOT_GLOBAL);
  }
  dsb();
  for (u32 turn = 0; turn < 200; turn++) {
    u64 s = turn % 3 & 1;
    write_register(ttbr0_el1, (u64)space_level1[s] | (s + 1) << 48);
    isb();
    sum = mixed(sum, seen(turn & 4 ? EL0T : EL1H, 3 * GIB + 8 * turn));
    sum = mixed(sum, seen(EL1H, 3 * GIB + PAGE_SIZE + 8 * turn));
  }
  sum = mixed(sum, seen(EL0T, 3 * GIB + PAGE_SIZE));
  u64 value = read_register(ttbr0_el1);
  write_register(ttbr0_el1, ttbr0);
  isb();
  say("spaces", "by-asid", "0x%lx TTBR0_EL1.ASID 0x%lx own table %lu", sum, value >> 48, (value & 0xfffffffff000) == (u64)space_level1[199 % 3 & 1]);
}

static void without_translation(void) {
  u64 sum = 0;
  for (u32 turn = 0; turn < 5; turn++) {
    u64 sctlr = change_sctlr(0, 1);
    sum = mixed(sum, *(volatile u64 *)(frames[KERNEL] + 8 * turn));
    *(volatile u64 *)(frames[SPARE] + 8 * turn) = sum;
    u64 off = read_register(sctlr_el1), device = mmio32(0x09000fe0);
    restore_sctlr(sctlr);
    // Without SED and ITD, which are RES1 where EL0 has no AArch32.
    if (turn == 0) say2("mmu-off", "registers", "SCTLR_EL1 0x%lx device 0x%lx", off & ~0x180ul, device);
    sum = mixed(sum, *(volatile u64 *)(page_address(0, SPARE) + 8 * turn));
  }
  execute(translated_load, EL1H, 0, page_address(0, ABSENT), 0);
  say2("mmu-off", "phases", "0x%lx then ESR=0x%lx", sum, record.esr);
  u64 sctlr = change_sctlr(0, 1);
  execute(translated_load, EL1H, 0, (u64)stacks[0] + 3, 0);
  restore_sctlr(sctlr);
  say_state("mmu-off", "unaligned", translated_load);
}

void translation_probes(void) {
  addresses("at", 0);
  addresses("at-upper", 1);
  tables("first");
  maintenance(0);
  maintenance(1);
  permissions(0);
  permissions(1);
  address_spaces();
  without_translation();
  tables("after");
}
