// The reference engine against QEMU: every case of the instruction table that EL0 can execute, with random operands and states.

import { join } from 'node:path';

import { expect } from 'vitest';

import { requireTool, tempDir } from '@worldswitch/test-tools';

import { Layout } from '../../src/cpu/layout.ts';
import { placeOf } from './batch.ts';
import { buildHarness, compareBatch, describeDifference } from './compare.ts';
import type { Difference } from './compare.ts';
import { EXCLUDED, Generator, tableCases } from './generate.ts';
import type { TestCase } from './generate.ts';
import { isKnown } from './known.ts';
import { randomFrom } from './random.ts';

const tools = requireTool('qemu-aarch64', 'aarch64-linux-gnu-gcc');

/** Parts of a saved state, with the offset of a byte. */
const PARTS = [
  ['x0', Layout.x],
  ['x30', Layout.x + 8 * 30 + 7],
  ['sp', Layout.x + 8 * 31 + 1],
  ['nzcv', Layout.nzcv + 3],
  ['fpcr', Layout.fpcr + 3],
  ['fpsr', Layout.fpsr],
  ['v0 low', Layout.v],
  ['v31 high', Layout.v + 511],
  ['memory 0x0', Layout.cells],
  ['memory 0xf8', Layout.cells + 255],
] as const;

const BATCH = 16_384;
const count = Number(
  process.env['DIFFERENTIAL_CASES'] ?? (process.env['CI'] === 'true' ? 1_000_000 : 30_000),
);
const seed = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const only = process.env['DIFFERENTIAL_ROW'];

/** Calls `make` for places in turn until there are `wanted` cases, or it has given up too often. */
const collect = (wanted: number, make: (n: number, at: number) => TestCase | undefined): TestCase[] => {
  const tests: TestCase[] = [];
  for (let n = 0; tests.length < wanted && n < 4 * wanted + 1000; n++) {
    const test = make(n, tests.length);
    if (test !== undefined) tests.push(test);
  }
  return tests;
};

/** Goes through all batches; the reference engine makes the next while QEMU runs one. */
const compareAll = async (total: number, next: (wanted: number) => TestCase[]): Promise<Difference[]> => {
  const folder = tempDir();
  const harness = await buildHarness(folder);
  const found: Difference[] = [];
  let running: Promise<Difference[]> = Promise.resolve([]);
  for (let done = 0, i = 0; done < total && found.length < 2000; i++) {
    const tests = next(Math.min(BATCH, total - done));
    if (tests.length === 0) break;
    done += tests.length;
    found.push(...(await running));
    running = compareBatch(harness, join(folder, `batch${String(i & 1)}`), tests);
  }
  found.push(...(await running));
  return found;
};

/** One example of each row, and how many there are. */
const summary = (found: readonly Difference[]): string[] => {
  const byRow = new Map<string, Difference[]>();
  for (const difference of found) {
    const name = difference.test.rows.join('; ');
    byRow.set(name, [...(byRow.get(name) ?? []), difference]);
  }
  return [...byRow.values()].flatMap((list) => {
    const [first] = list;
    return first === undefined ? [] : [`${String(list.length)} of ${describeDifference(first)}`];
  });
};

tools.describe('the reference engine and QEMU', () => {
  tools.test(
    'agree on every row that EL0 can execute',
    async () => {
      const generator = new Generator(randomFrom(seed));
      const chosen = tableCases.filter(({ row }) => only === undefined || row.name.includes(only));
      const seen = new Set<string>();
      let at = 0;
      const found = await compareAll(count, (wanted) =>
        collect(wanted, (_, place) => {
          const tableCase = chosen[at++ % chosen.length];
          const test = tableCase && generator.make(tableCase, placeOf(place));
          for (const name of test?.rows ?? []) seen.add(name);
          return test;
        }),
      );
      expect(summary(found.filter((difference) => !isKnown(difference)))).toEqual([]);
      const rows = new Set(chosen.map(({ row }) => row.name));
      expect([...rows].filter((name) => !seen.has(name) && !EXCLUDED.has(name))).toEqual([]);
    },
    600_000,
  );

  tools.test(
    'agree on which words are instructions',
    async () => {
      const generator = new Generator(randomFrom(seed + 1));
      const found = await compareAll(count / 4, (wanted) =>
        collect(wanted, (_, place) => generator.makeAny(placeOf(place))),
      );
      expect(summary(found.filter((difference) => !isKnown(difference)))).toEqual([]);
    },
    600_000,
  );

  tools.test('notice a bit that differs in any part of the state', async () => {
    const generator = new Generator(randomFrom(seed + 2));
    const nop = tableCases.find(({ row }) => row.name === 'HINT');
    if (nop === undefined) throw new Error('no HINT in the table');
    const tests = collect(PARTS.length, (_, place) => generator.make(nop, placeOf(place)));
    PARTS.forEach(([, offset], i) => {
      const { after } = tests[i] ?? { after: new Uint8Array() };
      after[offset] = (after[offset] ?? 0) ^ 0x80;
    });
    const folder = tempDir();
    const found = await compareBatch(await buildHarness(folder), join(folder, 'batch'), tests);
    expect(found.map(({ what }) => what.map((line) => line.split(':')[0]))).toEqual(
      PARTS.map(([name]) => [name]),
    );
  });
});
