// The interrupt controller, whichever it is: GICv2 (IHI 0048B) or GICv3 without security (IHI 0069).
// All interrupts are in group 0 of a GICv2, as its software without security has it, and in group 1 of a GICv3.
#include "kit.h"

u32 gic_version;

static u64 redistributor(void) {
  return GICR + cpu_number() * 0x20000;
}

// Private interrupts of a GICv3 are in its redistributor's second frame, at the distributor's offsets.
static u64 bank(u32 interrupt) {
  return gic_version == 3 && interrupt < 32 ? redistributor() + 0x10000 : GICD;
}

#define BIT_REGISTER(offset, interrupt) mmio32(bank(interrupt) + (offset) + (interrupt) / 32 * 4)
#define BIT(interrupt) (1u << ((interrupt) % 32))

void gic_enable(u32 interrupt) {
  BIT_REGISTER(0x100, interrupt) = BIT(interrupt);
}
void gic_disable(u32 interrupt) {
  BIT_REGISTER(0x180, interrupt) = BIT(interrupt);
}
void gic_set_pending(u32 interrupt) {
  BIT_REGISTER(0x200, interrupt) = BIT(interrupt);
}
void gic_clear_pending(u32 interrupt) {
  BIT_REGISTER(0x280, interrupt) = BIT(interrupt);
}
u32 gic_is_pending(u32 interrupt) {
  return (BIT_REGISTER(0x200, interrupt) & BIT(interrupt)) != 0;
}
u32 gic_is_active(u32 interrupt) {
  return (BIT_REGISTER(0x300, interrupt) & BIT(interrupt)) != 0;
}
void gic_priority(u32 interrupt, u32 priority) {
  mmio8(bank(interrupt) + 0x400 + interrupt) = (u8)priority;
}

void gic_target(u32 interrupt, u32 number) {
  if (gic_version == 2) mmio8(GICD + 0x800 + interrupt) = (u8)(1u << number);
  else mmio64(GICD + 0x6000 + 8 * interrupt) = number;
}

u32 gic_acknowledge(void) {
  if (gic_version == 2) return mmio32(GICC + 0xc);
  return (u32)read_register(ICC_IAR1_EL1);
}

void gic_end(u32 acknowledged) {
  if (gic_version == 2) mmio32(GICC + 0x10) = acknowledged;
  else write_register(ICC_EOIR1_EL1, acknowledged);
  isb();
}

void gic_sgi(u32 mask, u32 interrupt) {
  dsb();
  if (gic_version == 2) mmio32(GICD + 0xf00) = mask << 16 | interrupt;
  else write_register(ICC_SGI1R_EL1, (u64)interrupt << 24 | mask);
  isb();
}

void gic_init(void) {
  gic_version = read_register(id_aa64pfr0_el1) >> 24 & 15 ? 3 : 2;
  if (gic_version == 2) {
    mmio32(GICD) = 1;
    return;
  }
  mmio32(GICD) = 0x52; // DS, ARE, group 1 enabled
  for (u32 i = 1; i < 8; i++) mmio32(GICD + 0x80 + 4 * i) = ~0u;
}

void gic_init_cpu(void) {
  if (gic_version == 2) {
    mmio32(GICC + 4) = 0xff;
    mmio32(GICC) = 1;
    return;
  }
  if (entry_level >= 2) {
    write_register(ICC_SRE_EL2, 0xf);
    isb();
  }
  write_register(ICC_SRE_EL1, 7);
  isb();
  mmio32(redistributor() + 0x14) &= ~2u; // GICR_WAKER.ProcessorSleep
  while (mmio32(redistributor() + 0x14) & 4) continue;
  mmio32(redistributor() + 0x10080) = ~0u;
  write_register(ICC_PMR_EL1, 0xff);
  write_register(ICC_IGRPEN1_EL1, 1);
  isb();
}
