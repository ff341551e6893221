// What tagging.c and tagging_stage2.c share: pages that hold a number each, and readings of them through
// whatever the TLB holds. Only what the architecture promises is printed: what must be new is new, and what
// differs by its tag differs; whether an entry is still there is nobody's business.
#pragma once

#include "arch.h"

#define TEST_SLOT (4ul << 39)           // of TTBR0_EL1 and TTBR0_EL2
#define NORMAL_PAGE (PAGE | ATTR_NORMAL | SHARED | AF | AP_EL0 | PXN | UXN)
#define NOT_GLOBAL (1ul << 11)
#define TAG(value) ((u64)(value) << 48) // ASID and VMID

extern u64 tagged_pages[4][512];            // 0x111, 0x222, 0x333, 0x444 at their beginnings
extern u64 other_root[512];                 // root4k with other tables for TEST_SLOT
extern u64 leaves[2][512];                  // of root4k and of other_root
u64 read_from(u32 level, u64 address);      // or 0xf000 and the fault status code
u64 write_to(u32 level, u64 address);       // 0 or the same
u64 do_at(u32 level, const u32 *victim, u64 x0);
void use_space(const u64 *root, u64 asid);  // TTBR0_EL1
static inline void entry_is_written(void) { // visible to walks; no maintenance
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}

// An operation of maintenance as a victim: it is complete when the victim is through.
struct maintenance {
  const char *name;
  const u32 *victim;
  u32 level;
  u32 by_asid; // global entries are not its business
};
#define MAINTAIN(name, text) VICTIM(name, "dsb ishst\n\t" text "\n\tdsb ish\n\tisb")

// Break-before-make of one entry, and what is read from the address before, between and after.
void break_before_make(const char *group, const char *name, const char *kind, const struct maintenance *how, u64 operand,
                       volatile u64 *entry, u64 now, u64 then, u32 level, u64 address);
void tagging_stage2_cases(void);
