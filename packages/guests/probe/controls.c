// What EL1 may forbid EL0, forbidden and allowed: waits, cache maintenance, counters, monitors, floating point. DDI 0487 D17.2.118.
#include "probe.h"

VICTIM(control_ctr, "mrs x0, ctr_el0")
VICTIM(control_dczid, "mrs x0, dczid_el0")
VICTIM(control_zva, "dc zva, x1")
VICTIM(control_cvau, "dc cvau, x1")
VICTIM(control_cvac, "dc cvac, x1")
VICTIM(control_civac, "dc civac, x1")
VICTIM(control_ivau, "ic ivau, x1")
VICTIM(control_ivac, "dc ivac, x1")
VICTIM(control_wfi, "wfi")
VICTIM(control_wfe, "sevl\nwfe")
VICTIM(control_wfe_clear, "sevl\nwfe\nwfe")
VICTIM(control_daif, "mrs x0, daif")
VICTIM(control_cntvct, "mrs x0, cntvct_el0\nmov x0, #1")
VICTIM(control_cntpct, "mrs x0, cntpct_el0\nmov x0, #1")
VICTIM(control_cntfrq, "mrs x0, cntfrq_el0")
VICTIM(control_cntv_ctl, "mrs x0, cntv_ctl_el0")
VICTIM(control_cntv_cval, "msr cntv_cval_el0, x1\nmrs x0, cntv_cval_el0")
VICTIM(control_cntp_ctl, "mrs x0, cntp_ctl_el0")
VICTIM(control_mdccsr, "mrs x0, mdccsr_el0")
VICTIM(control_vector, "movi v0.16b, #7\numov w0, v0.b[3]")
VICTIM(control_fpsr, "mrs x0, fpsr")
VICTIM(control_wide, "ldr x0, [x1]")
VICTIM(control_setend, "ldr x0, [x1]\nstr w0, [x1, #8]\nldr x0, [x1, #8]")

#define USER_PAGE (LOWER_TEST + USER * PAGE_SIZE)
#define ROWS(table) (sizeof(table) / sizeof(table[0]))
static const struct {
  const char *name, *victim;
  u32 bit; // of SCTLR_EL1: EL0 may
} rows[] = {
    {"ctr", control_ctr, 15},     {"dczid-dze", control_dczid, 14}, {"zva", control_zva, 14}, {"cvau", control_cvau, 26},
    {"cvac", control_cvac, 26},   {"civac", control_civac, 26},     {"ivau", control_ivau, 26}, {"ivac", control_ivac, 26},
    {"wfe", control_wfe, 18},     {"daif", control_daif, 9},
};

static void by_sctlr(void) {
  static char name[32];
  for (u32 i = 0; i < ROWS(rows); i++)
    for (u32 allowed = 0; allowed < 2; allowed++)
      for (u32 kernel = 0; kernel < 2; kernel++) {
        u64 bit = 1ul << rows[i].bit;
        u64 before = change_sctlr(allowed ? bit : 0, allowed ? 0 : bit);
        fill_frames();
        execute(rows[i].victim, kernel ? EL1H : EL0T, 0, USER_PAGE + 0x80, 0);
        restore_sctlr(before);
        copy_string(name, rows[i].name, 16);
        u64 length = strlen(name);
        copy_string(name + length, kernel ? "-EL1" : "-EL0", 8);
        copy_string(name + length + 4, allowed ? "" : "-forbidden", 16);
        say_outcome("control", name, rows[i].victim);
      }
}

static void one(const char *name, const char *victim, u64 x1) {
  execute(victim, EL0T, 0, x1, 0);
  say_outcome("control", name, victim);
}

static void counters(u64 value, const char *group) {
  static const struct {
    const char *name, *victim;
  } all[] = {{"cntvct", control_cntvct},     {"cntpct", control_cntpct},       {"cntfrq", control_cntfrq},
             {"cntv_ctl", control_cntv_ctl}, {"cntv_cval", control_cntv_cval}, {"cntp_ctl", control_cntp_ctl}};
  write_register(cntkctl_el1, value);
  isb();
  for (u32 i = 0; i < ROWS(all); i++) {
    execute(all[i].victim, EL0T, 0, 0x123456789, 0);
    say_outcome(group, all[i].name, all[i].victim);
  }
}

void control_probes(void) {
  by_sctlr();
  // An interrupt that is pending and masked, so that an allowed WFI does not wait.
  u64 sctlr = change_sctlr(0, 1 << 16);
  one("wfi-forbidden", control_wfi, 0);
  restore_sctlr(sctlr);
  sctlr = change_sctlr(0, 1 << 18);
  one("wfe-clear-forbidden", control_wfe_clear, 0);
  restore_sctlr(sctlr);
  counters(0, "counters-none");
  counters(1, "counters-physical");
  counters(2, "counters-virtual");
  counters(0x303, "counters-all");
  write_register(cntkctl_el1, 3);
  write_register(cntv_cval_el0, 0);
  write_register(mdscr_el1, 1 << 12);
  isb();
  one("mdccsr-forbidden", control_mdccsr, 0);
  write_register(mdscr_el1, 0);
  isb();
  static const u32 fpen[] = {0, 1, 2, 3};
  for (u32 i = 0; i < 4; i++) {
    static const char *const names[2][4] = {{"float-0-EL0", "float-1-EL0", "float-2-EL0", "float-3-EL0"}, {"float-0-EL1", "float-1-EL1", "float-2-EL1", "float-3-EL1"}};
    write_register(cpacr_el1, (u64)fpen[i] << 20);
    isb();
    for (u32 kernel = 0; kernel < 2; kernel++) {
      execute(i & 1 ? control_vector : control_fpsr, kernel ? EL1H : EL0T, 0, 0, 0);
      say_outcome("control", names[kernel][i], i & 1 ? control_vector : control_fpsr);
    }
  }
  write_register(cpacr_el1, 3 << 20);
  isb();
  // Big-endian data at EL0, and alignment checked.
  fill_frames();
  sctlr = change_sctlr(1 << 24, 0);
  one("big-endian", control_setend, USER_PAGE + 0x40);
  restore_sctlr(sctlr);
  say1("control", "big-endian-memory", "0x%lx", *(volatile u64 *)(frames[USER] + 0x48));
  one("unaligned", control_wide, USER_PAGE + 0x43);
  sctlr = change_sctlr(2, 0);
  one("unaligned-checked", control_wide, USER_PAGE + 0x43);
  restore_sctlr(sctlr);
}
