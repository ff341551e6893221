// The image for EL3: what comes to it, what it can trap, how it enters the levels below, Secure and Non-secure. One line
// for each case. It runs with GICv2 or GICv3, with EL2 or without.
#include "el3.h"

void image_main(void) {
  has_el2 = (read_register(id_aa64pfr0_el1) >> 8 & 15) != 0;
  gic_version = read_register(id_aa64pfr0_el1) >> 24 & 15 ? 3 : 2;
  print("el3: entered at EL%u\n", entry_level);
  mmu_on(1);
  if (has_el2) mmu_on(2);
  tables_init();
  entry_cases();
  if (gic_version == 2) {
    reserved_cases();
    gicv2_cases();
    interrupt_cases();
    serror_cases();
    external_abort_cases();
    return_cases();
    stack_cases();
    fault_cases();
    secure_memory_cases();
    address_translation_cases();
    tlb_cases();
    register_cases();
    instruction_cases();
    trap_cases();
    debug_cases();
  } else {
    gicv3_cases(); // the rest has nothing of the GIC in it
  }
  print("el3: end\n");
}
