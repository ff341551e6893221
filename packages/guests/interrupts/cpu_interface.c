// One set of functions for both CPU interfaces: memory-mapped in a GICv2, system registers in a GICv3.
#include "interrupts.h"

u32 main_group;

u32 acknowledge(u32 group) {
  dsb();
  if (gic_version == 2) return mmio32(GICC + (group == 0 ? 0x0c : 0x20));
  return (u32)(group == 0 ? read_register(ICC_IAR0_EL1) : read_register(ICC_IAR1_EL1));
}
void end(u32 group, u32 acknowledged) {
  if (gic_version == 2) mmio32(GICC + (group == 0 ? 0x10 : 0x24)) = acknowledged;
  else if (group == 0) write_register(ICC_EOIR0_EL1, acknowledged);
  else write_register(ICC_EOIR1_EL1, acknowledged);
  isb();
}
void deactivate(u32 acknowledged) {
  if (gic_version == 2) mmio32(GICC + 0x1000) = acknowledged;
  else write_register(ICC_DIR_EL1, acknowledged);
  isb();
}
u32 running_priority(void) {
  return gic_version == 2 ? mmio32(GICC + 0x14) : (u32)read_register(ICC_RPR_EL1);
}
u32 highest_pending(u32 group) {
  if (gic_version == 2) return mmio32(GICC + (group == 0 ? 0x18 : 0x28));
  return (u32)(group == 0 ? read_register(ICC_HPPIR0_EL1) : read_register(ICC_HPPIR1_EL1));
}
u32 active_priorities(u32 group) {
  if (gic_version == 2) return mmio32(GICC + (group == 0 ? 0xd0 : 0xe0));
  return (u32)(group == 0 ? read_register(ICC_AP0R0_EL1) : read_register(ICC_AP1R0_EL1));
}
void set_mask(u32 priority) {
  if (gic_version == 2) mmio32(GICC + 4) = priority;
  else write_register(ICC_PMR_EL1, priority);
  isb();
}
u32 get_mask(void) {
  return gic_version == 2 ? mmio32(GICC + 4) : (u32)read_register(ICC_PMR_EL1);
}
void set_binary_point(u32 group, u32 value) {
  if (gic_version == 2) mmio32(GICC + (group == 0 ? 8 : 0x1c)) = value;
  else if (group == 0) write_register(ICC_BPR0_EL1, value);
  else write_register(ICC_BPR1_EL1, value);
  isb();
}
u32 get_binary_point(u32 group) {
  if (gic_version == 2) return mmio32(GICC + (group == 0 ? 8 : 0x1c));
  return (u32)(group == 0 ? read_register(ICC_BPR0_EL1) : read_register(ICC_BPR1_EL1));
}

static u32 modes, enables;
static void write_control(void) {
  u32 split = modes & 1, common = modes >> 1;
  if (gic_version == 2) mmio32(GICC) = enables | split << 9 | common << 4;
  else write_register(ICC_CTLR_EL1, common | split << 1);
  isb();
}
void set_modes(u32 split_end, u32 common_binary_point) {
  modes = split_end | common_binary_point << 1;
  write_control();
}
// Group 0 of a GICv2 makes IRQs unless FIQEn says otherwise: with both groups it does.
void enable_groups(u32 group0, u32 group1) {
  enables = group0 | group1 << 1 | (group0 && group1 ? 8 : 0);
  write_control();
  if (gic_version == 2) return;
  write_register(ICC_IGRPEN0_EL1, group0);
  write_register(ICC_IGRPEN1_EL1, group1);
  isb();
}

static u64 bank_of(u32 interrupt) {
  return gic_version == 3 && interrupt < 32 ? GICR + 0x10000 : GICD;
}
void set_group(u32 interrupt, u32 group) {
  u64 at = bank_of(interrupt) + 0x80 + interrupt / 32 * 4;
  u32 bit = 1u << (interrupt % 32);
  mmio32(at) = group ? mmio32(at) | bit : mmio32(at) & ~bit;
}
void set_edge(u32 interrupt, u32 edge) {
  u64 at = bank_of(interrupt) + 0xc00 + interrupt / 16 * 4;
  u32 bit = 2u << (interrupt % 16 * 2);
  mmio32(at) = edge ? mmio32(at) | bit : mmio32(at) & ~bit;
}
void set_active(u32 interrupt, u32 active) {
  mmio32(bank_of(interrupt) + (active ? 0x300 : 0x380) + interrupt / 32 * 4) = 1u << (interrupt % 32);
}

void fresh(void) {
  main_group = gic_version == 2 ? 0 : 1;
  if (gic_version == 2) mmio32(GICD) = 3;
  else mmio32(GICD) = 0x53; // DS, ARE, both groups
  enable_groups(main_group == 0, main_group == 1);
  set_modes(0, 0);
  set_mask(0xff);
  set_binary_point(0, 0);
  set_binary_point(1, 0);
  for (u32 i = SPI_A; i <= SPI_D; i++) {
    gic_disable(i);
    set_edge(i, 1);
    gic_clear_pending(i);
    set_active(i, 0);
    gic_priority(i, 0x80);
    set_group(i, main_group);
    gic_target(i, 0);
    gic_enable(i);
  }
  dsb();
  isb();
}
