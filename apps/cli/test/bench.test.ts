// The benchmarks: the same results on every engine, the instructions that the table of kernels promises, what the options refuse.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test, vi } from 'vitest';

import { benchKernels } from '@worldswitch/guests';
import { requireTool, run, tempDir } from '@worldswitch/test-tools';

import { barsOf, isMet } from '../src/bench/bars.ts';
import { wantedOf } from '../src/bench/command.ts';
import { chosenEngines, knownEngines } from '../src/bench/engines.ts';
import { Markers } from '../src/bench/markers.ts';
import { runKernels } from '../src/bench/own.ts';
import { profiled, sharesOf } from '../src/bench/profile.ts';
import { qemuKernel, QEMU } from '../src/bench/qemu.ts';
import { rateOf, warmUp } from '../src/bench/rates.ts';
import { table } from '../src/bench/report.ts';
import { disagreements } from '../src/bench/results.ts';
import type { Results } from '../src/bench/results.ts';
import type { KernelJob, KernelRun } from '../src/bench/run.ts';
import { geometricMean, spread } from '../src/bench/statistics.ts';
import { CliError } from '../src/errors.ts';
import { bundledCommand } from './command.ts';

const folder = tempDir();

/** Enough for some units of all kernels. */
const MOST = 200e6;

const jobs = (units: number, el2 = false): KernelJob[] =>
  benchKernels.map(({ name }) => ({ kernel: name, units, lap: 0, el2 }));
const executed = (one: KernelRun): number => (one.end.instructions ?? 0) - (one.begin.instructions ?? 0);
const checksums = (runs: readonly KernelRun[]): Record<string, string> =>
  Object.fromEntries(runs.map((one) => [one.kernel, one.checksum]));

test('a unit of each kernel takes the instructions that the table says, and gives the same result each time', async () => {
  const once = await runKernels('jit', jobs(1), MOST);
  const thrice = await runKernels('jit', jobs(3), MOST);
  const counts = thrice.map((run, i) => [run.kernel, (executed(run) - executed(once[i] ?? run)) / 2]);
  expect(counts).toEqual(benchKernels.map(({ name, instructions }) => [name, instructions]));
  expect(checksums(thrice)).toEqual(checksums(once));
}, 120_000);

test('EL2 gives the same results', async () => {
  const el1 = await runKernels('jit', jobs(1), MOST);
  expect(checksums(await runKernels('jit', jobs(1, true), MOST))).toEqual(checksums(el1));
}, 120_000);

test('the reference engine gives the same results', async () => {
  const few = jobs(1).filter(({ kernel }) =>
    ['alu', 'fp', 'mmf', 'aes', 'shared', 'syscall', 'remap'].includes(kernel),
  );
  const reference = await runKernels('reference', few, MOST);
  expect(checksums(reference)).toEqual(checksums(await runKernels('jit', few, MOST)));
}, 120_000);

requireTool(QEMU).test(
  'QEMU gives the same results',
  async () => {
    const own = checksums(await runKernels('jit', jobs(1), MOST));
    for (const job of jobs(1)) {
      expect((await qemuKernel([], job)).checksum, job.kernel).toBe(own[job.kernel]);
    }
  },
  120_000,
);

test.each([
  ['a QEMU that ends', 'echo no such board >&2; exit 3', 'qemu-system-aarch64: ended with 3 no such board'],
  [
    'a guest that goes wrong',
    'echo begin fib 1; echo end fib 1 unsteady; exec sleep 60',
    'qemu-system-aarch64: fib: two units of the same work gave different results',
  ],
])('%s is told in one line', async (_name, script, message) => {
  const tools = join(folder, script.length.toString());
  mkdirSync(tools);
  writeFileSync(join(tools, QEMU), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${tools}:${process.env['PATH'] ?? ''}`);
  try {
    const running = qemuKernel([], { kernel: 'fib', units: 1, lap: 0, el2: false });
    await expect(running).rejects.toThrow(new CliError(message));
  } finally {
    vi.unstubAllEnvs();
  }
});

/** Markers that are shown lines, each of which takes a second. */
function shown(...lines: readonly string[]): Markers {
  let time = 0;
  const markers = new Markers(() => ({ cpu: time, wall: time }));
  for (const line of lines) {
    for (const byte of new TextEncoder().encode(`${line}\r\n`)) markers.printed(byte);
    time++;
  }
  return markers;
}

describe('the lines of the image', () => {
  test('make a run with laps', () => {
    const { runs } = shown(
      'begin core 4',
      'lap core 2',
      'lap core 3',
      'end core 4 checksum=00000000000014d4 ticks=12',
    );
    expect(runs).toMatchObject([
      {
        kernel: 'core',
        units: 4,
        checksum: '00000000000014d4',
        ticks: 12,
        begin: { cpu: 0 },
        laps: [
          { units: 2, at: { cpu: 1 } },
          { units: 3, at: { cpu: 2 } },
        ],
        end: { cpu: 3 },
      },
    ]);
  });

  test('say when units differ, when an exception was not expected, and when there is no such kernel', () => {
    expect(() => shown('begin fp 2', 'end fp 2 unsteady')).toThrow(/fp: two units .* different results/);
    expect(() => shown('kit: CPU 0 took an exception')).toThrow(/image: kit: CPU 0/);
    expect(() => shown('bench: no such kernel')).toThrow(/no such kernel/);
  });
});

const at = (cpu: number): { cpu: number; wall: number } => ({ cpu, wall: cpu * 2 });
const aRun = (ends: readonly number[]): KernelRun => ({
  kernel: 'core',
  units: ends.length,
  checksum: '',
  ticks: 0,
  begin: at(1),
  laps: ends.slice(0, -1).map((cpu, i) => ({ units: i + 1, at: at(cpu) })),
  end: at(ends.at(-1) ?? 0),
});
const core = { name: 'core', description: '', group: 'hot', instructions: 1e6, units: 1 } as const;

describe('rates', () => {
  test('leave out what comes before the first lap', () => {
    const rate = rateOf(aRun([4, 5, 6]), core);
    expect(rate).toEqual({ mips: 1, whole: 0.6, wall: 0.5 });
  });

  test('warming up is what the laps take beyond those of the last half', () => {
    expect(warmUp(aRun([4, 6, 7, 8, 9, 10]))).toEqual({ cpu: 3, wall: 6 });
  });

  test('spread and means', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spread([4, 1])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(spread([])).toBeUndefined();
    expect(geometricMean([1, 4])).toBeCloseTo(2);
  });
});

const resultsOf = (own: readonly number[], qemu: readonly number[]): Results => {
  const rates = (all: readonly number[]): { mips: number; whole: number; wall: number }[] =>
    all.map((mips) => ({ mips, whole: mips, wall: mips }));
  const cell = (engine: string, all: readonly number[]) => ({
    engine,
    units: 1,
    checksum: engine,
    rates: rates(all),
  });
  return {
    engines: knownEngines().filter(({ name }) => name === 'jit' || name === 'qemu'),
    rows: [{ kernel: core, cells: [cell('jit', own), cell('qemu', qemu)] }],
    warmUps: [{ engine: 'jit', runs: [{ cpu: 0.2, wall: 0.1 }] }],
    boots: [
      { engine: 'jit', runs: [{ cpu: 2, wall: 2, memory: 200e6 }] },
      { engine: 'qemu', runs: [{ cpu: 1, wall: 1 }] },
    ],
    profiles: [],
  };
};

test('bars compare runs of the same round', () => {
  const bars = barsOf(resultsOf([100, 200, 300], [50, 100, 200]));
  expect(bars.map((bar) => [bar.what, bar.value, isMet(bar)])).toEqual([
    ['hot kernels, geometric mean', 2, true],
    ['the slowest kernel (core)', 2, true],
    ['warm-up of a 1.5 kB program', 0.2, false],
    ['Debian to its shell, time', 2, true],
    ["memory beyond the guest's, Debian booted", 200, true],
  ]);
});

test('the table has columns of MIPS and ratios with their spread, then the rest, then the bars', () => {
  const lines = table(resultsOf([100, 200, 300], [50, 100, 200])).split('\n');
  expect(lines.slice(0, 6)).toEqual([
    'MIPS  jit  qemu         jit / qemu',
    'core  200   100  2.00 (1.50..2.00)',
    '',
    'warm-up of 1.5 kB on jit     0.20 s  0.10 s by the clock',
    "Debian to its shell on jit   2.00 s    2.00 times QEMU's  200 MB beyond the guest's",
    'Debian to its shell on qemu  1.00 s',
  ]);
  expect(lines.slice(6).map((line) => line.split(/  +/).at(-1))).toEqual([
    '',
    'wanted',
    'met',
    'met',
    'missed',
    'met',
    'met',
  ]);
});

test('results that differ are told', () => {
  expect(disagreements(resultsOf([1], [1]).rows)).toEqual([
    'core: the results differ: jit (jit), qemu (qemu)',
  ]);
});

describe('where the time goes', () => {
  const frame = (functionName: string, url = '') => ({
    functionName,
    url,
    scriptId: '',
    lineNumber: 1,
    columnNumber: 2,
  });
  const profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 3, 5, 6, 7, 8, 10] },
      { id: 2, callFrame: frame('wasm-function[1]', 'wasm://wasm/a') },
      { id: 3, callFrame: frame('emit', 'file:///emit'), children: [4, 9] },
      { id: 4, callFrame: frame('') },
      { id: 5, callFrame: frame('wasm-function[0]', 'wasm://wasm/b') },
      { id: 6, callFrame: frame('(garbage collector)') },
      { id: 7, callFrame: frame('walk', 'file:///walk') },
      { id: 8, callFrame: frame('main', 'file:///elsewhere') },
      { id: 9, callFrame: frame('Instance') },
      { id: 10, callFrame: frame('toString', 'file:///step') },
    ],
    startTime: 0,
    endTime: 1e6,
    samples: [2, 3, 4, 5, 6, 7, 8, 9, 10],
    timeDeltas: [1e6, 2e6, 3e6, 4e6, 5e6, 6e6, 7e6, 8e6, 9e6],
  };
  const sources: Record<string, string> = {
    'file:///emit': 'file:///x/packages/jit/src/hot/emit.ts',
    'file:///walk': 'file:///x/node_modules/@worldswitch/mmu/src/walk.ts',
    'file:///step': 'file:///x/packages/jit/src/interpreter/engine.ts',
  };

  test('is told by the sources of functions; those of V8 itself belong to their callers', () => {
    expect(
      sharesOf(profile, (url, line, column) => (line === 1 && column === 2 ? sources[url] : '')),
    ).toEqual({
      interpreter: 1,
      compiling: 2 + 3 + 8,
      'compiled regions': 4,
      'garbage collection': 5,
      'reference engine and translation': 6,
      'V8 and the rest': 7,
      'misses of the fast path': 9,
    });
  });

  test('is sampled while something runs', async () => {
    const { result, shares } = await profiled(async () => Promise.resolve(7));
    expect(result).toBe(7);
    expect(Object.keys(shares)).toContain("V8's other threads");
  });
});

describe('what is asked for', () => {
  test('kernels, groups and all', () => {
    expect(wantedOf([])).toEqual({ kernels: benchKernels, warm: true, debian: true });
    expect(wantedOf(['fib', 'vector', 'warmup'])).toMatchObject({ warm: true, debian: false });
    expect(wantedOf(['fib', 'vector']).kernels.map(({ name }) => name)).toEqual([
      'fib',
      'simd',
      'aes',
      'sha',
    ]);
    expect(() => wantedOf(['quake'])).toThrow(/no kernel is called "quake"/);
  });

  test('engines', () => {
    const chosen = chosenEngines('reference,jit,jit', () => undefined);
    expect(chosen.map(({ name }) => name)).toEqual(['reference', 'jit']);
    vi.stubEnv('PATH', folder);
    const said: string[] = [];
    const without = chosenEngines('jit,qemu', (line) => said.push(line));
    expect(without.map(({ name }) => name)).toEqual(['jit']);
    expect(said).toEqual([`${QEMU} is not installed: no columns of QEMU's, no ratios`]);
    expect(() => chosenEngines('qemu', () => undefined)).toThrow(/none is left/);
    vi.unstubAllEnvs();
    expect(() => chosenEngines('v86', () => undefined)).toThrow(
      /no engine is called "v86"; there are jit, .*reference, qemu/,
    );
  });
});

describe('the command', () => {
  test('ends what it has started when a signal ends it', async () => {
    const child = spawn(
      process.execPath,
      [await bundledCommand(), 'bench', 'tlb', '--engines', 'reference'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      if (said === '') child.kill('SIGTERM');
      said += piece;
    });
    const [status] = (await once(child, 'close')) as [number | null];
    expect({ status, said }).toEqual({ status: 143, said: 'worldswitch: round 1 of 3: tlb\n' });
  }, 60_000);

  test('runs engines in processes of their own and writes JSON', async () => {
    const main = await bundledCommand();
    const file = join(folder, 'results.json');
    const args = ['bench', 'remap', '--quick', '--engines', 'jit,reference', '--json', file];
    const { stdout } = await run(process.execPath, [main, ...args]);
    expect(stdout).toMatch(/^MIPS +jit +reference\nremap +[\d.]+ +[\d.]+$/m);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      schema: 1,
      engines: ['jit', 'reference'],
      options: { rounds: 1, quick: true, el2: false },
      kernels: [
        { name: 'remap', group: 'system', engines: { jit: { units: 800 }, reference: { units: 2 } } },
      ],
    });
  }, 120_000);
});
