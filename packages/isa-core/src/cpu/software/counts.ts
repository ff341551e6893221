// Counts of what software did through its ports.

import type { SoftwareCounts } from '@worldswitch/platform';

import { systemRegisters } from '../sysregs/table.ts';

/** Kinds of calls: 16 vectors, power-on, task. */
const CALLS = 18;

/** Counts at zero. */
export function noSoftwareCounts(): SoftwareCounts {
  return {
    calls: new Uint32Array(CALLS),
    nested: 0,
    instructions: 0,
    work: 0,
    generalReads: 0,
    generalWrites: 0,
    vectorReads: 0,
    vectorWrites: 0,
    systemReads: 0,
    systemWrites: 0,
    readsOf: new Uint32Array(systemRegisters.length),
    writesOf: new Uint32Array(systemRegisters.length),
    loads: 0,
    stores: 0,
    bytesLoaded: 0,
    bytesStored: 0,
    deviceLoads: 0,
    deviceStores: 0,
    atomics: 0,
    tlbMaintenance: 0,
    addressTranslations: 0,
    cacheMaintenance: 0,
    barriers: 0,
    environmentCalls: 0,
    faults: 0,
    intercepted: 0,
    erets: 0,
    waits: 0,
  };
}
