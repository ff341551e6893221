// A run on one of our engines, in this process.

import { readFile } from 'node:fs/promises';

import { bench } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine, MachineOptions, VirtOptions } from '@worldswitch/machine';

import { hostOf } from '../compare/system.ts';
import { SHELL_MARKER } from '../debian/initramfs.ts';
import { countAll, engineCounts } from '../engine-stats.ts';
import { CliError } from '../errors.ts';
import { namedGuest } from '../guests.ts';
import { TextWatch } from '../text-watch.ts';
import { settingsOf } from './engines.ts';
import type { EngineName } from './engines.ts';
import { Markers } from './markers.ts';
import { bootargs } from './run.ts';
import type { BootRun, KernelJob, KernelRun, Sample } from './run.ts';
import { inTurns, TurnClock } from './turns.ts';
import type { Turning } from './turns.ts';

const RAM = 0x4000_0000;
const CHUNK = 100_000_000;

/** Numbers that the engine has counted, by name; engines that count nothing have none. */
function countersOf(machine: Machine): Readonly<Record<string, number>> {
  return Object.fromEntries(engineCounts(machine).map(({ name, count }) => [name, count]));
}

/** What this process has spent, and how far the machine is: while a device is at work, in the middle of a slice. */
function sample(machine: Machine, clock: TurnClock | undefined): Sample {
  const { user, system } = process.cpuUsage();
  const executed = machine.engines[0]?.executed ?? 0;
  return {
    cpu: clock?.cpu ?? (user + system) / 1e6,
    wall: performance.now() / 1e3,
    instructions: machine.instructions + executed,
    counters: countersOf(machine),
  };
}

/** What the engine counted in between. */
function since(begin: Sample, end: Sample): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(end.counters ?? {}).map(([name, value]) => [name, value - (begin.counters?.[name] ?? 0)]),
  );
}

/** A machine with the images in its memory; in a VM it is the machine below that one. */
function machineFor(
  engine: EngineName,
  board: VirtOptions,
  images: BootImages,
  options: MachineOptions,
): Machine {
  const config = virt({ ...board, ...settingsOf(engine) });
  if (engine === 'vm') {
    if (board.el2 === true) throw new CliError('--el2: a VM has no EL2');
    return hostOf({ name: images.name ?? 'guest', board: config, images }, options).machine;
  }
  const machine = createMachine(config, options);
  machine.load(images);
  return machine;
}

/** A run that goes on by steps. */
interface Run<T> extends Turning {
  result(): T;
}

/** Steps that run the guest until `over` says that what was wanted has come. */
function stepsOf(
  machine: Machine,
  over: () => boolean,
  most: number,
  what: string,
): (instructions: number) => boolean {
  return (instructions) => {
    const why = machine.run(instructions);
    if (over()) return true;
    if (why !== 'budget' && why !== 'stopped') throw new CliError(`${what}: the guest ended early (${why})`);
    if (machine.instructions > most)
      throw new CliError(`${what}: not done after ${machine.instructions} instructions`);
    return false;
  };
}

/** Runs alone, to the end. */
function finish<T>(run: Run<T>): T {
  while (!run.step(CHUNK)) continue;
  return run.result();
}

async function kernelsOn(
  engine: EngineName,
  jobs: readonly KernelJob[],
  most: number,
  all: boolean,
  clock?: TurnClock,
): Promise<Run<readonly KernelRun[]>> {
  const image = new Uint8Array(await readFile(bench.image));
  const el2 = jobs.some((job) => job.el2);
  const markers = new Markers(() => sample(machine, clock));
  const done = (): boolean => markers.runs.length === jobs.length;
  const append = jobs.map(bootargs).join(' ');
  const machine: Machine = machineFor(
    engine,
    { memory: '128M', ...(el2 && { el2 }) },
    { kernel: readKernel(image, 'bench', RAM), name: 'bench', append },
    {
      output: (_device, byte) => {
        markers.printed(byte);
        if (done()) machine.stop();
      },
    },
  );
  if (all) countAll(machine);
  return {
    step: stepsOf(machine, done, most, jobs[0]?.kernel ?? 'nothing'),
    result: () => markers.runs.map((run) => ({ ...run, counters: since(run.begin, run.end) })),
  };
}

/**
 * Runs units of kernels, one kernel after the other on one machine.
 *
 * @param most - instructions that are enough for all
 * @param all - the engine counts what costs time to count, too
 */
export async function runKernels(
  engine: EngineName,
  jobs: readonly KernelJob[],
  most: number,
  all = false,
): Promise<readonly KernelRun[]> {
  return finish(await kernelsOn(engine, jobs, most, all));
}

/** Runs units of one kernel. */
export async function runKernel(
  engine: EngineName,
  job: KernelJob,
  most: number,
  all = false,
): Promise<KernelRun> {
  const [run] = await runKernels(engine, [job], most, all);
  if (run === undefined) throw new CliError(`${job.kernel}: no result`);
  return run;
}

/** Runs the same on several engines in turns: units of a kernel, or else Debian's boot. */
export async function runInTurns(
  engines: readonly EngineName[],
  job: KernelJob | undefined,
  most: number,
): Promise<readonly (KernelRun | BootRun)[]> {
  const all: { clock: TurnClock; turning: Run<readonly KernelRun[] | BootRun> }[] = [];
  for (const engine of engines) {
    const clock = new TurnClock();
    const turning =
      job === undefined ? await debianOn(engine, clock) : await kernelsOn(engine, [job], most, false, clock);
    all.push({ clock, turning });
  }
  inTurns(all);
  return all.flatMap<KernelRun | BootRun>(({ turning }) => turning.result());
}

/** Bytes of guest memory that are not all zero, by pages: at least so much of the process's memory is the guest's. */
function guestBytes(machine: Machine): number {
  const { bytes } = machine.board.ram;
  const zeros = new Uint8Array(4096);
  let pages = 0;
  for (let at = 0; at < bytes.length; at += 4096) {
    if (Buffer.compare(bytes.subarray(at, at + 4096), zeros) !== 0) pages++;
  }
  return pages * 4096;
}

async function debianOn(engine: EngineName, clock?: TurnClock): Promise<Run<BootRun>> {
  const guest = await namedGuest('debian', {
    append: undefined,
    xenAppend: undefined,
    cpus: 1,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  if (guest.images === undefined) throw new CliError('debian: nothing to boot');
  const watch = new TextWatch(SHELL_MARKER);
  let end: Sample | undefined;
  const machine: Machine = machineFor(engine, { memory: guest.memory }, guest.images, {
    output: (_device, byte) => {
      if (end !== undefined || !watch.seen(byte)) return;
      end = sample(machine, clock);
      machine.stop();
    },
  });
  return {
    step: stepsOf(machine, () => end !== undefined, 3e9, 'debian'),
    result: () => ({
      cpu: end?.cpu ?? 0,
      wall: end?.wall ?? 0,
      instructions: end?.instructions,
      // Of a process that has several machines nobody can say whose it is.
      memory: clock ? undefined : process.memoryUsage().rss - guestBytes(machine),
      counters: countersOf(machine),
    }),
  };
}

/** Boots Debian until its shell is there. Times are since this process began, as the user has it. */
export async function bootDebian(engine: EngineName): Promise<BootRun> {
  return finish(await debianOn(engine));
}
