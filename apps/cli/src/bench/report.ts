// Results as a table for people and as JSON for programs (docs/performance.md has the schema).

import { cpus } from 'node:os';

import { barsOf, isMet } from './bars.ts';
import { hasQemu, qemuVersion } from './qemu.ts';
import type { Rate } from './rates.ts';
import { ratios, speedRatio } from './results.ts';
import type { Results } from './results.ts';
import { spread } from './statistics.ts';
import type { Spread } from './statistics.ts';

/** Three figures that mean something. */
function figure(value: number): string {
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  if (value >= 0.1 || value <= 0) return (Math.round(value * 100) / 100 + 0).toFixed(2); // no -0.00
  return value.toPrecision(2);
}

function withSpread(value: Spread | undefined): string {
  if (value === undefined) return '-';
  const { median, min, max } = value;
  return min === max ? figure(median) : `${figure(median)} (${figure(min)}..${figure(max)})`;
}

/** Columns of equal width; the first is of words, all others of numbers. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    line
      .map((word, i) => (i === 0 ? word.padEnd(widths[i] ?? 0) : word.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Pairs of engines whose ratio is of interest: each of ours against each of QEMU's modes, and a VM against the bare machine. */
function pairs({ engines }: Results): readonly (readonly [string, string])[] {
  const own = engines.filter((engine) => engine.own !== undefined);
  const qemu = engines.filter((engine) => engine.qemu !== undefined);
  const vm = own.some(({ name }) => name === 'vm') && own.some(({ name }) => name === 'jit');
  return [
    ...(vm ? [['vm', 'jit'] as const] : []),
    ...own.filter(({ name }) => name !== 'vm').flatMap((a) => qemu.map((b) => [a.name, b.name] as const)),
  ];
}

function kernelLines(results: Results): string[] {
  const compared = pairs(results);
  const head = [
    'MIPS',
    ...results.engines.map((engine) => engine.name),
    ...compared.map(([a, b]) => `${a} / ${b}`),
  ];
  const lines = results.rows.map((row) => [
    row.kernel.name,
    ...results.engines.map(({ name }) => {
      const cell = row.cells.find((one) => one.engine === name);
      return cell ? figure(spread(cell.rates.map((rate) => rate.mips))?.median ?? 0) : '-';
    }),
    ...compared.map(([a, b]) => withSpread(speedRatio(row, a, b))),
  ]);
  return lines.length === 0 ? [] : aligned([head, ...lines]);
}

function otherLines({ warmUps, boots }: Results): string[] {
  const warm = warmUps.map(({ engine, runs }) => [
    `warm-up of 1.5 kB on ${engine}`,
    `${withSpread(spread(runs.map((run) => run.cpu)))} s`,
    `${withSpread(spread(runs.map((run) => run.wall)))} s by the clock`,
    '',
  ]);
  const qemu = boots.find((cell) => cell.engine === 'qemu')?.runs ?? [];
  const boot = boots.map(({ engine, runs }) => {
    const times = runs.map((run) => run.cpu);
    const memory = spread(runs.flatMap((run) => run.memory ?? []));
    const ratio = engine.startsWith('qemu')
      ? undefined
      : ratios(
          times,
          qemu.map((run) => run.cpu),
        );
    return [
      `Debian to its shell on ${engine}`,
      `${withSpread(spread(times))} s`,
      ratio === undefined ? '' : `${withSpread(ratio)} times QEMU's`,
      memory === undefined ? '' : `${figure(memory.median / 1e6)} MB beyond the guest's`,
    ];
  });
  const lines = [...warm, ...boot];
  return lines.length === 0 ? [] : ['', ...aligned(lines)];
}

function profileLines({ profiles }: Results): string[] {
  return profiles.flatMap(({ what, engine, shares }) => {
    const parts = Object.entries(shares).sort((a, b) => b[1] - a[1]);
    const sum = parts.reduce((all, [, seconds]) => all + seconds, 0);
    const lines = parts.map(([part, seconds]) => [
      part,
      `${seconds.toFixed(2)} s`,
      `${((100 * seconds) / sum).toFixed(0)} %`,
    ]);
    return ['', ...aligned([[`${what} on ${engine}`, `${sum.toFixed(2)} s`, ''], ...lines])];
  });
}

function barLines(results: Results): string[] {
  const bars = barsOf(results);
  if (bars.length === 0) return [];
  const lines = bars.map((bar) => [
    `${bar.what} (${bar.engine})`,
    bar.anchor,
    `${figure(bar.value)} ${bar.unit}`,
    `${bar.atLeast ? 'at least' : 'at most'} ${bar.bar}`,
    isMet(bar) ? 'met' : 'missed',
  ]);
  return ['', ...aligned([['what', 'against', 'measured', 'wanted', ''], ...lines])];
}

/** The table. */
export function table(results: Results): string {
  return [
    ...kernelLines(results),
    ...otherLines(results),
    ...profileLines(results),
    ...barLines(results),
  ].join('\n');
}

const rounded = (value: number): number => Number(value.toPrecision(6));
const all = (rates: readonly Rate[], of: (rate: Rate) => number): number[] =>
  rates.map((rate) => rounded(of(rate)));

function kernelsAsPlain(results: Results): unknown[] {
  const compared = pairs(results);
  return results.rows.map((row) => ({
    name: row.kernel.name,
    group: row.kernel.group,
    instructions: row.kernel.instructions,
    engines: Object.fromEntries(
      row.cells.map(({ engine, rates, ...cell }) => [
        engine,
        {
          ...cell,
          mips: all(rates, (rate) => rate.mips),
          whole: all(rates, (rate) => rate.whole),
          wall: all(rates, (rate) => rate.wall),
        },
      ]),
    ),
    ratios: Object.fromEntries(
      compared.flatMap(([a, b]) => {
        const ratio = speedRatio(row, a, b);
        return ratio === undefined ? [] : [[`${a}/${b}`, ratio]];
      }),
    ),
  }));
}

/** The same and more as JSON. */
export function json(results: Results, options: Readonly<Record<string, unknown>>): string {
  const [processor] = cpus();
  const host = {
    processor: processor?.model.trim() ?? 'unknown',
    processors: cpus().length,
    node: process.versions.node,
    v8: process.versions.v8,
    ...(hasQemu() && { qemu: qemuVersion() }),
  };
  const plain = {
    schema: 1,
    host,
    options,
    engines: results.engines.map((engine) => engine.name),
    kernels: kernelsAsPlain(results),
    warmUp: Object.fromEntries(results.warmUps.map(({ engine, runs }) => [engine, runs])),
    debian: Object.fromEntries(results.boots.map(({ engine, runs }) => [engine, runs])),
    profiles: results.profiles,
    bars: barsOf(results).map((bar) => ({ ...bar, value: rounded(bar.value), met: isMet(bar) })),
  };
  return `${JSON.stringify(plain, undefined, 1)}\n`;
}
