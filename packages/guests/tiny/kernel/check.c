// The self-test's checks of EL1's own state; user/selftest.c calls them. Each is 1 when it holds.
#include "arm.h"
#include "kernel.h"
#include "memlayout.h"

static const u32 constant = 0x74696e79;
static u32 instruction = 0xd65f03c0; // ret

// The latest probe ended in this class of exception, with this type of fault, at this address.
static int faulted(u32 class, u64 type, u64 address) {
  return EC(probe_esr) == class && FSC_TYPE(probe_esr & 0x3f) == type && probe_far == address;
}

static int address_translation(void) {
  u64 address = USER_TEXT;
  asm volatile("at s1e0r, %0\n\tisb" ::"r"(address));
  u64 user = read_register(par_el1);
  asm volatile("at s1e0w, %0\n\tisb" ::"r"(address));
  u64 write = read_register(par_el1);
  asm volatile("at s1e1r, %0\n\tisb" ::"r"(text_end));
  u64 kernel = read_register(par_el1);
  u64 *entry = vm_entry(current->root, address, 0);
  return entry && !(user & 1) && (user & PTE_ADDRESS) == (*entry & PTE_ADDRESS) &&
         (write & 1) && ((write >> 1) & 0x3f) == (FSC_PERMISSION << 2 | 3) &&
         !(kernel & 1) && (kernel & PTE_ADDRESS) == to_physical(text_end);
}

// The deadline passes while IRQs are masked: the interrupt waits, and comes with the unmasking.
static int pends_while_masked(void) {
  timer_fired_at = 0;
  timer_set(counter());
  u64 give_up = counter() + timer_from_microseconds(100000);
  while (!(read_register(isr_el1) & 1 << 7) && counter() < give_up) continue;
  int pending = (read_register(isr_el1) & 1 << 7) != 0 && timer_fired_at == 0;
  unmask_irq();
  isb();
  mask_irq();
  return pending && timer_fired_at != 0;
}

static int wfi_wakes_masked(void) {
  u64 deadline = counter() + timer_from_microseconds(50);
  timer_fired_at = 0;
  timer_set(deadline);
  while (!(read_register(isr_el1) & 1 << 7)) wfi();
  int late_and_untaken = counter() >= deadline && timer_fired_at == 0;
  unmask_irq();
  isb();
  mask_irq();
  return late_and_untaken && timer_fired_at >= deadline;
}

static int check(u64 which) {
  switch (which) {
  case KTEST_TEXT_READ_ONLY:
    return probe_store((u64)image_start) < 0 && faulted(EC_DATA_ABORT_SAME, FSC_PERMISSION, (u64)image_start);
  case KTEST_RODATA_READ_ONLY:
    return probe_store((u64)&constant) < 0 && faulted(EC_DATA_ABORT_SAME, FSC_PERMISSION, (u64)&constant);
  case KTEST_DATA_NOT_EXECUTABLE:
    return probe_call((u64)&instruction) < 0 &&
           faulted(EC_INSTRUCTION_ABORT_SAME, FSC_PERMISSION, (u64)&instruction);
  case KTEST_USER_NOT_EXECUTABLE:
    return probe_call(USER_TEXT) < 0 && faulted(EC_INSTRUCTION_ABORT_SAME, FSC_PERMISSION, USER_TEXT);
  case KTEST_UNMAPPED_FAULTS:
    return probe_load(KERNEL_BASE) < 0 && faulted(EC_DATA_ABORT_SAME, FSC_TRANSLATION, KERNEL_BASE);
  case KTEST_ADDRESS_TRANSLATION:
    return address_translation();
  case KTEST_IRQ_PENDS_WHILE_MASKED:
    return pends_while_masked();
  case KTEST_WFI_WAKES_MASKED:
    return wfi_wakes_masked();
  }
  return 0;
}

s64 kernel_check(u64 which) {
  int holds = check(which);
  timer_start_quantum();
  return holds;
}
