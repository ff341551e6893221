// What things cost on a Cortex-A57. Three kinds of numbers:
//
// - `guide`: reciprocals of the execution throughput in Arm UAN 0015B, from the pipelines that an instruction's operations need: B,
//   M, L, S, W of one each, I and V of two. Pipelines and longest latencies were compared with LLVM's model of the processor
//   (AArch64SchedA57.td), which is made from the same tables; the shortest latencies of divisions it has not. Where there is a
//   range, the number is its middle;
// - publications with measurements on processors like it, by name;
// - `estimate`: nobody says, and why it is this number.

import type { CostProfile } from '@worldswitch/platform';

import { softwareCosts } from './software.ts';

const GUIDE = 'Arm UAN 0015B, Cortex-A57 Software Optimization Guide, chapter 3';
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
    integer: guide(0.5, 'two pipelines (I); a shifted or extended operand needs the one of multiplications'),
    multiply: guide(1, 'one pipeline (M); a 64-bit product holds it three cycles longer'),
    divide: guide(
      11.5,
      '4 to 19 cycles of 32 bits, to 35 of 64, one after the other (M): the middle of the former',
    ),
    branch: guide(1, 'one pipeline (B)'),
    load: guide(1, 'one pipeline (L)'),
    store: guide(1, 'one pipeline (S)'),
    atomic: { cycles: 4, source: `estimate: the latency of a load in ${GUIDE}` },
    float: guide(0.5, 'two pipelines (V)'),
    floatDivide: guide(
      12,
      'one after the other (W): 7 to 17 cycles of 32 bits, to 32 of 64: the middle of the former',
    ),
    simd: guide(0.5, 'two pipelines (V); floating point of 128 bits needs both'),
    simdMultiply: guide(1, 'one pipeline (W); of 128 bits twice'),
    crypto: guide(1, 'one pipeline (W); SHA1C, SHA1M, SHA1P, SHA256H and SHA256SU1 twice'),
    system: { cycles: 4, source: 'estimate: they do not overlap with what follows' },
    barrier: {
      cycles: 14,
      source:
        "estimate: the pipeline is refilled, as after a wrong prediction, for which LLVM's model has 14",
    },
    maintenance: { cycles: 14, source: 'estimate: as a barrier' },
    hint: { cycles: 0.5, source: 'estimate: as an integer operation' },
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
  software: softwareCosts,
};
