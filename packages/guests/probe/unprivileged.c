// LDTR and STTR: a kernel's accesses with its user's permissions, to each kind of page of both halves, first and after the kernel has been
// there itself. DDI 0487 C3.2.5.
#include "probe.h"

VICTIM(ldtr_, "ldtr x0, [x1]")
VICTIM(ldtrb_, "ldtrb w0, [x1, #3]")
VICTIM(ldtrsh_, "ldtrsh x0, [x1, #-2]")
VICTIM(ldtrsw_, "ldtrsw x0, [x1]")
VICTIM(sttr_, "sttr x2, [x1]")
VICTIM(sttrb_, "sttrb w2, [x1, #5]")
VICTIM(sttrh_, "sttrh w2, [x1, #-4]")
VICTIM(touched_ldtr, "ldr x3, [x1]\nldtr x0, [x1]")
VICTIM(touched_sttr, "ldr x3, [x1]\nstr x3, [x1]\nsttr x2, [x1]")
VICTIM(own_text, "adr x1, .\nldtr x0, [x1]\nldr x3, [x1]\nsub x0, x0, x3")
VICTIM(loop_, "mov x5, #500\nmov x0, #0\n1: ldtr x3, [x1]\nadd x0, x0, x3\nsttr x0, [x2]\nldr x4, [x2]\neor x0, x0, x4, ror #3\nsubs x5, x5, #1\nb.ne 1b")
VICTIM(base_sp, "mov x3, sp\nmov sp, x1\nldtr x0, [sp, #16]\nmov sp, x3")
VICTIM(base_sixteen, "mov x16, x1\nldtr x16, [x16]\nmov x0, x16\nmov x17, x1\nldtr x17, [x17, #8]\nadd x0, x0, x17")

static const struct {
  const char *name, *victim;
} rows[] = {{"ldtr", ldtr_},     {"ldtrb", ldtrb_}, {"ldtrsh", ldtrsh_}, {"ldtrsw", ldtrsw_}, {"sttr", sttr_},
            {"sttrb", sttrb_},   {"sttrh", sttrh_}, {"touched-ldtr", touched_ldtr}, {"touched-sttr", touched_sttr}};
#define ROWS(table) (sizeof(table) / sizeof(table[0]))

// A name from parts: print's patterns have no room for it.
static char name[48];
static const char *named(const char *a, const char *b, const char *c) {
  copy_string(name, a, 16);
  copy_string(name + strlen(name), "/", 2);
  copy_string(name + strlen(name), b, 16);
  copy_string(name + strlen(name), c, 8);
  return name;
}

static u64 memory_sum(void) {
  u64 sum = 0;
  for (u32 page = 0; page < PAGES; page++)
    for (u32 i = 0; i < 64; i++) sum = mixed(sum, ((volatile u64 *)frames[page])[i]);
  return sum;
}

static void half(const char *group, u32 upper, u32 spsr) {
  for (u32 page = USER; page <= KERNEL_DEVICE; page++)
    for (u32 i = 0; i < ROWS(rows); i++) {
      // A device's registers may be read, at its identification.
      int device = page == USER_DEVICE || page == KERNEL_DEVICE;
      if (device && i != 0 && i != 4) continue;
      fill_frames();
      u64 address = page_address(upper, page) + (device ? 0xfe0 : 0x40);
      execute(device && i == 0 ? ldtr_ : rows[i].victim, spsr, 0x99, address, 0x1122334455667788);
      say_outcome(group, named(rows[i].name, page_names[page], upper ? "-upper" : ""), rows[i].victim);
    }
  say1(group, upper ? "memory-upper" : "memory", "0x%lx", memory_sum());
}

void unprivileged_probes(void) {
  half("unprivileged-EL1h", 0, EL1H);
  half("unprivileged-EL1h", 1, EL1H);
  half("unprivileged-EL1t", 0, EL1T);
  half("unprivileged-EL0", 0, EL0T);
  half("unprivileged-EL0", 1, EL0T);
  fill_frames();
  execute(loop_, EL1H, 0, page_address(0, USER), page_address(0, USER) + 8);
  say_outcome("unprivileged", "loop", loop_);
  execute(loop_, EL1H, 0, page_address(1, USER), page_address(1, USER) + 8);
  say_outcome("unprivileged", "loop-upper", loop_);
  execute(own_text, EL1H, 0, 0, 0);
  say_outcome("unprivileged", "own-text", own_text);
  execute(base_sp, EL1H, 0, page_address(0, USER) + 0x100, 0);
  say_outcome("unprivileged", "base-sp", base_sp);
  execute(base_sp, EL1H, 0, page_address(0, KERNEL) + 0x100, 0);
  say_outcome("unprivileged", "base-sp-kernel", base_sp);
  execute(base_sixteen, EL1H, 0, page_address(0, USER) + 0x100, 0);
  say_outcome("unprivileged", "base-x16", base_sixteen);
  // Without translation there are no permissions.
  u64 sctlr = change_sctlr(0, 1);
  execute(ldtr_, EL1H, 0, (u64)frames[KERNEL], 0);
  restore_sctlr(sctlr);
  say_outcome("unprivileged", "mmu-off", ldtr_);
}
