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

/** What is compared of an engine's own counters, as it stands. */
const COMPARED = ['entries', 'decoded', 'fetchMisses', 'dataMisses', 'steps', 'compiled', 'regions.compiled'];
const MORE_IS_BETTER = ['compiled'];

/** What is compared: some counters, how often compiled code was left, and how large it is. */
function measures(instructions: number, counters: Counts): Counts {
  const known = Object.entries(counters).filter(([name]) => COMPARED.includes(name));
  const exits = Object.entries(counters).filter(([name]) => name.startsWith('exit.'));
  const { 'regions.bytes': bytes = 0, 'regions.instructions': compiled = 0 } = counters;
  return {
    instructions,
    ...Object.fromEntries(known),
    ...(exits.length > 0 && { exits: exits.reduce((sum, [, count]) => sum + count, 0) }),
    ...(compiled > 0 && { bytesPerThousandInstructions: Math.round((1000 * bytes) / compiled) }),
  };
}

/** What is counted in one run of each kernel. */
async function countAll(): Promise<Record<string, Counts>> {
  const counted: Record<string, Counts> = {};
  for (const { name, instructions } of benchKernels) {
    const units = Math.max(2, Math.round(ENOUGH / instructions));
    const run = await runKernel('jit', { kernel: name, units, lap: 0, el2: false }, 1e9, true);
    const executed = (run.end.instructions ?? 0) - (run.begin.instructions ?? 0);
    counted[name] = measures(executed, run.counters ?? {});
  }
  return counted;
}

test('no count is more than 15 % worse than the recorded one', async () => {
  const { kernels } = JSON.parse(readFileSync(FILE, 'utf8')) as Pick<Baseline, 'kernels'>;
  const counted = await countAll();
  if (process.env['UPDATE_COUNTS'] !== undefined) {
    writeFileSync(FILE, `${JSON.stringify({ kernels: counted }, undefined, 2)}\n`);
  } else expect(worse({ moreIsBetter: MORE_IS_BETTER, kernels }, counted)).toEqual([]);
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
