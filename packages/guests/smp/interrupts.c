// Interrupts between CPUs (IHI 0048B 3.2, 4.3; IHI 0069 3.3, 4.5): SGIs and their filters, banked private
// interrupts, targets of shared ones, each CPU's own timer.
#include "smp.h"

#define GROUP "interrupt"

static volatile u64 taken[CPUS], last[CPUS], ready;

static void take(struct frame *frame) {
  (void)frame;
  u32 self = cpu_number(), acknowledged = gic_acknowledge();
  if ((acknowledged & 0x3ff) >= 1020) return; // another CPU was faster
  last[self] = acknowledged;
  gic_end(acknowledged);
  asm volatile("dmb sy" ::: "memory");
  taken[self]++;
}

#define SPI 40
static void prepare(u64 unused) {
  (void)unused;
  if (entry_level == 2) write_register(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
  gic_init_cpu();
  for (u32 i = 0; i < 16; i++) gic_enable(i);
  cpu()->irq = take;
  unmask_irq();
}

static void forget(void) {
  for (u32 i = 0; i < CPUS; i++) taken[i] = last[i] = 0;
  asm volatile("dmb sy" ::: "memory");
}

// Waits until that many interrupts are taken in all, and a little longer for one too many.
static void settle(u64 count) {
  for (u32 i = 0; i < 200000 && taken[0] + taken[1] + taken[2] + taken[3] < count; i++) yield();
  for (volatile u32 i = 0; i < 2000; i++) continue;
}

static void report(const char *name) {
  CASE(name, "taken=%lu,%lu,%lu,%lu last=0x%lx,0x%lx,0x%lx,0x%lx", taken[0], taken[1], taken[2], taken[3], last[0], last[1], last[2], last[3]);
}

static void one_sgi(const char *name, u32 mask, u32 interrupt, u64 count) {
  forget();
  gic_sgi(mask, interrupt);
  settle(count);
  report(name);
}

static void send(u64 what) {
  gic_sgi((u32)what >> 8, what & 15);
}

static void sgi_cases(void) {
  one_sgi("sgi/to-1", 2, 3, 1);
  one_sgi("sgi/to-2-and-3", 12, 7, 2);
  one_sgi("sgi/to-self", 1, 1, 1);
  one_sgi("sgi/to-all", 15, 15, 4);
  one_sgi("sgi/to-none", 0, 2, 0);
  forget();
  dsb();
  if (gic_version == 2) mmio32(GICD + 0xf00) = 1 << 24 | 4;
  else write_register(ICC_SGI1R_EL1, 1ul << 40 | 4ul << 24);
  settle(3);
  report("sgi/all-but-self");
  forget();
  if (gic_version == 2) {
    mmio32(GICD + 0xf00) = 2 << 24 | 5;
    settle(1);
    report("sgi/self-filter");
    forget();
  }
  run_on(2, send, 1 << 8 | 9);
  settle(1);
  wait_for(2);
  report("sgi/from-2");
}

// Two CPUs send the same SGI while it is masked: a GICv2 keeps them apart by their sources, a GICv3 does not.
static void two_sources(void) {
  mask_irq();
  forget();
  for (u32 i = 2; i < 4; i++) {
    run_on(i, send, 1 << 8 | 8);
    wait_for(i);
  }
  u32 sources = 0, count = 0;
  for (;;) {
    u32 acknowledged = gic_acknowledge();
    if ((acknowledged & 0x3ff) >= 1020) break;
    sources |= 1u << (acknowledged >> 10 & 7);
    count++;
    gic_end(acknowledged);
  }
  CASE("sgi/two-sources", "count=%u sources=0x%x", count, sources);
  unmask_irq();
}

static void enable_private(u64 interrupt) {
  gic_enable((u32)interrupt);
}
static volatile u64 enabled[CPUS];
static void read_enabled(u64 unused) {
  (void)unused;
  u64 base = gic_version == 3 ? GICR + cpu_number() * 0x20000 + 0x10000 : GICD;
  enabled[cpu_number()] = mmio32(base + 0x100) & 0xffff0000;
}

// Interrupts 16 to 31 and their registers are each CPU's own.
static void banked(void) {
  run_on(1, enable_private, 22);
  wait_for(1);
  read_enabled(0);
  for (u32 i = 1; i < 3; i++) {
    run_on(i, read_enabled, 0);
    wait_for(i);
  }
  CASE("private/banked", "enabled=0x%lx,0x%lx,0x%lx", enabled[0], enabled[1], enabled[2]);
  forget();
  gic_enable(23);
  gic_set_pending(23);
  settle(1);
  report("private/set-pending");
}

static void spi_cases(void) {
  static const char *const names[] = {"spi/to-0", "spi/to-1", "spi/to-2", "spi/to-3"};
  gic_enable(SPI);
  for (u32 i = 0; i < CPUS; i++) {
    forget();
    gic_target(SPI, i);
    dsb();
    gic_set_pending(SPI);
    settle(1);
    report(names[i]);
  }
  forget();
  if (gic_version == 2) mmio8(GICD + 0x800 + SPI) = 6;
  else mmio64(GICD + 0x6000 + 8 * SPI) = 1ul << 31; // any CPU
  dsb();
  gic_set_pending(SPI);
  settle(1);
  CASE("spi/one-of-several", "taken=%lu", taken[0] + taken[1] + taken[2] + taken[3]);
  gic_disable(SPI);
}

static volatile u64 own_target[CPUS];
static void read_target(u64 unused) {
  (void)unused;
  own_target[cpu_number()] = gic_version == 2 ? mmio32(GICD + 0x800) : mmio64(GICR + cpu_number() * 0x20000 + 8) >> 32;
}

static void own_targets(void) {
  read_target(0);
  for (u32 i = 1; i < CPUS; i++) {
    run_on(i, read_target, 0);
    wait_for(i);
  }
  CASE("own-target", "values=0x%lx,0x%lx,0x%lx,0x%lx", own_target[0], own_target[1], own_target[2], own_target[3]);
}

static void own_timer(u64 unused) {
  (void)unused;
  gic_enable(27);
  write_register(cntv_cval_el0, read_register(cntvct_el0) + 1000);
  write_register(cntv_ctl_el0, 1);
  isb();
  while (!(read_register(isr_el1) & 0x80)) asm volatile("wfi" ::: "memory");
  u32 acknowledged = gic_acknowledge();
  write_register(cntv_ctl_el0, 0);
  isb();
  gic_end(acknowledged);
  last[cpu_number()] = acknowledged;
  taken[cpu_number()]++;
}

static void masked_timer(u64 unused) {
  mask_irq();
  own_timer(unused);
  unmask_irq();
}

void interrupt_cases(void) {
  prepare(0);
  for (u32 i = 1; i < CPUS; i++) {
    run_on(i, prepare, 0);
    wait_for(i);
  }
  own_targets();
  sgi_cases();
  two_sources();
  banked();
  spi_cases();
  forget();
  for (u32 i = 1; i < CPUS; i++) run_on(i, masked_timer, 0);
  masked_timer(0);
  for (u32 i = 1; i < CPUS; i++) wait_for(i);
  report("timer/each");
  mask_irq();
}
