// The cases of several CPUs: what the files offer each other.
#pragma once

#include <kit.h>

#define CASE(name, ...) print_case(GROUP, name, __VA_ARGS__)

void psci_cases(void);
void exclusive_cases(void);
void memory_cases(void);
void event_cases(void);
void interrupt_cases(void);
void tlb_cases(void);
void tlb_space_cases(void);
void tlb_machine_cases(void); // entered at EL2
void code_cases(void);
void psci_off_cases(void);

// exclusive.c: load-acquire and store-release
static inline u64 load_acquire(const volatile u64 *from) {
  u64 value;
  asm volatile("ldar %0, %1" : "=r"(value) : "Q"(*from) : "memory");
  return value;
}
static inline void store_release(volatile u64 *to, u64 value) {
  asm volatile("stlr %1, %0" : "=Q"(*to) : "r"(value) : "memory");
}
