// The modes of the fast engine that tests go through: a guest does the same in all of them.

import type { EngineOptions } from '@worldswitch/machine';

/** WORLDSWITCH_ALL=1: everything in every mode. */
export const every: boolean = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

/** All that there is against the engine, at once. */
const hardest: EngineOptions = { threshold: 0, evict: true, nest: false, chain: false, tlb: 4 };

/** By name. */
export const engineModes: readonly (readonly [string, EngineOptions])[] = [
  ['as it is', {}],
  ['everything compiled', { threshold: 0 }],
  ['everything compiled, calls do not nest', { threshold: 0, nest: false }],
  ['everything compiled, nothing chained', { threshold: 0, chain: false }],
  ['everything compiled, all evicted', { threshold: 0, evict: true }],
  ['compiled soon, all evicted', { threshold: 20, evict: true }],
  ['tiny TLBs', { tlb: 2 }],
  ['everything compiled, tiny TLBs', { threshold: 0, tlb: 4 }],
  ['all of it at once', hardest],
];

/** For guests that take long: as it is and the hardest; all of them with WORLDSWITCH_ALL. */
export const someModes: readonly (readonly [string, EngineOptions])[] = every
  ? engineModes
  : engineModes.filter(([name]) => name === 'as it is' || name === 'all of it at once');
