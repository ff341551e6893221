// Maintenance interrupts: end of interrupt, underflow, entry not present, no pending, group enables
// (IHI 0048B 5.3.4; IHI 0069 12.4, ICH_MISR_EL2). The board's is private interrupt 25.
#include "guest.h"

#define GROUP "maintenance"
#define MAINTENANCE 25

static u32 line(void) {
  dsb();
  isb();
  return gic_is_pending(MAINTENANCE);
}

static void begin(void) {
  fresh_guest();
  set_group(MAINTENANCE, main_group);
  gic_priority(MAINTENANCE, 0x20);
  gic_disable(MAINTENANCE); // pending is what we look at
}

static void end_cases(void) {
  begin();
  set_list_end_interrupt(0, 50, 0x80);
  u32 before = line(), taken = guest_acknowledge(main_group), during = line();
  guest_end(main_group, taken);
  CASE("end", "line=%u,%u,%u MISR=0x%x EISR=0x%x ELRSR=0x%x state=%u", before, during, line(), misr(), eisr(), elrsr() & 1, list_state(0));
  set_list(0, 0, 0, INVALID);
  CASE("end/cleared", "line=%u MISR=0x%x EISR=0x%x", line(), misr(), eisr());
  begin();
  set_list_end_interrupt(0, 50, 0x80);
  set_hcr(0);
  CASE("disabled", "line=%u MISR=0x%x", line(), misr());
}

static void underflow_cases(void) {
  begin();
  set_list(0, 50, 0x80, PENDING);
  set_list(1, 51, 0x80, PENDING);
  set_hcr(HCR_EN | HCR_UIE);
  u32 two = misr(), line_two = line();
  guest_end(main_group, guest_acknowledge(main_group));
  u32 one = misr(), line_one = line();
  guest_end(main_group, guest_acknowledge(main_group));
  CASE("underflow", "two=0x%x,%u one=0x%x,%u none=0x%x,%u", two, line_two, one, line_one, misr(), line());
}

static void no_pending_cases(void) {
  begin();
  set_list(0, 50, 0x80, PENDING);
  set_hcr(HCR_EN | HCR_NPIE);
  u32 pending = misr();
  u32 taken = guest_acknowledge(main_group);
  CASE("no-pending", "pending=0x%x active=0x%x line=%u", pending, misr(), line());
  guest_end(main_group, taken);
}

// The guest ends an interrupt that no list register holds: EOIcount, and with LRENPIE the interrupt.
static void not_present_cases(void) {
  begin();
  set_hcr(HCR_EN | HCR_LRENPIE);
  set_list(0, 50, 0x80, PENDING);
  u32 taken = guest_acknowledge(main_group);
  set_list(0, 0, 0, INVALID); // the hypervisor took it out
  u32 before = misr();
  guest_end(main_group, taken);
  CASE("not-present", "before=0x%x count=%u MISR=0x%x line=%u", before, get_hcr() >> 27, misr(), line());
  set_hcr(HCR_EN | HCR_LRENPIE);
  CASE("not-present/cleared", "count=%u MISR=0x%x line=%u", get_hcr() >> 27, misr(), line());
}

static void group_enable_cases(void) {
  static const struct {
    const char *name;
    u32 bit, groups;
  } rows[] = {
      {"group-0-enabled", 0x10, 1}, {"group-0-disabled", 0x20, 2}, {"group-1-enabled", 0x40, 2}, {"group-1-disabled", 0x80, 1},
  };
  for (u32 i = 0; i < ARRAY_LENGTH(rows); i++) {
    begin();
    guest_groups(rows[i].groups & 1, rows[i].groups >> 1);
    set_hcr(HCR_EN | rows[i].bit);
    u32 on = misr(), line_on = line();
    guest_groups(~rows[i].groups & 1, ~rows[i].groups >> 1 & 1);
    CASE(rows[i].name, "MISR=0x%x line=%u other=0x%x,%u", on, line_on, misr(), line());
  }
}

static u32 taken_level, taken_id, taken_misr;
static void take(struct frame *frame) {
  taken_id = acknowledge(main_group);
  taken_level = (u32)frame->level;
  taken_misr = misr();
  set_hcr(0);
  end(main_group, taken_id);
}
static u64 unmasked(u64 unused) {
  unmask_irq();
  for (volatile u32 i = 0; i < 100; i++) continue;
  mask_irq();
  return unused;
}

static void exception_cases(void) {
  begin();
  cpu()->irq = take;
  taken_id = taken_level = 0;
  gic_enable(MAINTENANCE);
  set_hcr(HCR_EN | HCR_UIE);
  call_at(1, unmasked, 0);
  CASE("exception", "EL=%u IAR=%u MISR=0x%x", taken_level, taken_id, taken_misr);
  gic_disable(MAINTENANCE);
}

void maintenance_cases(void) {
  end_cases();
  underflow_cases();
  no_pending_cases();
  not_present_cases();
  group_enable_cases();
  exception_cases();
  set_hcr(0);
  write_register(hcr_el2, HCR_RW);
}
