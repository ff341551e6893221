// Both sides of the virtual CPU interface. A GICv2's guest is memory-mapped, and we act for it; a
// GICv3's is at EL1, where HCR_EL2.IMO and FMO turn the ICC registers into the ICV ones.
#include "guest.h"

#define LR2(n) mmio32(GICH + 0x100 + 4 * (n))

static void write_list(u32 n, u64 value) {
  if (gic_version == 2) LR2(n) = (u32)value;
  else if (n == 0) write_register(ICH_LR0_EL2, value);
  else if (n == 1) write_register(ICH_LR1_EL2, value);
  else if (n == 2) write_register(ICH_LR2_EL2, value);
  else write_register(ICH_LR3_EL2, value);
  isb();
}

u64 list_raw(u32 n) {
  if (gic_version == 2) return LR2(n);
  switch (n) {
  case 0:
    return read_register(ICH_LR0_EL2);
  case 1:
    return read_register(ICH_LR1_EL2);
  case 2:
    return read_register(ICH_LR2_EL2);
  default:
    return read_register(ICH_LR3_EL2);
  }
}

static u64 list(u32 id, u32 priority, enum state state, u32 group) {
  if (gic_version == 2) return id | priority >> 3 << 23 | (u32)state << 28 | group << 30;
  return id | (u64)priority << 48 | (u64)group << 60 | (u64)state << 62;
}

void set_list_group(u32 n, u32 id, u32 priority, enum state state, u32 group) {
  write_list(n, list(id, priority, state, group));
}
void set_list(u32 n, u32 id, u32 priority, enum state state) {
  write_list(n, list(id, priority, state, main_group));
}
void set_list_hardware(u32 n, u32 id, u32 physical) {
  u64 hardware = gic_version == 2 ? 1ul << 31 | physical << 10 : 1ul << 61 | (u64)physical << 32;
  write_list(n, list(id, 0x80, PENDING, main_group) | hardware);
}
void set_list_end_interrupt(u32 n, u32 id, u32 priority) {
  write_list(n, list(id, priority, PENDING, main_group) | (gic_version == 2 ? 1ul << 19 : 1ul << 41));
}
u32 list_state(u32 n) {
  return list_raw(n) >> (gic_version == 2 ? 28 : 62) & 3;
}

void set_hcr(u32 value) {
  if (gic_version == 2) mmio32(GICH) = value;
  else write_register(ICH_HCR_EL2, value);
  isb();
}
u32 get_hcr(void) {
  return gic_version == 2 ? mmio32(GICH) : (u32)read_register(ICH_HCR_EL2);
}
u32 misr(void) {
  return gic_version == 2 ? mmio32(GICH + 0x10) : (u32)read_register(ICH_MISR_EL2);
}
u32 eisr(void) {
  return gic_version == 2 ? mmio32(GICH + 0x20) : (u32)read_register(ICH_EISR_EL2);
}
u32 elrsr(void) {
  return gic_version == 2 ? mmio32(GICH + 0x30) : (u32)read_register(ICH_ELRSR_EL2);
}
u32 get_vmcr(void) {
  return gic_version == 2 ? mmio32(GICH + 8) : (u32)read_register(ICH_VMCR_EL2);
}
void set_vmcr(u32 value) {
  if (gic_version == 2) mmio32(GICH + 8) = value;
  else write_register(ICH_VMCR_EL2, value);
  isb();
}
u32 virtual_active(u32 group) {
  if (gic_version == 2) return mmio32(GICH + 0xf0);
  return (u32)(group == 0 ? read_register(ICH_AP0R0_EL2) : read_register(ICH_AP1R0_EL2));
}

enum operation { IAR, EOIR, DIR, RPR, HPPIR, SET_PMR, GET_PMR, SET_BPR, GET_BPR, CTLR, IGRPEN, ISR };

static u64 at_el1(u64 what) {
  u32 operation = what & 0xff, group = what >> 8 & 1, value = (u32)(what >> 32);
  switch (operation) {
  case IAR:
    return group ? read_register(ICC_IAR1_EL1) : read_register(ICC_IAR0_EL1);
  case EOIR:
    if (group) write_register(ICC_EOIR1_EL1, value);
    else write_register(ICC_EOIR0_EL1, value);
    break;
  case DIR:
    write_register(ICC_DIR_EL1, value);
    break;
  case RPR:
    return read_register(ICC_RPR_EL1);
  case HPPIR:
    return group ? read_register(ICC_HPPIR1_EL1) : read_register(ICC_HPPIR0_EL1);
  case SET_PMR:
    write_register(ICC_PMR_EL1, value);
    break;
  case GET_PMR:
    return read_register(ICC_PMR_EL1);
  case SET_BPR:
    if (group) write_register(ICC_BPR1_EL1, value);
    else write_register(ICC_BPR0_EL1, value);
    break;
  case GET_BPR:
    return group ? read_register(ICC_BPR1_EL1) : read_register(ICC_BPR0_EL1);
  case CTLR:
    write_register(ICC_CTLR_EL1, value);
    break;
  case IGRPEN:
    write_register(ICC_IGRPEN0_EL1, value & 1);
    write_register(ICC_IGRPEN1_EL1, value >> 1);
    break;
  case ISR:
    isb();
    return read_register(isr_el1);
  }
  isb();
  return 0;
}

// Offsets in GICV of group 0's and group 1's register; for writes the value, for reads ~0.
static u32 operate(enum operation operation, u32 group, u32 value, u32 offset0, u32 offset1, int write) {
  if (gic_version == 3) return (u32)call_at(1, at_el1, (u64)value << 32 | group << 8 | operation);
  u64 at = GICV + (group ? offset1 : offset0);
  if (!write) return mmio32(at);
  mmio32(at) = value;
  return 0;
}

u32 guest_acknowledge(u32 group) {
  return operate(IAR, group, 0, 0xc, 0x20, 0);
}
void guest_end(u32 group, u32 id) {
  operate(EOIR, group, id, 0x10, 0x24, 1);
}
void guest_deactivate(u32 id) {
  operate(DIR, 0, id, 0x1000, 0x1000, 1);
}
u32 guest_running(void) {
  return operate(RPR, 0, 0, 0x14, 0x14, 0);
}
u32 guest_highest(u32 group) {
  return operate(HPPIR, group, 0, 0x18, 0x28, 0);
}
void guest_mask(u32 priority) {
  operate(SET_PMR, 0, priority, 4, 4, 1);
}
u32 guest_get_mask(void) {
  return operate(GET_PMR, 0, 0, 4, 4, 0);
}
void guest_binary_point(u32 group, u32 value) {
  operate(SET_BPR, group, value, 8, 0x1c, 1);
}
u32 guest_get_binary_point(u32 group) {
  return operate(GET_BPR, group, 0, 8, 0x1c, 0);
}

static u32 split, groups;
static void write_control(void) {
  if (gic_version == 2) {
    mmio32(GICV) = groups | split << 9;
    return;
  }
  operate(CTLR, 0, split << 1, 0, 0, 1);
  operate(IGRPEN, 0, groups, 0, 0, 1);
}
void guest_split_end(u32 on) {
  split = on;
  write_control();
}
void guest_groups(u32 group0, u32 group1) {
  groups = group0 | group1 << 1;
  write_control();
}
u64 guest_isr(void) {
  return call_at(1, at_el1, ISR);
}

void fresh_guest(void) {
  fresh();
  write_register(hcr_el2, HCR_RW | HCR_IMO | HCR_FMO);
  isb();
  for (u32 i = 0; i < 4; i++) write_list(i, 0);
  if (gic_version == 2) {
    mmio32(GICH + 0xf0) = 0;
  } else {
    write_register(ICH_AP0R0_EL2, 0);
    write_register(ICH_AP1R0_EL2, 0);
  }
  set_vmcr(0);
  set_hcr(HCR_EN);
  split = 0;
  guest_groups(main_group == 0, main_group == 1);
  guest_mask(0xf8);
}
