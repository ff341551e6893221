// The soak's short form: a little of the load, two windows on the reference engine. `scripts/soak.mjs` does 10^10 instructions.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { replayed, soak, verdict } from './soak.ts';
import type { Sample } from './soak.ts';

const { test } = requireTool('apt-get');

test('a mixed load on four CPUs under constant eviction goes as on the reference engine', async () => {
  const step = 20_000;
  const samples: Sample[] = [];
  const found: (string | undefined)[] = [];
  const report = await soak(
    {
      instructions: 460_000_000,
      // The load has begun by then.
      from: 360_000_000,
      samples: 2,
      window: 2 * step,
      step,
      engineOptions: { evict: true, threshold: 50 },
      flavour: 'cloud-arm64',
    },
    async (sample) => {
      samples.push(sample);
      found.push(await replayed(sample, { step }));
    },
    () => undefined,
  );
  expect(found).toEqual([undefined, undefined]);
  expect(report.console).toContain('\nsoak: tracers: ');
  expect(report.wrong).toEqual([]);
  expect(report.counts['regions.evicted']).toBeGreaterThan(100);
  expect(report.counts['pages.evicted']).toBeGreaterThan(10_000);
  expect(report.counts['compiled']).toBeGreaterThan(20_000_000);
  expect(Math.max(...report.resident)).toBeLessThan(2 ** 31);

  // A hash that is another is found, and where.
  const [sample] = samples;
  const { at = 0, hashes = [], snapshot = new Uint8Array() } = sample ?? {};
  const wrong = { at, snapshot, hashes: [hashes[0] ?? '', 'another'] };
  expect(await replayed(wrong, { step })).toBe(
    `differs between ${at + step} and ${at + 2 * step} instructions`,
  );
}, 600_000);

test('memory that grows, and too much of it, is a failure', () => {
  const mib = 2 ** 20;
  expect(verdict(Array.from({ length: 40 }, (_, i) => (600 + (i % 7) * 20) * mib))).toEqual([]);
  expect(verdict(Array.from({ length: 40 }, (_, i) => (600 + i * 10) * mib))).toEqual([
    'memory grew by 27 %',
  ]);
  expect(verdict([100 * mib, 3000 * mib])).toEqual(['the process had 3000 MiB']);
});
