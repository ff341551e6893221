// Virtual interrupts out of list registers: what the guest sees, and what it leaves behind
// (IHI 0048B 5.2 to 5.5; IHI 0069 6.3).
#include "guest.h"

#define GROUP "virtual"

static void life_cases(void) {
  fresh_guest();
  CASE("idle", "ISR=0x%lx IAR=%u HPPIR=%u RPR=0x%x ELRSR=0x%x", guest_isr(), guest_acknowledge(main_group), guest_highest(main_group),
       guest_running(), elrsr());
  set_list(0, 50, 0x80, PENDING);
  CASE("pending", "ISR=0x%lx HPPIR=%u ELRSR=0x%x state=%u", guest_isr(), guest_highest(main_group), elrsr(), list_state(0));
  u32 taken = guest_acknowledge(main_group);
  CASE("acknowledged", "IAR=%u ISR=0x%lx RPR=0x%x APR=0x%x ELRSR=0x%x state=%u", taken, guest_isr(), guest_running(),
       virtual_active(main_group), elrsr(), list_state(0));
  guest_end(main_group, taken);
  CASE("ended", "ISR=0x%lx RPR=0x%x APR=0x%x ELRSR=0x%x state=%u", guest_isr(), guest_running(), virtual_active(main_group), elrsr(), list_state(0));
  set_list(1, 51, 0x80, BOTH);
  u64 isr = guest_isr();
  taken = guest_acknowledge(main_group);
  CASE("pending-and-active", "ISR=0x%lx IAR=%u state=%u", isr, taken, list_state(1));
}

static void off_cases(void) {
  fresh_guest();
  set_list(0, 50, 0x80, PENDING);
  set_hcr(0);
  u64 isr = guest_isr();
  CASE("disabled/hcr", "ISR=0x%lx IAR=%u", isr, guest_acknowledge(main_group));
  fresh_guest();
  set_list(0, 50, 0x80, PENDING);
  guest_groups(0, 0);
  isr = guest_isr();
  CASE("disabled/group", "ISR=0x%lx IAR=%u", isr, guest_acknowledge(main_group));
  fresh_guest();
  set_list(0, 50, 0x80, PENDING);
  guest_mask(0x80);
  isr = guest_isr();
  u32 masked = guest_acknowledge(main_group);
  guest_mask(0x88);
  CASE("mask", "ISR=0x%lx IAR=%u then ISR=0x%lx", isr, masked, guest_isr());
}

static void order_cases(void) {
  fresh_guest();
  set_list(0, 50, 0x80, PENDING);
  set_list(1, 51, 0x40, PENDING);
  set_list(2, 52, 0xc0, PENDING);
  u32 order[3];
  for (u32 i = 0; i < 3; i++) {
    order[i] = guest_acknowledge(main_group);
    guest_end(main_group, order[i]);
  }
  CASE("order", "%u %u %u", order[0], order[1], order[2]);
  fresh_guest();
  u32 rpr[3], apr[3];
  for (u32 i = 0; i < 3; i++) {
    set_list(i, 50 + i, 0xc0 - 0x40 * i, PENDING);
    order[i] = guest_acknowledge(main_group);
    rpr[i] = guest_running(), apr[i] = virtual_active(main_group);
  }
  CASE("preemption", "%u %u %u RPR=0x%x,0x%x,0x%x APR=0x%x,0x%x,0x%x", order[0], order[1], order[2], rpr[0], rpr[1], rpr[2], apr[0], apr[1], apr[2]);
  for (u32 i = 3; i-- > 0;) {
    guest_end(main_group, 50 + i);
    rpr[i] = guest_running(), apr[i] = virtual_active(main_group);
  }
  CASE("unwinding", "RPR=0x%x,0x%x,0x%x APR=0x%x,0x%x,0x%x", rpr[2], rpr[1], rpr[0], apr[2], apr[1], apr[0]);
  fresh_guest();
  set_list(0, 50, 0x40, PENDING);
  guest_acknowledge(main_group);
  set_list(1, 51, 0x80, PENDING);
  u64 isr = guest_isr();
  CASE("no-preemption", "ISR=0x%lx IAR=%u", isr, guest_acknowledge(main_group));
}

// For each binary point: which priorities preempt a running one of 0xb0.
static void binary_point_cases(void) {
  static const u32 priorities[] = {0xb8, 0xb0, 0xa8, 0xa0, 0x90, 0x80, 0x40, 0x00};
  for (u32 value = 0; value < 8; value++) {
    fresh_guest();
    guest_binary_point(main_group, value);
    u32 shown = guest_get_binary_point(main_group), preempts = 0;
    set_list(0, 50, 0xb0, PENDING);
    guest_acknowledge(main_group);
    for (u32 i = 0; i < ARRAY_LENGTH(priorities); i++) {
      set_list(1, 51, priorities[i], PENDING);
      u32 second = guest_acknowledge(main_group);
      if (second == 51) {
        preempts |= 1u << i;
        guest_end(main_group, 51);
      }
      set_list(1, 0, 0, INVALID);
    }
    print("case virtual/binary-point/%u: BPR=%u preempts=0x%02x\n", value, shown, preempts);
  }
}

// The guest's split end: EOIR drops the priority, DIR deactivates.
static void split_cases(void) {
  fresh_guest();
  guest_split_end(1);
  set_list(0, 50, 0x80, PENDING);
  guest_acknowledge(main_group);
  guest_end(main_group, 50);
  u32 state = list_state(0), rpr = guest_running();
  guest_deactivate(50);
  CASE("split-end", "state=%u RPR=0x%x then state=%u", state, rpr, list_state(0));
}

// With the HW bit the guest's end deactivates the physical interrupt.
static void hardware_cases(void) {
  for (u32 split = 0; split < 2; split++) {
    fresh_guest();
    set_modes(1, 0);
    guest_split_end(split);
    gic_set_pending(SPI_A);
    u32 physical = acknowledge(main_group);
    end(main_group, physical);
    set_list_hardware(0, 50, SPI_A);
    u32 before = gic_is_active(SPI_A), taken = guest_acknowledge(main_group), during = gic_is_active(SPI_A);
    guest_end(main_group, taken);
    u32 after = gic_is_active(SPI_A), state = list_state(0);
    if (split) guest_deactivate(taken);
    CASE(split ? "hardware/split-end" : "hardware/end", "IAR=%u active=%u,%u,%u,%u state=%u,%u", taken, before, during, after,
         gic_is_active(SPI_A), state, list_state(0));
  }
  fresh_guest();
}

static void vmcr_cases(void) {
  fresh_guest();
  guest_mask(0x58);
  guest_binary_point(0, 5);
  guest_binary_point(1, 6);
  CASE("vmcr/from-guest", "0x%x", get_vmcr());
  set_vmcr(0xa8600003 | 3 << 18);
  CASE("vmcr/to-guest", "PMR=0x%x BPR0=%u BPR1=%u", guest_get_mask(), guest_get_binary_point(0), guest_get_binary_point(1));
}

static void virtual_group_cases(void) {
  fresh_guest();
  guest_groups(1, 1);
  set_list_group(0, 50, 0x80, PENDING, 0);
  set_list_group(1, 51, 0x40, PENDING, 1);
  u64 isr = guest_isr();
  u32 highest = guest_highest(1), one = guest_acknowledge(1);
  CASE("group/1-first", "ISR=0x%lx HPPIR1=%u IAR1=%u", isr, highest, one);
  guest_end(1, one);
  isr = guest_isr();
  u32 wrong = guest_acknowledge(1), zero = guest_acknowledge(0);
  CASE("group/0-then", "ISR=0x%lx IAR1=%u IAR0=%u", isr, wrong, zero);
  guest_end(0, zero);
}

static u32 taken_at, taken_id;
static void take_at_el1(struct frame *frame) {
  taken_at = (u32)frame->level;
  taken_id = gic_version == 2 ? mmio32(GICV + 0xc) : (u32)read_register(ICC_IAR1_EL1);
  if (gic_version == 2) mmio32(GICV + 0x10) = taken_id;
  else write_register(ICC_EOIR1_EL1, taken_id);
  isb();
}
static u64 unmasked(u64 unused) {
  unmask_irq();
  for (volatile u32 i = 0; i < 100; i++) continue;
  mask_irq();
  return unused;
}

static void exception_cases(void) {
  fresh_guest();
  cpu()->irq = take_at_el1;
  taken_at = taken_id = 0;
  set_list(0, 50, 0x80, PENDING);
  call_at(1, unmasked, 0);
  CASE("exception", "EL=%u IAR=%u state=%u", taken_at, taken_id, list_state(0));
}

void virtual_cases(void) {
  mmu_on(1);
  life_cases();
  off_cases();
  order_cases();
  binary_point_cases();
  split_cases();
  hardware_cases();
  vmcr_cases();
  virtual_group_cases();
  exception_cases();
  set_hcr(0);
  write_register(hcr_el2, HCR_RW);
}
