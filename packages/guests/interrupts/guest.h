// The virtual CPU interface from both sides: what a hypervisor programs, what its guest does.
#pragma once

#include "interrupts.h"

// guest.c: the hypervisor's side, GICH (IHI 0048B 5.3) or ICH (IHI 0069 12.4)
enum state { INVALID, PENDING, ACTIVE, BOTH };
void set_list(u32 n, u32 id, u32 priority, enum state state);
void set_list_group(u32 n, u32 id, u32 priority, enum state state, u32 group);
void set_list_hardware(u32 n, u32 id, u32 physical);
void set_list_end_interrupt(u32 n, u32 id, u32 priority); // asks for a maintenance interrupt at its end
u32 list_state(u32 n);
u64 list_raw(u32 n);
void set_hcr(u32 value);
u32 get_hcr(void);
u32 misr(void);
u32 eisr(void);
u32 elrsr(void);
u32 get_vmcr(void);
void set_vmcr(u32 value);
u32 virtual_active(u32 group);
void fresh_guest(void);
#define HCR_EN 1u
#define HCR_UIE 2u
#define HCR_LRENPIE 4u
#define HCR_NPIE 8u

// The guest's side: GICV, or the ICC registers at EL1
u32 guest_acknowledge(u32 group);
void guest_end(u32 group, u32 id);
void guest_deactivate(u32 id);
u32 guest_running(void);
u32 guest_highest(u32 group);
void guest_mask(u32 priority);
u32 guest_get_mask(void);
void guest_binary_point(u32 group, u32 value);
u32 guest_get_binary_point(u32 group);
void guest_split_end(u32 on);
void guest_groups(u32 group0, u32 group1);
u64 guest_isr(void); // ISR_EL1 as EL1 reads it
