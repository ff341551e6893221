// The image for several CPUs: PSCI, exclusives, ordering, events, interrupts, TLB maintenance and code
// changes between four CPUs, one line for each case.
#include "smp.h"

void image_main(void) {
  print("smp: entered at EL%u\n", entry_level);
  gic_init();
  gic_init_cpu();
  psci_cases();
  exclusive_cases();
  memory_cases();
  event_cases();
  interrupt_cases();
  tlb_cases();
  tlb_space_cases();
  if (entry_level == 2) tlb_machine_cases();
  code_cases();
  psci_off_cases();
  print("smp: end\n");
}
