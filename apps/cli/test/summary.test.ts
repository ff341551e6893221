// What is said at the end of a run: a few lines for people, JSON for programs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, expect, test, vi } from 'vitest';

import { tempDir } from '@worldswitch/test-tools';

import { program } from '../src/program.ts';
import { countLines, firstLine, jsonSummary } from '../src/summary.ts';
import type { RunFacts } from '../src/summary.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const cpu: RunFacts['counts']['cpus'][number] = {
  instructions: 1_500_000,
  exceptions: [
    { el: 1, kind: 'SVC', count: 20 },
    { el: 1, kind: 'IRQ', count: 3 },
    { el: 2, kind: 'HVC', count: 4 },
  ],
  interrupts: 3,
  returns: 27,
  walks: { count: 10, stage1References: 30, stage2References: 12, faults: 1 },
  tlb: { misses: 10, evictions: 0, maintenance: 2, invalidated: 7 },
};
const devices = Array.from({ length: 7 }, (_, i) => ({ name: `d${i}`, reads: i, writes: 1 }));
const facts: RunFacts = {
  how: 'the guest powered off',
  hostSeconds: 2,
  engine: 'interpreter',
  counts: { instructions: 3_000_000, now: 3_000_000, cpus: [cpu, cpu], devices },
};

test('the lines add up the CPUs and name what is most', () => {
  expect([firstLine(facts), ...countLines(facts)]).toEqual([
    'worldswitch: the guest powered off: 3000000 instructions on 2 CPUs, 2.00 s, 1.5 MIPS (interpreter)',
    '  virtual time 0.003000 s',
    '  exceptions: 40 SVC to EL1, 8 HVC to EL2, 6 IRQ to EL1',
    '  table walks: 20 with 84 references; TLB: 20 misses, 4 TLBI, 14 entries removed',
    '  device accesses: 7 d6, 6 d5, 5 d4, 4 d3, 3 d2, 3 others',
  ]);
});

test('JSON has everything, for each CPU', () => {
  expect(JSON.parse(jsonSummary(facts, 0))).toEqual({
    end: 'the guest powered off',
    status: 0,
    engine: 'interpreter',
    instructions: 3_000_000,
    hostSeconds: 2,
    virtualSeconds: 0.003,
    mips: 1.5,
    cpus: [cpu, cpu],
    devices,
  });
});

test('a run writes what it did: the same counts on both engines', async () => {
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const folder = tempDir();
  const counts = async (engine: string): Promise<unknown> => {
    const file = join(folder, engine);
    await program().parseAsync([
      ...[
        'node',
        'worldswitch',
        'run',
        'tiny',
        '--append',
        'selftest poweroff',
        '--serial',
        'null',
        '--no-stdin',
      ],
      ...['--engine', engine, '--json', file],
    ]);
    const { cpus, devices, instructions, virtualSeconds } = JSON.parse(readFileSync(file, 'utf8')) as Record<
      string,
      unknown
    >;
    return { cpus, devices, instructions, virtualSeconds };
  };
  const fast = await counts('jit');
  expect(fast).toMatchObject({
    devices: expect.arrayContaining([expect.objectContaining({ name: 'serial UART' })]) as unknown,
  });
  expect(await counts('reference')).toEqual(fast);
});
