// What a run did, in numbers: gathered from the parts, which count for themselves. Counts are no state of the machine: they
// begin at zero in a restored one, and no hash has them.

import { describeClass, exceptionSlot } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import type { CostProfile } from '@worldswitch/platform';

import type { BlockAccesses } from './bus/bus.ts';
import { cyclesOf } from './cost/cycles.ts';
import type { CycleCounts } from './cost/cycles.ts';
import type { Machine } from './machine.ts';

/** Exceptions of one kind to one level. */
export interface ExceptionCount {
  /** Target exception level. */
  readonly el: number;
  /** In words: a class of ESR_ELx, or IRQ, FIQ or SError. */
  readonly kind: string;
  readonly count: number;
}

/** Counts of one CPU. */
export interface CpuCounts {
  readonly instructions: number;
  /** By target level, then by kind; only those that happened. */
  readonly exceptions: readonly ExceptionCount[];
  /** IRQ, FIQ and SError taken. */
  readonly interrupts: number;
  /** ERETs. */
  readonly returns: number;
  readonly walks: {
    /** Table walks of the MMU. */
    readonly count: number;
    /** Descriptors read at stage 1 and at stage 2. */
    readonly stage1References: number;
    readonly stage2References: number;
    /** Walks that ended in a fault. */
    readonly faults: number;
  };
  readonly tlb: {
    readonly misses: number;
    /** Valid entries that had to give way. */
    readonly evictions: number;
    /** TLBI instructions executed by this CPU. */
    readonly maintenance: number;
    /** Entries that TLBI instructions, of any CPU, removed. */
    readonly invalidated: number;
  };
  /** In timing mode. */
  readonly timing?: CycleCounts;
}

/** Counts of a machine since it was made. */
export interface MachineCounts {
  readonly instructions: number;
  /** Virtual time in nanoseconds. */
  readonly now: number;
  readonly cpus: readonly CpuCounts[];
  /** Accesses to register blocks; only those that were accessed. */
  readonly devices: readonly BlockAccesses[];
}

const ASYNCHRONOUS = ['IRQ', 'FIQ', 'SError'] as const;

function exceptionsOf(taken: Uint32Array): ExceptionCount[] {
  const found: ExceptionCount[] = [];
  for (let el = 1; el < 4; el++) {
    for (let kind = 0; kind < 64 + ASYNCHRONOUS.length; kind++) {
      const count = taken[exceptionSlot(el, kind)] ?? 0;
      if (count > 0) found.push({ el, kind: ASYNCHRONOUS[kind - 64] ?? describeClass(kind), count });
    }
  }
  return found;
}

function cpuCounts(cpu: Cpu, profile: CostProfile | undefined): CpuCounts {
  const { counters, tlb, translator } = cpu;
  const { walks, stage1References, stage2References, faults } = translator.walker.counters;
  const { misses, evictions, invalidations } = tlb.counters;
  return {
    instructions: counters.instructions,
    exceptions: exceptionsOf(counters.taken),
    interrupts: counters.interrupts,
    returns: counters.returns,
    walks: { count: walks, stage1References, stage2References, faults },
    tlb: { misses, evictions, maintenance: counters.tlbMaintenance, invalidated: invalidations },
    ...(profile && { timing: cyclesOf(cpu, profile) }),
  };
}

/** What a machine has done since it was made. */
export function countsOf(machine: Machine): MachineCounts {
  const profile = machine.board.config.timing;
  return {
    instructions: machine.instructions,
    now: machine.now,
    cpus: machine.cpus.map((cpu) => cpuCounts(cpu, profile)),
    devices: machine.bus.accesses().filter(({ reads, writes }) => reads + writes > 0),
  };
}
