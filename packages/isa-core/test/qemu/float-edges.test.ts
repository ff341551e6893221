// Floating point against QEMU with directed edge cases: NaNs, denormals, infinities, halfway cases, in all modes of FPCR.

import { join } from 'node:path';

import { expect } from 'vitest';

import { requireTool, tempDir } from '@worldswitch/test-tools';

import { placeOf } from './batch.ts';
import { buildHarness, compareBatch, describeDifference } from './compare.ts';
import { floatEdgeCount, floatEdgeTest } from './float-edges.ts';
import type { TestCase } from './generate.ts';

const tools = requireTool('qemu-aarch64', 'aarch64-linux-gnu-gcc');

const BATCH = 16_384;
/** All of them in CI, elsewhere one in so many: a prime, so that every case and every mode has its share. */
const every = process.env['CI'] === 'true' || process.env['DIFFERENTIAL_EDGES'] === 'all' ? 1 : 29;

tools.describe('floating point and QEMU', () => {
  tools.test(
    'agree on the edges of every format',
    async () => {
      const folder = tempDir();
      const harness = await buildHarness(folder);
      const make = floatEdgeTest();
      const found: string[] = [];
      let tests: TestCase[] = [];
      let made = 0;
      for (let n = 0; n < floatEdgeCount; n += every) {
        const test = make(n, placeOf(tests.length));
        if (test !== undefined) tests.push(test);
        if (tests.length < BATCH && n + every < floatEdgeCount) continue;
        made += tests.length;
        const differences = await compareBatch(harness, join(folder, 'batch'), tests);
        found.push(...differences.map(describeDifference));
        if (found.length > 100) break;
        tests = [];
      }
      expect(found.slice(0, 10)).toEqual([]);
      expect(made).toBeGreaterThan((floatEdgeCount / every) * 0.9);
    },
    600_000,
  );
});
