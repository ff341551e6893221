// Priorities: order, mask, grouping by the binary point, active priorities, the two ways to end
// (IHI 0048B 3.3; IHI 0069 4.8).
#include "interrupts.h"

#define GROUP "priority"

static void order_cases(void) {
  fresh();
  gic_priority(SPI_A, 0x80);
  gic_priority(SPI_B, 0x40);
  gic_priority(SPI_C, 0xc0);
  gic_priority(SPI_D, 0x40);
  for (u32 i = SPI_A; i <= SPI_D; i++) gic_set_pending(i);
  u32 order[5];
  for (u32 i = 0; i < 5; i++) {
    order[i] = acknowledge(main_group);
    if (order[i] < 1020) end(main_group, order[i]);
  }
  CASE("order", "%u %u %u %u %u", order[0], order[1], order[2], order[3], order[4]);
}

static void mask_cases(void) {
  fresh();
  CASE("mask/bits", "PMR=0x%x", get_mask());
  set_mask(0);
  CASE("mask/zero", "PMR=0x%x", get_mask());
  gic_set_pending(SPI_A);
  static const u32 masks[] = {0x00, 0x78, 0x80, 0x88, 0xff};
  for (u32 i = 0; i < ARRAY_LENGTH(masks); i++) {
    set_mask(masks[i]);
    dsb();
    u64 isr = read_register(isr_el1);
    u32 taken = acknowledge(main_group);
    if (taken < 1020) {
      end(main_group, taken);
      gic_set_pending(SPI_A);
    }
    print("case priority/mask/0x%x: ISR=0x%lx IAR=%u\n", masks[i], isr, taken);
  }
  fresh();
  gic_set_pending(SPI_A);
  set_mask(0x80);
  CASE("mask/hppir", "HPPIR=%u", highest_pending(main_group));
}

static void running_cases(void) {
  fresh();
  gic_priority(SPI_A, 0xc0);
  gic_priority(SPI_B, 0x80);
  gic_priority(SPI_C, 0x40);
  u32 rpr[7], apr[7], i = 0;
  rpr[i] = running_priority(), apr[i++] = active_priorities(main_group);
  u32 taken[3];
  for (u32 j = 0; j < 3; j++) {
    gic_set_pending(SPI_A + j);
    taken[j] = acknowledge(main_group);
    rpr[i] = running_priority(), apr[i++] = active_priorities(main_group);
  }
  for (u32 j = 3; j-- > 0;) {
    end(main_group, taken[j]);
    rpr[i] = running_priority(), apr[i++] = active_priorities(main_group);
  }
  CASE("running", "RPR=%x,%x,%x,%x,%x,%x,%x", rpr[0], rpr[1], rpr[2], rpr[3], rpr[4], rpr[5], rpr[6]);
  CASE("active", "APR=%x,%x,%x,%x,%x,%x,%x", apr[0], apr[1], apr[2], apr[3], apr[4], apr[5], apr[6]);
}

// For each binary point: which of these priorities preempt one of 0xb0.
static void binary_point_cases(void) {
  static const u32 priorities[] = {0xb8, 0xb0, 0xa8, 0xa0, 0x90, 0x80, 0x40, 0x00};
  for (u32 value = 0; value < 8; value++) {
    fresh();
    set_binary_point(main_group, value);
    u32 shown = get_binary_point(main_group), preempts = 0;
    gic_priority(SPI_A, 0xb0);
    gic_set_pending(SPI_A);
    u32 taken = acknowledge(main_group), rpr = running_priority();
    for (u32 i = 0; i < ARRAY_LENGTH(priorities); i++) {
      gic_priority(SPI_B, priorities[i]);
      gic_set_pending(SPI_B);
      u32 second = acknowledge(main_group);
      if (second < 1020) {
        preempts |= 1u << i;
        end(main_group, second);
      }
      gic_clear_pending(SPI_B);
    }
    end(main_group, taken);
    print("case priority/binary-point/%u: BPR=%u RPR=0x%x preempts=0x%02x\n", value, shown, rpr, preempts);
  }
}

static u32 state(u32 interrupt) {
  dsb();
  return gic_is_pending(interrupt) | gic_is_active(interrupt) << 1;
}

// With EOImode the end drops the priority, and the interrupt stays active until DIR.
static void end_cases(void) {
  fresh();
  set_modes(1, 0);
  gic_set_pending(SPI_A);
  u32 taken = acknowledge(main_group), running = running_priority();
  end(main_group, taken);
  u32 dropped = running_priority(), active = state(SPI_A);
  gic_set_pending(SPI_A);
  u32 blocked = acknowledge(main_group);
  gic_set_pending(SPI_B);
  u32 other = acknowledge(main_group);
  end(main_group, other);
  deactivate(other);
  deactivate(taken);
  u32 freed = state(SPI_A), again = acknowledge(main_group);
  end(main_group, again);
  deactivate(again);
  CASE("split-end/priority", "RPR=0x%x,0x%x", running, dropped);
  CASE("split-end/state", "%u %u %u", active, freed, state(SPI_A));
  CASE("split-end/values", "blocked=%u other=%u again=%u", blocked, other, again);
  fresh();
  end(main_group, NONE);
  CASE("end-of-spurious", "RPR=0x%x", running_priority());
}

void priority_cases(void) {
  order_cases();
  mask_cases();
  running_cases();
  binary_point_cases();
  end_cases();
}
