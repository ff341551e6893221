// --engine-stats: what the engine has counted, for people and in --json.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { tempDir } from '@worldswitch/test-tools';

import { engineCounts, engineLines } from '../src/engine-stats.ts';
import { EngineTrace } from '../src/engine-trace.ts';
import type { CounterEvent } from '../src/engine-trace.ts';
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

/** Runs tiny without a word; what was said on standard error. */
async function runTiny(...options: readonly string[]): Promise<string> {
  const said: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  await program().parseAsync(['run', 'tiny', '--instructions', '5000000', '--no-stdin', ...options], {
    from: 'user',
  });
  process.exitCode = 0;
  vi.restoreAllMocks();
  return said.join('');
}

test('--engine-trace has all counters over the run, and changes nothing of it', async () => {
  const [trace, json] = [join(tempDir(), 'trace.json'), join(tempDir(), 'counts.json')];
  const hashes = (said: string): string[] => said.split('\n').filter((line) => line.startsWith('hash '));
  const plain = await runTiny('--hash-every', '1500000');
  const traced = await runTiny(
    '--hash-every',
    '1500000',
    '--engine-trace',
    trace,
    '--json',
    json,
    '--engine-stats',
  );
  expect(hashes(plain)).toHaveLength(3);
  expect(hashes(traced)).toEqual(hashes(plain));
  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: readonly CounterEvent[] };
  const { counters } = JSON.parse(readFileSync(json, 'utf8')) as { counters: Record<string, number> };
  const sums: Record<string, number> = {};
  const last: Record<string, number> = {};
  for (const { args } of traceEvents) {
    for (const [name, count] of Object.entries(args)) {
      sums[name] = (sums[name] ?? 0) + count;
      last[name] = count;
    }
  }
  expect(sums['instructions']).toBe(5_000_000);
  const levels = ['pages.alive', 'regions.alive', 'regions.entries', 'regions.unfit'];
  for (const [name, count] of Object.entries(counters)) {
    expect(levels.includes(name) ? last[name] : sums[name], name).toBe(count);
  }
  expect(new Set(traceEvents.map(({ ts }) => ts)).size).toBeGreaterThan(4);
  expect(traceEvents.every(({ ts }, i) => ts >= (traceEvents[i - 1]?.ts ?? 0))).toBe(true);
});

test('a long trace keeps every second sample', () => {
  const machine = { instructions: 0, now: 0, engines: [] };
  const trace = new EngineTrace(machine);
  for (let i = 0; i < 10_000; i++) {
    machine.instructions = trace.next;
    machine.now = machine.instructions;
    trace.look();
  }
  expect(trace.events.length).toBeLessThanOrEqual(4096);
  const sum = trace.events.reduce((all, { args }) => all + (args['instructions'] ?? 0), 0);
  expect(machine.instructions - sum).toBeLessThan(16_000_000);
});
