// The probing guest: a table of contents. Entered at EL1; at EL2 it has nothing to ask.
#include "probe.h"

void image_main(void) {
  print("probe: entered at EL%u\n", entry_level);
  if (entry_level == 1) {
    spaces_init();
    pstate_probes();
    register_probes();
    exception_probes();
    control_probes();
    unprivileged_probes();
    translation_probes();
    maintenance_probes();
    text_probes();
    hot_probes();
    monitor_probes();
    address_probes();
    step_probes();
  }
  print("probe: end\n");
}
