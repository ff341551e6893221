// The probing guest: a table of contents. Entered at EL1; at EL2 it has nothing to ask. `probe:resources` on its command line asks for what
// a virtual machine may have less of than a real one.
#include "probe.h"

// Anywhere in the device tree, whose header has its size in big-endian order.
static int has_word(const char *word) {
  const char *tree = (const char *)device_tree;
  u64 size = tree ? __builtin_bswap32(((const u32 *)tree)[1]) : 0, length = strlen(word);
  for (u64 i = 0; i + length < size; i++)
    if (tree[i] == word[0] && memcmp(tree + i, word, length) == 0) return 1;
  return 0;
}

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
    if (has_word("probe:resources")) resource_probes();
  }
  print("probe: end\n");
}
