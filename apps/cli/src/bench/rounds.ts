// Kernels times engines, round by round, so that what else the machine does meets all alike.

import type { BenchKernel } from '@worldswitch/guests';

import type { BenchEngine, EngineName } from './engines.ts';
import { qemuKernel } from './qemu.ts';
import { rateOf, warmUp } from './rates.ts';
import type { Rate } from './rates.ts';
import type { KernelJob, KernelRun, Shares } from './run.ts';
import { inTurnsInProcess, kernelInProcess, sharesInProcess } from './worker.ts';

/** What is measured. */
export interface RoundsOptions {
  readonly kernels: readonly BenchKernel[];
  readonly engines: readonly BenchEngine[];
  readonly rounds: number;
  /** A fifth of the work. */
  readonly quick: boolean;
  readonly el2: boolean;
  /** Our engines take turns in one process. */
  readonly turns?: boolean;
  /** Told what is being run. */
  readonly progress: (line: string) => void;
  /** Ends it. */
  readonly stop: AbortSignal;
}

/** One kernel on one engine. */
export interface Cell {
  readonly engine: string;
  readonly units: number;
  readonly checksum: string;
  /** One for each round. */
  readonly rates: readonly Rate[];
  /** Instructions of a unit as this engine counted them, where it does. */
  readonly instructions?: number | undefined;
  readonly counters?: Readonly<Record<string, number>> | undefined;
}

/** One kernel on all engines. */
export interface Row {
  readonly kernel: BenchKernel;
  readonly cells: readonly Cell[];
}

/** The kernel whose warming up is measured: 1.5 kB of code. */
export const WARM = 'core';
const WARM_LAPS = 100;

function unitsFor(kernel: BenchKernel, engine: BenchEngine, quick: boolean): number {
  // Only compiled code stores beside code without a detour.
  const compiles = engine.own === 'jit' || engine.own === 'timing';
  const units = compiles ? kernel.units : (kernel.slowUnits ?? kernel.units);
  return Math.max(2, Math.round(units * engine.share * (quick ? 0.2 : 1)));
}

/** The image's own work before a kernel begins, the largest of it: pages and rings. */
const SETUP = 50e6;

/** Runs units of a kernel once. */
function runOnce(
  engine: BenchEngine,
  kernel: BenchKernel,
  job: KernelJob,
  stop: AbortSignal,
): Promise<KernelRun> {
  if (engine.own === undefined) return qemuKernel(engine.qemu ?? [], job, stop);
  return kernelInProcess(engine.own, job, SETUP + 2 * job.units * kernel.instructions, stop);
}

/** Instructions of one unit, counted from the first lap to the end. */
function counted(run: KernelRun): number | undefined {
  const [lap] = run.laps;
  if (lap?.at.instructions === undefined || run.end.instructions === undefined) return undefined;
  return (run.end.instructions - lap.at.instructions) / (run.units - lap.units);
}

/** Those of the engines that take turns: ours, but the slow ones. */
export const turnsOf = ({
  engines,
  turns = false,
}: Pick<RoundsOptions, 'engines' | 'turns'>): readonly BenchEngine[] =>
  turns ? engines.filter(({ own, share }) => own !== undefined && share === 1) : [];

async function kernelInTurns(
  turning: readonly BenchEngine[],
  kernel: BenchKernel,
  { quick, el2, stop }: RoundsOptions,
): Promise<readonly KernelRun[]> {
  const [first] = turning;
  if (first === undefined) return [];
  const units = unitsFor(kernel, first, quick);
  const job = { kernel: kernel.name, units, lap: units >> 1, el2 };
  const names = turning.flatMap(({ own }) => own ?? []);
  const runs = await inTurnsInProcess(names, job, SETUP + 2 * units * kernel.instructions, stop);
  return runs as readonly KernelRun[];
}

/** Runs everything. */
export async function runRounds(options: RoundsOptions): Promise<readonly Row[]> {
  const { kernels, engines, rounds, quick, el2, progress, stop } = options;
  const runs = new Map<string, KernelRun[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const kernel of kernels) {
      progress(`round ${round} of ${rounds}: ${kernel.name}`);
      const turning = turnsOf(options);
      const together = await kernelInTurns(turning, kernel, options);
      for (const engine of engines) {
        const units = unitsFor(kernel, engine, quick);
        const job = { kernel: kernel.name, units, lap: units >> 1, el2 };
        const run = together[turning.indexOf(engine)] ?? (await runOnce(engine, kernel, job, stop));
        const key = `${kernel.name} ${engine.name}`;
        runs.set(key, [...(runs.get(key) ?? []), run]);
      }
    }
  }
  return kernels.map((kernel) => ({
    kernel,
    cells: engines.flatMap((engine) => {
      const mine = runs.get(`${kernel.name} ${engine.name}`) ?? [];
      const [first] = mine;
      if (first === undefined) return [];
      const { units, checksum, counters } = first;
      const rates = mine.map((run) => rateOf(run, kernel));
      return [{ engine: engine.name, units, checksum, rates, instructions: counted(first), counters }];
    }),
  }));
}

/** What warming up takes on an engine, for each round. */
export async function warmUps(
  engine: BenchEngine,
  kernel: BenchKernel,
  options: RoundsOptions,
): Promise<ReturnType<typeof warmUp>[]> {
  const lap = Math.max(1, Math.round(unitsFor(kernel, engine, options.quick) / WARM_LAPS));
  const lost: ReturnType<typeof warmUp>[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const job = { kernel: kernel.name, units: lap * WARM_LAPS, lap, el2: options.el2 };
    lost.push(warmUp(await runOnce(engine, kernel, job, options.stop)));
  }
  return lost;
}

/** Where the time of a kernel's run goes, or of Debian's boot. */
export function profileOf(
  own: EngineName,
  engine: BenchEngine,
  kernel: BenchKernel | undefined,
  { quick, el2, stop }: RoundsOptions,
): Promise<Shares> {
  if (kernel === undefined) return sharesInProcess(own, undefined, 0, stop);
  const units = unitsFor(kernel, engine, quick);
  const job = { kernel: kernel.name, units, lap: 0, el2 };
  return sharesInProcess(own, job, SETUP + 2 * units * kernel.instructions, stop);
}
