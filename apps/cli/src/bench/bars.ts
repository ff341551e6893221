// What is asked of the engines: docs/performance.md's table, for one set of results.

import { cellOf, ratios, speedRatio } from './results.ts';
import type { Results } from './results.ts';
import { geometricMean, spread } from './statistics.ts';

/** One requirement on one engine, and how it stands. */
export interface Bar {
  readonly what: string;
  readonly engine: string;
  /** What it is compared with. */
  readonly anchor: string;
  readonly value: number;
  readonly unit: 'times' | 's' | 'MB';
  readonly bar: number;
  /** True where more is better. */
  readonly atLeast: boolean;
}

/** Whether it is met. */
export const isMet = ({ value, bar, atLeast }: Bar): boolean => (atLeast ? value >= bar : value <= bar);

/** A multiplication with one rounding has to be computed in parts where WebAssembly has none. */
const FMA = 'mmf';

type Known = Omit<Bar, 'engine' | 'value'>;

/** Nothing where nothing was measured. */
function bar(engine: string, value: number | undefined, known: Known): Bar[] {
  return value === undefined ? [] : [{ ...known, engine, value }];
}

function hotBars({ rows }: Results, engine: string): Bar[] {
  const mean = (anchor: string): number | undefined =>
    geometricMean(
      rows
        .filter(({ kernel }) => kernel.group === 'hot')
        .flatMap((row) => speedRatio(row, engine, anchor)?.median ?? []),
    );
  const slowest = (wanted: (name: string) => boolean): { name: string; value: number | undefined } => {
    let least = { name: '', value: undefined as number | undefined };
    for (const row of rows) {
      if (row.kernel.group === 'system' || !wanted(row.kernel.name)) continue;
      const value = speedRatio(row, engine, 'qemu')?.median;
      if (value !== undefined && value < (least.value ?? Infinity)) least = { name: row.kernel.name, value };
    }
    return least;
  };
  const other = slowest((name) => name !== FMA);
  const fma = slowest((name) => name === FMA);
  const times = { unit: 'times', atLeast: true } as const;
  return [
    ...bar(engine, mean('qemu'), { ...times, what: 'hot kernels, geometric mean', anchor: 'QEMU', bar: 1.6 }),
    ...bar(engine, mean('qemu-icount'), {
      ...times,
      what: 'hot kernels, geometric mean',
      anchor: 'QEMU -icount',
      bar: 3,
    }),
    ...bar(engine, other.value, {
      ...times,
      what: `the slowest kernel (${other.name})`,
      anchor: 'QEMU',
      bar: 0.85,
    }),
    ...bar(engine, fma.value, { ...times, what: `FMADD (${FMA})`, anchor: 'QEMU', bar: 0.45 }),
  ];
}

function pageBars({ rows }: Results, engine: string): Bar[] {
  const row = (name: string): Results['rows'][number] | undefined =>
    rows.find(({ kernel }) => kernel.name === name);
  const rates = (name: string): number[] => cellOf(row(name), engine)?.rates.map((rate) => rate.mips) ?? [];
  return [
    ...bar(engine, speedRatio(row('breadth'), engine, 'qemu')?.median, {
      what: '1,500 pages of code',
      anchor: 'QEMU',
      unit: 'times',
      bar: 0.3,
      atLeast: true,
    }),
    ...bar(engine, ratios(rates('apart'), rates('shared'))?.median, {
      what: 'slower with code and data on one page',
      anchor: 'on two pages',
      unit: 'times',
      bar: 2,
      atLeast: false,
    }),
  ];
}

function wholeBars({ warmUps, boots }: Results, engine: string): Bar[] {
  const warming = warmUps.find((cell) => cell.engine === engine)?.runs ?? [];
  const warm = spread(warming.map((run) => run.cpu));
  const runs = boots.find((cell) => cell.engine === engine)?.runs ?? [];
  const qemu = boots.find((cell) => cell.engine === 'qemu')?.runs ?? [];
  const memory = spread(runs.flatMap((run) => (run.memory === undefined ? [] : [run.memory / 1e6])));
  const debian = ratios(
    runs.map((run) => run.cpu),
    qemu.map((run) => run.cpu),
  );
  return [
    ...bar(engine, warm?.median, {
      what: 'warm-up of a 1.5 kB program',
      anchor: '-',
      unit: 's',
      bar: 0.15,
      atLeast: false,
    }),
    ...bar(engine, debian?.median, {
      what: 'Debian to its shell, time',
      anchor: 'QEMU',
      unit: 'times',
      bar: 3,
      atLeast: false,
    }),
    ...bar(engine, memory?.median, {
      what: "memory beyond the guest's, Debian booted",
      anchor: '-',
      unit: 'MB',
      bar: 300,
      atLeast: false,
    }),
  ];
}

/** Timing mode against the same engine without. */
function timingBars({ rows }: Results): Bar[] {
  const each = rows.flatMap((row) => speedRatio(row, 'timing', 'jit')?.median ?? []);
  const known = { anchor: 'functional mode', unit: 'times', bar: 0.85, atLeast: true } as const;
  return bar('timing', geometricMean(each), { ...known, what: 'timing mode, geometric mean' });
}

/** A pointer on each of 3,072 pages: this measures walks, of two stages in a VM. */
const WALKS = 'chase-l';

/** A VM against the bare machine. */
function vmBars({ rows, boots }: Results): Bar[] {
  const known = { anchor: 'the bare machine', unit: 'times' } as const;
  const hot = rows.filter(({ kernel }) => kernel.group !== 'system' && kernel.name !== WALKS);
  const each = hot.flatMap((row) => speedRatio(row, 'vm', 'jit')?.median ?? []);
  const [vm, bare] = ['vm', 'jit'].map((engine) =>
    (boots.find((cell) => cell.engine === engine)?.runs ?? []).map((run) => run.cpu),
  );
  return [
    ...bar('vm', geometricMean(each), {
      ...known,
      what: 'computing in a VM, geometric mean',
      bar: 0.95,
      atLeast: true,
    }),
    ...bar('vm', ratios(vm ?? [], bare ?? [])?.median, {
      ...known,
      what: 'Debian to its shell in a VM, time',
      bar: 1.5,
      atLeast: false,
    }),
  ];
}

/** The requirements that these results say something about. */
export function barsOf(results: Results): readonly Bar[] {
  const own = results.engines.filter(
    ({ own: name }) => name !== undefined && !['reference', 'timing', 'vm'].includes(name),
  );
  const ofEach = own.flatMap(({ name }) => [
    ...hotBars(results, name),
    ...pageBars(results, name),
    ...wholeBars(results, name),
  ]);
  return [...ofEach, ...timingBars(results), ...vmBars(results)];
}
