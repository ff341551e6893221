// Random programs on the hot tier in every mode: after any number of instructions all state is the reference engine's.

import { describe, expect, it } from 'vitest';

import { runPair, runSeed } from './programs/run.ts';
import { createPair, createRig, modes } from './rig.ts';

const FIRST = Number(process.env['SEED'] ?? 1);
const SEEDS = Number(process.env['SEEDS'] ?? 6);
const INSTRUCTIONS = Number(process.env['INSTRUCTIONS'] ?? 20_000);

describe.each(modes)('random programs: %s', (_, mode) => {
  it('leave what they leave on the reference engine', () => {
    const rig = createRig(mode);
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      expect(runSeed(rig, seed, INSTRUCTIONS)).toBeUndefined();
    }
    if (mode.eager === true)
      expect(rig.fast.engine.counters.compiled).toBeGreaterThan(SEEDS * INSTRUCTIONS * 0.2);
  }, 600_000);

  it('on two CPUs that see each other', () => {
    const pair = createPair(mode);
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      expect(runPair(pair, seed, INSTRUCTIONS)).toBeUndefined();
    }
  }, 600_000);
});
