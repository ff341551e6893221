// Power-off through PSCI SYSTEM_OFF (DEN 0022D 5.9), by the conduit that the device tree names.
#include "arm.h"
#include "kernel.h"

#define PSCI_SYSTEM_OFF 0x84000008

void power_off(void) {
  register u64 x0 asm("x0") = PSCI_SYSTEM_OFF;
  int psci = boot.psci;
  boot.psci = 0; // should the call fail, the panic that follows does not try again
  if (psci && boot.psci_smc) asm volatile("smc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
  else if (psci) asm volatile("hvc #0" : "+r"(x0)::"x1", "x2", "x3", "memory");
  printk("tiny: the machine cannot power off\n");
  mask_irq();
  for (;;) wfi();
}
