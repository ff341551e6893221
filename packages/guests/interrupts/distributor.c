// The distributor: states of an interrupt, edge and level, enables (IHI 0048B 3.2, 4.3; IHI 0069 4.2, 12.9).
#include "interrupts.h"

#define GROUP "gic"
#define TIMER 27

static u32 state(u32 interrupt) {
  dsb();
  return gic_is_pending(interrupt) | gic_is_active(interrupt) << 1;
}

static void edge_cases(void) {
  fresh();
  CASE("idle", "IAR=%u HPPIR=%u RPR=0x%x", acknowledge(main_group), highest_pending(main_group), running_priority());
  gic_set_pending(SPI_A);
  u32 pending = state(SPI_A), first = highest_pending(main_group), taken = acknowledge(main_group), active = state(SPI_A);
  gic_set_pending(SPI_A);
  u32 both = state(SPI_A);
  u32 blocked = acknowledge(main_group);
  end(main_group, taken);
  u32 again = state(SPI_A), second = acknowledge(main_group);
  end(main_group, second);
  CASE("edge/states", "%u %u %u %u %u", pending, active, both, again, state(SPI_A));
  CASE("edge/values", "HPPIR=%u IAR=%u blocked=%u again=%u", first, taken, blocked, second);
  fresh();
  gic_set_pending(SPI_A);
  gic_clear_pending(SPI_A);
  CASE("edge/cleared", "state=%u IAR=%u", state(SPI_A), acknowledge(main_group));
}

static void enable_cases(void) {
  fresh();
  gic_disable(SPI_A);
  gic_set_pending(SPI_A);
  u32 off = acknowledge(main_group), pending = state(SPI_A);
  gic_enable(SPI_A);
  u32 on = acknowledge(main_group);
  end(main_group, on);
  CASE("enable/later", "off=%u state=%u on=%u", off, pending, on);
  fresh();
  gic_set_pending(SPI_A);
  u32 control = mmio32(GICD);
  mmio32(GICD) = control & ~3u;
  while (gic_version == 3 && mmio32(GICD) >> 31) continue;
  u32 without = acknowledge(main_group), visible = state(SPI_A);
  mmio32(GICD) = control;
  u32 with = acknowledge(main_group);
  end(main_group, with);
  CASE("enable/distributor", "off=%u state=%u on=%u", without, visible, with);
  gic_set_pending(SPI_A);
  enable_groups(0, 0);
  without = acknowledge(main_group);
  u64 isr = read_register(isr_el1);
  enable_groups(main_group == 0, main_group == 1);
  with = acknowledge(main_group);
  end(main_group, with);
  CASE("enable/cpu-interface", "off=%u ISR=0x%lx on=%u", without, isr, with);
}

static void active_cases(void) {
  fresh();
  set_active(SPI_A, 1);
  gic_set_pending(SPI_A);
  u32 blocked = acknowledge(main_group), both = state(SPI_A);
  set_active(SPI_A, 0);
  u32 freed = acknowledge(main_group);
  end(main_group, freed);
  CASE("active/by-register", "blocked=%u state=%u freed=%u", blocked, both, freed);
}

static void timer(u32 asserted) {
  write_register(cntv_cval_el0, asserted ? 0 : ~0ul >> 1);
  write_register(cntv_ctl_el0, 1);
  isb();
  while (((read_register(cntv_ctl_el0) >> 2) & 1) != asserted) continue;
  dsb();
}

// The virtual timer is a level: pending as long as it is asserted, and again after the end.
static void level_cases(void) {
  fresh();
  set_group(TIMER, main_group);
  gic_priority(TIMER, 0x80);
  gic_enable(TIMER);
  timer(1);
  u32 pending = state(TIMER);
  gic_clear_pending(TIMER);
  u32 cleared = state(TIMER), taken = acknowledge(main_group), active = state(TIMER);
  end(main_group, taken);
  u32 again = state(TIMER), second = acknowledge(main_group);
  timer(0);
  u32 low = state(TIMER);
  end(main_group, second);
  CASE("level/states", "%u %u %u %u %u %u", pending, cleared, active, again, low, state(TIMER));
  CASE("level/values", "IAR=%u again=%u after=%u", taken, second, acknowledge(main_group));
  timer(1);
  timer(0);
  CASE("level/withdrawn", "state=%u IAR=%u", state(TIMER), acknowledge(main_group));
  write_register(cntv_ctl_el0, 0);
  gic_disable(TIMER);
  set_edge(SPI_B, 0);
  gic_set_pending(SPI_B);
  u32 latched = state(SPI_B);
  taken = acknowledge(main_group);
  active = state(SPI_B);
  end(main_group, taken);
  CASE("level/latch", "%u IAR=%u %u %u", latched, taken, active, state(SPI_B));
}

static void register_cases(void) {
  fresh();
  u32 lines = mmio32(GICD + 4) & 31;
  CASE("register/lines", "%u", (lines + 1) * 32);
  mmio32(GICD + 0x100 + 4) = 0;
  CASE("register/enable-zero", "%u", (mmio32(GICD + 0x104) >> 8 & 15));
  mmio32(GICD + 0x180 + 4) = 1 << 8;
  CASE("register/clear-enable", "set=0x%x clear=0x%x", mmio32(GICD + 0x104) >> 8 & 15, mmio32(GICD + 0x184) >> 8 & 15);
  mmio32(GICD + 0x400 + SPI_A) = 0x20406080;
  CASE("register/priority-word", "%u %u %u %u", mmio8(GICD + 0x400 + SPI_A), mmio8(GICD + 0x401 + SPI_A), mmio8(GICD + 0x402 + SPI_A),
       mmio8(GICD + 0x403 + SPI_A));
  CASE("register/beyond", "enable=0x%x priority=0x%x", mmio32(GICD + 0x100 + 124) >> 28, mmio32(GICD + 0x400 + 1020));
  set_edge(SPI_A, 0);
  u32 level = mmio32(GICD + 0xc00 + 8) >> 16 & 0xff;
  set_edge(SPI_A, 1);
  CASE("register/configuration", "level=0x%x edge=0x%x", level, mmio32(GICD + 0xc00 + 8) >> 16 & 0xff);
  u32 sgis = mmio32((gic_version == 3 ? GICR + 0x10000 : GICD) + 0xc00);
  CASE("register/sgi-configuration", "0x%x", sgis);
}

static u32 count;
static void take(struct frame *frame) {
  (void)frame;
  u32 taken = acknowledge(main_group);
  if ((taken & 0x3ff) < 1020) count++;
  end(main_group, taken);
}

static void sgi_cases(void) {
  fresh();
  set_group(3, main_group);
  gic_priority(3, 0x80);
  gic_enable(3);
  gic_sgi(1, 3);
  u32 pending = state(3), taken = acknowledge(main_group), active = state(3);
  gic_sgi(1, 3);
  u32 both = state(3);
  end(main_group, taken);
  u32 again = acknowledge(main_group);
  end(main_group, again);
  CASE("sgi/states", "%u %u %u %u", pending, active, both, state(3));
  CASE("sgi/values", "IAR=0x%x again=0x%x", taken, again);
  cpu()->irq = take;
  count = 0;
  unmask_irq();
  for (u32 i = 0; i < 5; i++) gic_sgi(1, 3);
  for (volatile u32 i = 0; i < 100; i++) continue;
  mask_irq();
  CASE("sgi/taken", "%u", count);
  if (gic_version == 2) {
    mmio8(GICD + 0xf20 + 3) = 1;
    u32 set = mmio8(GICD + 0xf20 + 3), seen = mmio8(GICD + 0xf10 + 3);
    mmio8(GICD + 0xf10 + 3) = 1;
    CASE("sgi/pending-registers", "%u %u %u", set, seen, mmio8(GICD + 0xf20 + 3));
  }
  gic_disable(3);
}

void distributor_cases(void) {
  edge_cases();
  enable_cases();
  active_cases();
  level_cases();
  register_cases();
  sgi_cases();
}
