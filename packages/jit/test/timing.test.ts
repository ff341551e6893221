// Instructions with costs: after any budget both engines have executed as many instructions and spent as much, in every mode.

import { describe, expect, it } from 'vitest';

import { assemble, cases, decode } from '@worldswitch/isa-core';
import type { CpuCosts } from '@worldswitch/isa-core';

import { load, prepare, runPair, runSeed } from './programs/run.ts';
import { createRandom } from './random.ts';
import { createPair, createRig, eager, modes, RAM } from './rig.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 6);
const INSTRUCTIONS = 4000;

/** Every case costs something else than its neighbours. */
const each = Uint16Array.from(cases, (_, i) => 2 + ((i * 7919) % 41));
const ADD = decode(assemble('add x0, x0, #1'))?.caseId;
const costs: CpuCosts = {
  perCycle: 4,
  least: 2,
  cases: each,
  exception: [0, 111, 222, 333],
  exceptionReturn: [0, 77, 88, 99],
  tlbMiss: 19,
  descriptor: [0, 23, 29],
  device: 301,
};

describe.each(modes)('random programs that cost something: %s', (_, mode) => {
  it('spend as much as on the reference engine', () => {
    const rig = createRig({ ...mode, costs });
    for (let seed = 4000; seed < 4000 + SEEDS; seed++)
      expect(runSeed(rig, seed, 4 * INSTRUCTIONS)).toBeUndefined();
    if (mode.eager === true) expect(rig.fast.engine.counters.compiled).toBeGreaterThan(0);
  });
});

describe('two CPUs that cost something', () => {
  it('spend as much as on the reference engine', () => {
    const pair = createPair({ ...eager, costs });
    for (let seed = 0; seed < 3; seed++) expect(runPair(pair, seed, 4 * INSTRUCTIONS)).toBeUndefined();
  });
});

describe('a wrong cost', () => {
  it.each([
    ['of one instruction', { cases: each.map((cost, id) => (id === ADD ? cost + 1 : cost)) }],
    ['of an exception', { exception: [0, 112, 222, 333] }],
    ['of a return', { exceptionReturn: [0, 78, 88, 99] }],
    ['of a miss', { tlbMiss: 20 }],
    ['of a descriptor', { descriptor: [0, 24, 29] }],
  ] as const)('%s shows', (_, wrong) => {
    const rig = createRig({ ...eager, costs, fastCosts: { ...costs, ...wrong } });
    const found = [0, 1, 2, 3, 4, 5].map((seed) => runSeed(rig, 4000 + seed, INSTRUCTIONS));
    expect(found.some((verdict) => verdict !== undefined)).toBe(true);
  });
});

describe('a budget in units', () => {
  const lines = ['add x0, x0, #1', 'mul x1, x0, x0', 'ldr x2, [x19]', 'cbnz x0, -12'];
  const loop = lines.map((line) => assemble(line));
  const costOf = (word: number): number => costs.cases[decode(word)?.caseId ?? -1] ?? 0;

  it.each([
    ['interpreted', {}],
    ['compiled', eager],
  ])('ends at the first instruction that begins with nothing left: %s', (_, mode) => {
    const rig = createRig({ ...mode, costs });
    prepare(rig, createRandom(1));
    load(rig, RAM, loop);
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(RAM);
    // The first lap translates and decodes.
    expect(rig.run(1000)).toEqual([]);
    const lap = loop.map(costOf);
    const indexOf = (pc: bigint): number => Number(pc - BigInt(RAM)) / 4;
    for (let budget = 1; budget < 300; budget += 7) {
      let at = indexOf(rig.fast.cpu.state.pc);
      let [spent, executed] = [0, 0];
      for (; spent < budget; executed++) {
        spent += lap[at] ?? 0;
        at = (at + 1) % loop.length;
      }
      expect(rig.run(budget)).toEqual([]);
      expect([rig.fast.engine.spent, rig.fast.engine.executed]).toEqual([spent, executed]);
      expect(indexOf(rig.fast.cpu.state.pc)).toBe(at);
    }
  });
});
