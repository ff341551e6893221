// The kernel's own state, checked at EL1 (kernel/check.c).
#include "selftest.h"

#define KERNEL_CHECK(function, which)                                                              \
  static int function(void) {                                                                      \
    return ktest(which) == 1;                                                                      \
  }

KERNEL_CHECK(text_read_only, KTEST_TEXT_READ_ONLY)
KERNEL_CHECK(rodata_read_only, KTEST_RODATA_READ_ONLY)
KERNEL_CHECK(data_not_executable, KTEST_DATA_NOT_EXECUTABLE)
KERNEL_CHECK(user_not_executable, KTEST_USER_NOT_EXECUTABLE)
KERNEL_CHECK(unmapped_faults, KTEST_UNMAPPED_FAULTS)
KERNEL_CHECK(address_translation, KTEST_ADDRESS_TRANSLATION)
KERNEL_CHECK(irq_pends, KTEST_IRQ_PENDS_WHILE_MASKED)
KERNEL_CHECK(wfi_wakes, KTEST_WFI_WAKES_MASKED)

const struct check kernel_checks[] = {
    {"kernel text is read-only", text_read_only},
    {"kernel constants are read-only", rodata_read_only},
    {"kernel data is not executable", data_not_executable},
    {"user text is not executable at EL1", user_not_executable},
    {"unmapped kernel address faults", unmapped_faults},
    {"AT and PAR_EL1", address_translation},
    {"interrupt waits while masked", irq_pends},
    {"WFI ends while masked", wfi_wakes},
    {NULL, NULL},
};
