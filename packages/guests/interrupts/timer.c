// The generic timers (DDI 0487 D11): conditions, masks, interrupts, the virtual offset, the event stream.
#include "interrupts.h"

#define GROUP "timer"

#define TIMER(name, control, compare, value, count)                                                \
  static u64 name##_get_control(void) { return read_register(control); }                           \
  static void name##_set_control(u64 v) { write_register(control, v); isb(); }                     \
  static u64 name##_get_compare(void) { return read_register(compare); }                           \
  static void name##_set_compare(u64 v) { write_register(compare, v); isb(); }                     \
  static u64 name##_get_value(void) { return read_register(value); }                               \
  static void name##_set_value(u64 v) { write_register(value, v); isb(); }                         \
  static u64 name##_count(void) { isb(); return read_register(count); }

TIMER(physical, cntp_ctl_el0, cntp_cval_el0, cntp_tval_el0, cntpct_el0)
TIMER(virtual, cntv_ctl_el0, cntv_cval_el0, cntv_tval_el0, cntvct_el0)
TIMER(hypervisor, cnthp_ctl_el2, cnthp_cval_el2, cnthp_tval_el2, cntpct_el0)

struct timer {
  const char *name;
  u32 interrupt;
  u64 (*get_control)(void);
  void (*set_control)(u64);
  u64 (*get_compare)(void);
  void (*set_compare)(u64);
  u64 (*get_value)(void);
  void (*set_value)(u64);
  u64 (*count)(void);
};
#define ROW(name, interrupt)                                                                       \
  {#name, interrupt, name##_get_control, name##_set_control, name##_get_compare, name##_set_compare, name##_get_value, name##_set_value, name##_count}
static const struct timer timers[] = {ROW(physical, 30), ROW(virtual, 27), ROW(hypervisor, 26)};

#define FAR (1ul << 60)

static u32 line(const struct timer *t) {
  for (volatile u32 i = 0; i < 20; i++) continue;
  dsb();
  return gic_is_pending(t->interrupt);
}

static void named(const struct timer *t, const char *name) {
  print("case timer/%s/%s: ", t->name, name);
}

static void condition_cases(const struct timer *t) {
  t->set_control(0);
  t->set_compare(FAR);
  u32 off = line(t);
  t->set_control(1);
  u64 future = t->get_control();
  u32 far = line(t);
  t->set_compare(0);
  u64 past = t->get_control();
  u32 met = line(t);
  t->set_control(3);
  u64 masked = t->get_control();
  u32 hidden = line(t);
  t->set_control(1);
  u32 again = line(t);
  t->set_compare(FAR);
  named(t, "condition");
  print("CTL=%lu,%lu,%lu line=%u,%u,%u,%u,%u,%u\n", future, past, masked, off, far, met, hidden, again, line(t));
  t->set_compare(0);
  t->set_control(0);
  named(t, "disabled");
  print("line=%u ENABLE=%lu\n", line(t), t->get_control() & 1);
  t->set_compare(0xfedcba9876543210);
  named(t, "compare");
  print("CVAL=0x%lx CTL=%lu\n", t->get_compare(), (t->set_control(1), t->get_control()));
  t->set_control(0);
}

// TVAL is a signed 32-bit view of CVAL minus the count.
static void value_cases(const struct timer *t) {
  u64 before = t->count();
  t->set_value(0x10000000);
  u64 distance = t->get_compare() - before;
  u32 shown = (u32)t->get_value();
  named(t, "value");
  print("CVAL=%s TVAL=%s\n", distance >= 0x10000000 && distance < 0x18000000 ? "count+value" : "wrong",
        shown <= 0x10000000 && shown > 0x8000000 ? "counts down" : "wrong");
  before = t->count();
  t->set_value(0xffffffff00000000 | (u32)-1000);
  t->set_control(1);
  u64 compare = t->get_compare(), after = t->count();
  named(t, "value-negative");
  print("CVAL=%s CTL=%lu TVAL=%s upper=0x%lx\n", compare + 1000 >= before && compare + 1000 <= after ? "count-1000" : "wrong", t->get_control(),
        (s32)t->get_value() < -999 ? "negative" : "wrong", t->get_value() >> 32);
  t->set_control(0);
}

static volatile u32 taken;
static const struct timer *current;
static void take(struct frame *frame) {
  (void)frame;
  u32 id = acknowledge(main_group);
  if (id < 1020) taken = taken ? 9999 : id;
  current->set_control(0);
  end(main_group, id);
}

static void interrupt_cases(const struct timer *t) {
  fresh();
  set_group(t->interrupt, main_group);
  gic_priority(t->interrupt, 0x80);
  gic_enable(t->interrupt);
  current = t;
  cpu()->irq = take;
  taken = 0;
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO);
  u64 start = t->count();
  t->set_compare(start + 20000);
  t->set_control(1);
  while (!(read_register(isr_el1) & 0x80)) asm volatile("wfi" ::: "memory");
  u64 end_time = t->count();
  u32 before = taken;
  unmask_irq();
  for (volatile u32 i = 0; i < 50; i++) continue;
  mask_irq();
  named(t, "interrupt");
  print("early=%u taken=%u %s\n", before, taken, end_time >= start + 20000 ? "not before its time" : "too early");
  gic_disable(t->interrupt);
  if (entry_level == 2) write_register(hcr_el2, HCR_RW);
}

static u64 read_virtual(u64 unused) {
  (void)unused;
  isb();
  return read_register(cntvct_el0);
}

static void offset_cases(void) {
  static const u64 offsets[] = {0, 1ul << 40, ~0ul - 12345, 1ul << 63};
  for (u32 i = 0; i < ARRAY_LENGTH(offsets); i++) {
    write_register(cntvoff_el2, offsets[i]);
    isb();
    u64 before = physical_count(), at_el1 = call_at(1, read_virtual, 0) + offsets[i], after = physical_count();
    u64 own = virtual_count() + offsets[i], later = physical_count();
    print("case timer/offset/0x%lx: EL1 %s EL2 %s\n", offsets[i], at_el1 - before <= after - before ? "right" : "wrong",
          own - after <= later - after ? "right" : "wrong");
  }
  write_register(cntvoff_el2, physical_count() - 1000000);
  virtual_set_compare(FAR);
  virtual_set_control(1);
  virtual_set_compare(900000);
  u64 met = virtual_get_control();
  write_register(cntvoff_el2, physical_count());
  virtual_set_compare(1ul << 50);
  u64 unmet = virtual_get_control();
  write_register(cntvoff_el2, physical_count() - (1ul << 51));
  isb();
  u64 again = virtual_get_control();
  virtual_set_control(0);
  write_register(cntvoff_el2, 0);
  isb();
  CASE("offset/condition", "CTL=%lu,%lu,%lu", met, unmet, again);
}

// The event stream wakes a WFE that nothing else wakes: without it this hangs.
static void event_cases(void) {
  u64 kept = read_register(cntkctl_el1);
  write_register(cntkctl_el1, kept | 1 << 2 | 8 << 4);
  isb();
  u64 start = virtual_count();
  for (u32 i = 0; i < 10; i++) wfe();
  u64 duration = virtual_count() - start;
  write_register(cntkctl_el1, kept);
  isb();
  CASE("event-stream/virtual", "ten waits %s", duration < 1000000000 ? "end" : "take too long");
  if (entry_level < 2) return;
  kept = read_register(cnthctl_el2);
  write_register(cnthctl_el2, kept | 1 << 2 | 1 << 3 | 8 << 4);
  isb();
  for (u32 i = 0; i < 10; i++) wfe();
  write_register(cnthctl_el2, kept);
  isb();
  CASE("event-stream/physical", "ten waits end");
}

static void counter_cases(void) {
  u64 last = virtual_count(), back = 0;
  for (u32 i = 0; i < 1000; i++) {
    u64 now = virtual_count();
    back += now < last;
    last = now;
  }
  CASE("counter/monotonic", "back=%lu", back);
  CASE("counter/frequency", "%lu", read_register(cntfrq_el0));
}

void timer_cases(void) {
  fresh();
  for (u32 i = 0; i < 3; i++) {
    if (i == 2 && entry_level < 2) break;
    condition_cases(&timers[i]);
    value_cases(&timers[i]);
    interrupt_cases(&timers[i]);
  }
  if (entry_level == 2) offset_cases();
  event_cases();
  counter_cases();
}
