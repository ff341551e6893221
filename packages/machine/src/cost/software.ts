// What a hypervisor or kernel in TypeScript is charged besides the operations of its port, on processors that issue two or three
// instructions a cycle and move one pair of registers in one.

import type { SoftwareCosts } from '@worldswitch/platform';

/** The same for both processors: nobody has measured what nobody has written. */
export const softwareCosts: SoftwareCosts = {
  call: {
    cycles: 48,
    source:
      'estimate: 31 general registers are stored and loaded again by pairs, 16 cycles each; 16 more to find what handles the exception, and back',
  },
  operation: {
    cycles: 4,
    source:
      "estimate: two accesses to the software's own data and four operations on registers before each operation of its port",
  },
};
