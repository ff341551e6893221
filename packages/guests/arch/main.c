// The architecture image: exceptions and translation, one line for each case. Entered at EL2 it runs
// cases at EL0, EL1 and EL2; entered at EL1, those that need no EL2.
#include "arch.h"

u32 entry_level;
void power_off(void);

void main(u64 level) {
  entry_level = (u32)level;
  print("arch: entered at EL%lu\n", level);
  build_tables();
  build_large_tables();
  vectors_init();
  exception_cases();
  illegal_return_cases();
  system_register_cases();
  interrupt_cases();
  stage1_cases();
  alignment_cases();
  address_translation_cases();
  if (level == 2) {
    hypervisor_trap_cases();
    granule_cases();
    stage2_cases();
  }
  debug_cases();
  if (has_monitors()) monitor_cases();
  control_cases();
  fault_cases();
  order_cases();
  tagging_cases();
  print("arch: end\n");
  power_off();
}
