// The cases of interrupt controller, timers and PMU: what the files offer each other.
#pragma once

#include <kit.h>

#define CASE(name, ...) print_case(GROUP, name, __VA_ARGS__)
#define SPI_A 40 // shared interrupts that no device of the board has
#define SPI_B 41
#define SPI_C 42
#define SPI_D 43
#define NONE 1023

// cpu_interface.c: the physical CPU interface of a GICv2 (IHI 0048B 4.4) or GICv3 (IHI 0069 12.2)
u32 acknowledge(u32 group);
void end(u32 group, u32 acknowledged);
void deactivate(u32 acknowledged);
u32 running_priority(void);
u32 highest_pending(u32 group);
u32 active_priorities(u32 group);
void set_mask(u32 priority);
u32 get_mask(void);
void set_binary_point(u32 group, u32 value);
u32 get_binary_point(u32 group);
void set_modes(u32 split_end, u32 common_binary_point);
void enable_groups(u32 group0, u32 group1);
void set_group(u32 interrupt, u32 group);
void set_edge(u32 interrupt, u32 edge);
void set_active(u32 interrupt, u32 active);
void fresh(void); // everything as before every case
extern u32 main_group; // 0 on a GICv2, 1 on a GICv3: the one that makes IRQs

void distributor_cases(void);
void priority_cases(void);
void group_cases(void);
void preemption_cases(void);
void virtual_cases(void);
void maintenance_cases(void);
void trap_cases(void);
void timer_cases(void);
void pmu_cases(void);
