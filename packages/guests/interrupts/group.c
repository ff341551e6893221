// Groups 0 and 1: FIQ and IRQ, what each acknowledge register gives, each group's enable and binary point
// (IHI 0048B 3.8; IHI 0069 4.6). One security state.
#include "interrupts.h"

#define GROUP "group"

static u32 irqs, fiqs, last;
static void irq(struct frame *frame) {
  (void)frame;
  last = acknowledge(1);
  irqs++;
  end(1, last);
  gic_clear_pending(SPI_B); // should it not have been acknowledged
}
static void fiq(struct frame *frame) {
  (void)frame;
  last = acknowledge(0);
  fiqs++;
  end(0, last);
}

static void both(void) {
  fresh();
  enable_groups(1, 1);
  set_group(SPI_A, 0);
  set_group(SPI_B, 1);
}

static void acknowledge_cases(void) {
  both();
  gic_set_pending(SPI_A);
  dsb();
  CASE("group-0/isr", "ISR=0x%lx", read_register(isr_el1));
  CASE("group-0/hppir", "HPPIR0=%u HPPIR1=%u", highest_pending(0), highest_pending(1));
  u32 wrong = acknowledge(1), right = acknowledge(0);
  CASE("group-0/iar", "IAR1=%u IAR0=%u RPR=0x%x", wrong, right, running_priority());
  CASE("group-0/apr", "AP0R=0x%x AP1R=0x%x", active_priorities(0), active_priorities(1));
  end(0, right);
  both();
  gic_set_pending(SPI_B);
  dsb();
  CASE("group-1/isr", "ISR=0x%lx", read_register(isr_el1));
  CASE("group-1/hppir", "HPPIR0=%u HPPIR1=%u", highest_pending(0), highest_pending(1));
  wrong = acknowledge(0), right = acknowledge(1);
  CASE("group-1/iar", "IAR0=%u IAR1=%u RPR=0x%x", wrong, right, running_priority());
  CASE("group-1/apr", "AP0R=0x%x AP1R=0x%x", active_priorities(0), active_priorities(1));
  end(1, right);
}

static void enable_cases(void) {
  both();
  enable_groups(0, 1);
  gic_set_pending(SPI_A);
  dsb();
  u64 isr = read_register(isr_el1);
  gic_priority(SPI_A, 0x40); // pending and better, but its group is off
  gic_set_pending(SPI_B);
  dsb();
  u32 taken = acknowledge(1);
  end(1, taken);
  CASE("disabled-0", "ISR=0x%lx IAR1=%u", isr, taken);
  both();
  enable_groups(1, 0);
  gic_set_pending(SPI_B);
  dsb();
  isr = read_register(isr_el1);
  CASE("disabled-1", "ISR=0x%lx IAR0=%u", isr, acknowledge(0));
}

static void exception_cases(void) {
  both();
  irqs = fiqs = last = 0;
  cpu()->irq = irq;
  cpu()->fiq = fiq;
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
  isb();
  unmask_all();
  gic_set_pending(SPI_A);
  dsb();
  for (volatile u32 i = 0; i < 100; i++) continue;
  u32 f = fiqs, first = last;
  gic_set_pending(SPI_B);
  dsb();
  for (volatile u32 i = 0; i < 100; i++) continue;
  mask_all();
  CASE("exceptions", "FIQs=%u id=%u IRQs=%u id=%u", f, first, irqs, last);
  if (entry_level == 2) write_register(hcr_el2, HCR_RW);
}

// Group 1's binary point is its own, or group 0's with CBPR; its least value is one more.
static void binary_point_cases(void) {
  both();
  set_binary_point(0, 0);
  set_binary_point(1, 0);
  CASE("binary-point/least", "BPR0=%u BPR1=%u", get_binary_point(0), get_binary_point(1));
  set_binary_point(0, 4);
  set_binary_point(1, 6);
  CASE("binary-point/own", "BPR0=%u BPR1=%u", get_binary_point(0), get_binary_point(1));
  set_modes(0, 1);
  CASE("binary-point/common", "BPR0=%u BPR1=%u", get_binary_point(0), get_binary_point(1));
  set_modes(0, 0);
  CASE("binary-point/own-again", "BPR0=%u BPR1=%u", get_binary_point(0), get_binary_point(1));
}

void group_cases(void) {
  acknowledge_cases();
  enable_cases();
  exception_cases();
  binary_point_cases();
}
