// The image for interrupts: GICv2 or GICv3, its virtual CPU interface, timers, PMU; one CPU, one line
// for each case.
#include "interrupts.h"

void image_main(void) {
  gic_init();
  print("interrupts: entered at EL%u, GICv%u\n", entry_level, gic_version);
  gic_init_cpu();
  distributor_cases();
  priority_cases();
  group_cases();
  preemption_cases();
  if (entry_level == 2) {
    virtual_cases();
    maintenance_cases();
    if (gic_version == 3) trap_cases();
  }
  timer_cases();
  pmu_cases();
  print("interrupts: end\n");
}
