// What things cost on a Cortex-A15, as far as a processor of AArch32 stands for one of AArch64.

import type { CostProfile } from '@worldswitch/platform';

import { cortexA57 } from './cortex-a57.ts';
import { softwareCosts } from './software.ts';

const PIPELINES = 'estimate: the pipelines are those of the Cortex-A57';
const KVM = 'Dall and Nieh, ASPLOS 2014, table 3, on a Cortex-A15 at 1.7 GHz';
const CACHES = '7-cpu.com, Cortex-A15';
const like = (item: keyof typeof cortexA57.costs): { cycles: number; source: string } => ({
  cycles: cortexA57.costs[item].cycles,
  source: PIPELINES,
});

/** Cortex-A15. */
export const cortexA15: CostProfile = {
  name: 'cortex-a15',
  text: 'Cortex-A15 as in the measurements of KVM/ARM: pipelines as the Cortex-A57, traps and devices as published',
  costs: {
    integer: like('integer'),
    multiply: like('multiply'),
    divide: like('divide'),
    branch: like('branch'),
    load: like('load'),
    store: like('store'),
    atomic: like('atomic'),
    float: like('float'),
    floatDivide: like('floatDivide'),
    simd: like('simd'),
    simdMultiply: like('simdMultiply'),
    crypto: like('crypto'),
    system: like('system'),
    barrier: like('barrier'),
    maintenance: like('maintenance'),
    hint: like('hint'),
    exceptionEl1: { cycles: 27, source: `estimate: as to EL2; ${KVM}` },
    exceptionEl2: { cycles: 27, source: `${KVM}: trap` },
    exceptionEl3: { cycles: 27, source: `estimate: as to EL2; ${KVM}` },
    returnEl1: { cycles: 27, source: `estimate: as a trap; ${KVM}` },
    returnEl2: { cycles: 27, source: `estimate: as a trap; ${KVM}` },
    returnEl3: { cycles: 27, source: `estimate: as a trap; ${KVM}` },
    tlbMiss: { cycles: 12, source: `${CACHES}: L1 TLB miss penalty` },
    descriptorStage1: {
      cycles: 10,
      source: `${CACHES}: L2 TLB miss penalty of 30 for a walk of three levels`,
    },
    descriptorStage2: { cycles: 10, source: `${CACHES}: as at stage 1` },
    device: { cycles: 213.5, source: `${KVM}: EOI and ACK, two accesses to the GIC, in 427` },
  },
  software: softwareCosts,
};
