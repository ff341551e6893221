// The cost profiles that can be named, and what the CPU makes of one.

import { cases, classOf } from '@worldswitch/isa-core';
import type { CpuCosts, SoftwareUnits } from '@worldswitch/isa-core';
import { checkCostProfile, instructionClasses, UNITS_PER_CYCLE } from '@worldswitch/platform';
import type { CostItem, CostProfile } from '@worldswitch/platform';

import { cortexA15 } from './cortex-a15.ts';
import { cortexA57 } from './cortex-a57.ts';
import { unit } from './unit.ts';

/** Names of cost profiles. */
export const costProfileNames = ['cortex-a15', 'cortex-a57', 'unit'] as const;
/** Name of a cost profile. */
export type CostProfileName = (typeof costProfileNames)[number];

/** Cost profiles by name. */
export const costProfiles: Readonly<Record<CostProfileName, CostProfile>> = {
  'cortex-a15': cortexA15,
  'cortex-a57': cortexA57,
  unit,
};

/** The costs of a profile as a CPU counts them. Throws a RangeError where that is not possible. */
export function cpuCosts(profile: CostProfile): CpuCosts {
  checkCostProfile(profile);
  const units = (item: CostItem): number => profile.costs[item].cycles * UNITS_PER_CYCLE;
  return {
    perCycle: UNITS_PER_CYCLE,
    least: Math.min(...instructionClasses.map(units)),
    cases: Uint16Array.from(cases, (entry) => units(classOf(entry))),
    exception: [0, units('exceptionEl1'), units('exceptionEl2'), units('exceptionEl3')],
    exceptionReturn: [0, units('returnEl1'), units('returnEl2'), units('returnEl3')],
    tlbMiss: units('tlbMiss'),
    descriptor: [0, units('descriptorStage1'), units('descriptorStage2')],
    device: units('device'),
    software: softwareUnits(profile, units),
  };
}

/** Operations of a port by kind: each costs what the instructions cost that it stands for. */
function softwareUnits({ software }: CostProfile, units: (item: CostItem) => number): SoftwareUnits {
  return {
    kinds: {
      general: units('integer'),
      vector: units('simd'),
      system: units('system'),
      load: units('load'),
      store: units('store'),
      // A quarter of a load-exclusive, an operation, a store-exclusive and a branch.
      atomic: Math.round((2 * units('atomic') + units('integer') + units('branch')) / 4),
      maintenance: units('maintenance'),
      barrier: units('barrier'),
      work: units('integer'),
    },
    call: (software?.call.cycles ?? 0) * UNITS_PER_CYCLE,
    operation: (software?.operation.cycles ?? 0) * UNITS_PER_CYCLE,
  };
}
