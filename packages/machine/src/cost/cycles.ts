// The cycles of a CPU and what they went into: from exact counts, by the profile that the machine ran with.

import { exceptionSlot } from '@worldswitch/isa-core';
import type { Cpu } from '@worldswitch/isa-core';
import { costedEvents, cycles, UNITS_PER_CYCLE } from '@worldswitch/platform';
import type { CostedEvent, CostProfile } from '@worldswitch/platform';

/** What a CPU's cycles went into. All but `profile` and `events` is in cycles. */
export interface CycleCounts {
  /** The profile's name. */
  readonly profile: string;
  readonly total: number;
  /** Executing instructions. */
  readonly instructions: number;
  /** Misses of the TLB and table walks. */
  readonly translation: number;
  /** Taking exceptions and returning from them. */
  readonly exceptions: number;
  /** Accesses to devices. */
  readonly devices: number;
  /** How often each thing happened that costs besides instructions. */
  readonly events: Readonly<Record<CostedEvent, number>>;
}

/** The counts of a CPU of what costs besides instructions. */
function eventsOf({ counters, translator }: Cpu): Record<CostedEvent, number> {
  const taken = (el: number): number => {
    let all = 0;
    for (let slot = exceptionSlot(el, 0); slot < exceptionSlot(el + 1, 0); slot++)
      all += counters.taken[slot] ?? 0;
    return all;
  };
  const { walks, stage1References, stage2References } = translator.walker.counters;
  return {
    exceptionEl1: taken(1),
    exceptionEl2: taken(2),
    exceptionEl3: taken(3),
    returnEl1: counters.returned[1] ?? 0,
    returnEl2: counters.returned[2] ?? 0,
    returnEl3: counters.returned[3] ?? 0,
    tlbMiss: walks,
    descriptorStage1: stage1References,
    descriptorStage2: stage2References,
    device: counters.deviceAccesses,
  };
}

/** The cycles of a CPU since it was made. */
export function cyclesOf(cpu: Cpu, profile: CostProfile): CycleCounts {
  const events = eventsOf(cpu);
  const part = (of: RegExp): number =>
    cycles(Object.fromEntries(costedEvents.filter((e) => of.test(e)).map((e) => [e, events[e]])), profile);
  const total = cpu.counters.spent / UNITS_PER_CYCLE;
  const translation = part(/^(tlbMiss|descriptor)/);
  const exceptions = part(/^(exception|return)/);
  const devices = part(/^device/);
  return {
    profile: profile.name,
    total,
    instructions: total - translation - exceptions - devices,
    translation,
    exceptions,
    devices,
    events,
  };
}
