// What things cost on a Cortex-A57.

import type { CostProfile } from '@worldswitch/platform';

const GUIDE = 'Arm UAN 0015B, Cortex-A57 Software Optimisation Guide, execution throughput';
const guide = (cycles: number, what: string): { cycles: number; source: string } => ({
  cycles,
  source: `${GUIDE}: ${what}`,
});
const LEVELS = 'Dall et al., ISCA 2016, EL1 to EL2 in 68 to 76 cycles on an X-Gene, return in 65';
const CACHES = '7-cpu.com, Cortex-A15, whose TLBs have the same structure';

/** Cortex-A57. */
export const cortexA57: CostProfile = {
  name: 'cortex-a57',
  text: 'Cortex-A57: each instruction at the rate at which its pipelines take such instructions, all in the first-level caches, branches predicted',
  costs: {
    integer: guide(0.5, 'two pipelines'),
    multiply: guide(1, 'one pipeline; 64-bit products take it longer'),
    divide: guide(12, '4 to 20 cycles of 32 bits, to 36 of 64: the middle of the former'),
    branch: guide(1, 'one pipeline'),
    load: guide(1, 'one pipeline'),
    store: guide(1, 'one pipeline'),
    atomic: { cycles: 4, source: `estimate: the latency of a load in ${GUIDE}` },
    float: guide(0.5, 'two pipelines'),
    floatDivide: guide(12, 'FDIV takes 7 to 17 cycles of 32 bits, to 32 of 64'),
    simd: guide(0.5, 'two pipelines'),
    simdMultiply: guide(1, 'one pipeline'),
    crypto: guide(1, 'one pipeline'),
    system: { cycles: 4, source: 'estimate: they do not overlap with what follows' },
    barrier: {
      cycles: 16,
      source: 'estimate: a pipeline is refilled, as after a wrong prediction (LLVM: 16)',
    },
    maintenance: { cycles: 16, source: 'estimate: as a barrier' },
    hint: guide(0.5, 'as an integer operation'),
    exceptionEl1: { cycles: 68, source: `estimate: as to EL2; ${LEVELS}` },
    exceptionEl2: { cycles: 72, source: LEVELS },
    exceptionEl3: { cycles: 72, source: `estimate: as to EL2; ${LEVELS}` },
    returnEl1: { cycles: 65, source: `estimate: as from EL2; ${LEVELS}` },
    returnEl2: { cycles: 65, source: LEVELS },
    returnEl3: { cycles: 65, source: `estimate: as from EL2; ${LEVELS}` },
    tlbMiss: { cycles: 12, source: `${CACHES}: a miss of the first level` },
    descriptorStage1: { cycles: 10, source: `${CACHES}: 30 cycles for a walk of three levels in the cache` },
    descriptorStage2: { cycles: 10, source: `${CACHES}: as at stage 1` },
    device: { cycles: 71, source: 'Dall et al., ISCA 2016: 71 cycles for one write to the GIC (completion)' },
  },
};
