// From runs to rates: instructions per second of processor time at speed, and what warming up took.

import type { BenchKernel } from '@worldswitch/guests';

import type { KernelRun, Sample } from './run.ts';
import { spread } from './statistics.ts';

/** One run as numbers. */
export interface Rate {
  /** Million instructions per second of processor time, from the first lap to the end: without start-up and warming up. */
  readonly mips: number;
  /** The same from the beginning. */
  readonly whole: number;
  /** By the host's clock instead, from the first lap. */
  readonly wall: number;
}

function between(from: Sample, to: Sample, instructions: number): { cpu: number; wall: number } {
  const rate = (seconds: number): number => instructions / Math.max(seconds, 1e-6) / 1e6;
  return { cpu: rate(to.cpu - from.cpu), wall: rate(to.wall - from.wall) };
}

/** The rates of one run. */
export function rateOf(run: KernelRun, kernel: BenchKernel): Rate {
  const first = run.laps[0] ?? { units: 0, at: run.begin };
  const late = between(first.at, run.end, (run.units - first.units) * kernel.instructions);
  const all = between(run.begin, run.end, run.units * kernel.instructions);
  return { mips: late.cpu, whole: all.cpu, wall: late.wall };
}

/** What warming up took: the seconds of the run, less all its laps at the speed of the last half. */
export function warmUp(run: KernelRun): { readonly cpu: number; readonly wall: number } {
  const ends = [...run.laps.map(({ at }) => at), run.end];
  const lost = (of: (at: Sample) => number): number => {
    const times = ends.map((at, i) => of(at) - of(ends[i - 1] ?? run.begin));
    const usual = spread(times.slice(times.length >> 1))?.median ?? 0;
    return of(run.end) - of(run.begin) - times.length * usual;
  };
  return { cpu: lost((at) => at.cpu), wall: lost((at) => at.wall) };
}
