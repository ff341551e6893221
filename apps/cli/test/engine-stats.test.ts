// --engine-stats: what the engine has counted, for people and in --json.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { tempDir } from '@worldswitch/test-tools';

import { engineCounts, engineLines } from '../src/engine-stats.ts';
import { program } from '../src/program.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('counts of several engines are added, those that they share are not', () => {
  const engine = (count: number): object => ({
    countAll: () => true,
    counts: () => [
      { name: 'steps', text: 'instructions one by one', shared: false, count },
      { name: 'pages', text: 'pages decoded', shared: true, count: 7 },
    ],
  });
  const counts = engineCounts({ engines: [engine(3), engine(40)] as never });
  expect(engineLines(counts)).toEqual(['  43 steps  instructions one by one', '   7 pages  pages decoded']);
  expect(engineCounts({ engines: [{}] as never })).toEqual([]);
});

test('a run prints them and writes them to --json', async () => {
  const lines: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  const json = join(tempDir(), 'counts.json');
  const options = ['--engine-stats', '--json', json, '--instructions', '30000000', '--no-stdin'];
  await program().parseAsync(['run', 'tiny', ...options], { from: 'user' });
  process.exitCode = 0;
  const { counters } = JSON.parse(readFileSync(json, 'utf8')) as { counters: Record<string, number> };
  expect(counters['entries']).toBeGreaterThan(0);
  expect(counters['decoded']).toBeGreaterThan(100);
  expect(lines.join('')).toMatch(/\d+ regions\.compiled +regions compiled\n/);
});
