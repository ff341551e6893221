// From the entry to the image's own part, and the firmware's calls (Arm DEN 0022): by SMC where there is
// an EL2, else by HVC.
#include "kit.h"

u32 entry_level;
u64 device_tree;
s64 smccc_hvc(u64 function, u64 x1, u64 x2, u64 x3);
s64 smccc_smc(u64 function, u64 x1, u64 x2, u64 x3);

s64 psci(u32 function, u64 x1, u64 x2, u64 x3) {
  return entry_level == 2 ? smccc_smc(function, x1, x2, x3) : smccc_hvc(function, x1, x2, x3);
}

// At EL3 there is no firmware: the last line says the end, and the CPU waits for ever.
void power_off(void) {
  if (entry_level < 3) psci(0x84000008, 0, 0, 0);
  for (;;) asm volatile("msr daifset, #0xf\n\twfi");
}

void kit_main(u64 level, u64 tree) {
  entry_level = (u32)level;
  device_tree = tree;
  memory_init();
  exceptions_init();
  mmu_on(entry_level);
  image_main();
  power_off();
}
