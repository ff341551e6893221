// All that a benchmark found, and the ratios in it: always of runs of the same round.

import type { BootCell } from './boots.ts';
import type { BenchEngine } from './engines.ts';
import type { Cell, Row } from './rounds.ts';
import type { Shares } from './run.ts';
import { spread } from './statistics.ts';
import type { Spread } from './statistics.ts';

/** Seconds that warming up took on one engine, for each round: of processor time, and by the host's clock. */
export interface WarmUpCell {
  readonly engine: string;
  readonly runs: readonly { readonly cpu: number; readonly wall: number }[];
}

/** Where the time of one run goes. */
export interface ProfileCell {
  /** The kernel, or `debian`. */
  readonly what: string;
  readonly engine: string;
  readonly shares: Shares;
}

/** Everything. */
export interface Results {
  readonly engines: readonly BenchEngine[];
  readonly rows: readonly Row[];
  readonly warmUps: readonly WarmUpCell[];
  readonly boots: readonly BootCell[];
  readonly profiles: readonly ProfileCell[];
}

/** The row of one engine. */
export const cellOf = (row: Row | undefined, engine: string): Cell | undefined =>
  row?.cells.find((cell) => cell.engine === engine);

/** Ratios of two lists, one by one. */
export function ratios(a: readonly number[], b: readonly number[]): Spread | undefined {
  return spread(a.flatMap((value, i) => (b[i] === undefined ? [] : [value / b[i]])));
}

/** How many times as fast one engine is as the other. */
export function speedRatio(row: Row | undefined, engine: string, anchor: string): Spread | undefined {
  const [a, b] = [cellOf(row, engine), cellOf(row, anchor)];
  return (
    a &&
    b &&
    ratios(
      a.rates.map((rate) => rate.mips),
      b.rates.map((rate) => rate.mips),
    )
  );
}

/** Kernels whose results differ between engines, in a line each. */
export function disagreements(rows: readonly Row[]): string[] {
  return rows
    .filter(({ cells }) => new Set(cells.map((cell) => cell.checksum)).size > 1)
    .map(
      ({ kernel, cells }) =>
        `${kernel.name}: the results differ: ${cells.map((cell) => `${cell.checksum} (${cell.engine})`).join(', ')}`,
    );
}
