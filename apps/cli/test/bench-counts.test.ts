// What the engine counts while it runs each kernel, against bench-counts.json: `UPDATE_COUNTS=1 npm run bench:counts` records it anew.

import { readFileSync, writeFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import { benchKernels } from '@worldswitch/guests';

import { runKernel } from '../src/bench/own.ts';
import { worse } from './counts.ts';
import type { Baseline, Counts } from './counts.ts';

const FILE = new URL('bench-counts.json', import.meta.url);

/** Instructions of each kernel: enough for an engine to come to speed. */
const ENOUGH = 3e6;

/** What is counted in one run of each kernel: by the machine, and by whatever numbers the engine has. */
async function countAll(): Promise<Record<string, Counts>> {
  const counted: Record<string, Counts> = {};
  for (const { name, instructions } of benchKernels) {
    const units = Math.max(2, Math.round(ENOUGH / instructions));
    const run = await runKernel('jit', { kernel: name, units, lap: 0, el2: false }, 1e9);
    const executed = (run.end.instructions ?? 0) - (run.begin.instructions ?? 0);
    counted[name] = { instructions: executed, ...run.counters };
  }
  return counted;
}

test('no count is more than 15 % worse than the recorded one', async () => {
  const baseline = JSON.parse(readFileSync(FILE, 'utf8')) as Baseline;
  const counted = await countAll();
  if (process.env['UPDATE_COUNTS'] !== undefined) {
    const { moreIsBetter } = baseline;
    writeFileSync(FILE, `${JSON.stringify({ moreIsBetter, kernels: counted }, undefined, 2)}\n`);
  } else expect(worse(baseline, counted)).toEqual([]);
}, 180_000);

describe('the comparison', () => {
  const baseline: Baseline = { moreIsBetter: ['hot'], kernels: { fib: { exits: 1000, hot: 1000, few: 1 } } };

  test('lets 15 % pass, and small numbers', () => {
    expect(worse(baseline, { fib: { exits: 1150, hot: 870, few: 17 } })).toEqual([]);
    expect(worse(baseline, { fib: { exits: 1, hot: 9000, few: 0 } })).toEqual([]);
  });

  test('names what is worse', () => {
    expect(worse(baseline, { fib: { exits: 1151, hot: 869, few: 18 } })).toEqual([
      'fib: exits was 1000 and is 1151',
      'fib: hot was 1000 and is 869',
      'fib: few was 1 and is 18',
    ]);
  });

  test('names what has come or gone', () => {
    expect(worse(baseline, { fib: { exits: 1, hot: 1000, new: 1 } })).toEqual([
      'fib: few is not counted any more',
    ]);
    expect(worse(baseline, { mm: {} })).toEqual(['mm: is not recorded', 'fib: is not run any more']);
  });
});
