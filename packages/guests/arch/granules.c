// The same faults with 16 KiB and 64 KiB granules, where the CPU has them (DDI 0487 D8.2.9, D8.2.10,
// ID_AA64MMFR0_EL1).
#include "arch.h"

VICTIM(load, "ldr w2, [x0]")
VICTIM(store, "str w1, [x0]")
VICTIM(fetch, "br x0")
VICTIM(translate, "at s1e1r, x0\n\tisb\n\tmrs x0, par_el1")

static const struct {
  const char *name;
  const u32 *victim;
  u32 flags;
} accesses[] = {{"load", load, 0}, {"store", store, 0}, {"fetch", fetch, 0}, {"at-s1e1r", translate, SHOW_PAR}};

#define TG0 (3 << 14)
#define TG0_64K (1 << 14)
#define TG0_16K (2 << 14)

static void run_all(const char *group, const struct place *places, u64 *root, u64 tg0) {
  for (; places->name; places++) {
    for (u32 a = 0; a < ARRAY_LENGTH(accesses); a++) {
      for (u32 level = 0; level < 2; level++) {
        if (level == 0 && accesses[a].flags) continue;
        struct test test = {level, accesses[a].flags, accesses[a].victim, places->address, 0,
                            {{TTBR0_EL1, ALL, (u64)root}, {TCR_EL1, TG0, tg0}}};
        run(&test, group, places->name, accesses[a].name, level ? "EL1" : "EL0");
      }
    }
  }
}

void granule_cases(void) {
  u64 features = read_register(id_aa64mmfr0_el1);
  if (((features >> 24) & 0xf) == 0) run_all("granule-64k", places64k, root64k, TG0_64K);
  if (((features >> 20) & 0xf) != 0) run_all("granule-16k", places16k, root16k, TG0_16K);
}
