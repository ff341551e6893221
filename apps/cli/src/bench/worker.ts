// A process of its own for every run on one of our engines: what one run compiled or left behind is not there in the next.

import { spawn } from 'node:child_process';

import { CliError } from '../errors.ts';
import { knownEngines } from './engines.ts';
import type { EngineName } from './engines.ts';
import { bootDebian, runInTurns, runKernel } from './own.ts';
import { profiled } from './profile.ts';
import { TIMEOUT } from './qemu.ts';
import type { BootRun, KernelJob, KernelRun, Shares } from './run.ts';

/** What a process is asked to do. */
interface Task {
  readonly engine: EngineName;
  /** A kernel, or else Debian's boot. */
  readonly job?: KernelJob;
  readonly most?: number;
  /** Further engines, which take turns with it. */
  readonly beside?: readonly EngineName[];
  /** Where the time goes is asked, instead of how much it is. */
  readonly profile?: boolean;
}

/** The hidden command that such a process runs. */
export const WORKER = 'bench-run';

/** What the process does: prints its result as JSON. */
export async function work(text: string): Promise<void> {
  let task: Task | null;
  try {
    task = JSON.parse(text) as Task | null;
  } catch {
    throw new CliError(`${WORKER}: takes what worldswitch bench gives it`);
  }
  const known = (name: unknown): EngineName | undefined =>
    knownEngines().find(({ own }) => own === name)?.own;
  const engine = known(task?.engine);
  if (task === null || engine === undefined)
    throw new CliError(`${WORKER}: takes what worldswitch bench gives it`);
  const { job, most = 1e9, beside } = task;
  const run = (): Promise<BootRun | KernelRun | readonly (BootRun | KernelRun)[]> => {
    if (beside !== undefined)
      return runInTurns([engine, ...beside.flatMap((name) => known(name) ?? [])], job, most);
    return job === undefined ? bootDebian(engine) : runKernel(engine, job, most);
  };
  const result = task.profile === true ? (await profiled(run)).shares : await run();
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function ask(task: Task, stop: AbortSignal | undefined): Promise<unknown> {
  const args = [...process.execArgv, process.argv[1] ?? '', WORKER, JSON.stringify(task)];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    timeout: TIMEOUT * 1000,
    signal: stop,
  });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (output += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (errors += piece));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => {
      if (status === 0) resolve(JSON.parse(output));
      else {
        const what = errors.trim().split('\n').at(-1) ?? '';
        const name = task.job?.kernel ?? 'debian';
        reject(
          new CliError(
            `${name} on ${task.engine}: ${what.replace(/^worldswitch: /, '') || `ended with ${signal ?? String(status)}`}`,
          ),
        );
      }
    });
  });
}

/** Runs units of a kernel in a process of its own. */
export function kernelInProcess(
  engine: EngineName,
  job: KernelJob,
  most: number,
  stop?: AbortSignal,
): Promise<KernelRun> {
  return ask({ engine, job, most }, stop) as Promise<KernelRun>;
}

/** Boots Debian in a process of its own. */
export function debianInProcess(engine: EngineName, stop?: AbortSignal): Promise<BootRun> {
  return ask({ engine }, stop) as Promise<BootRun>;
}

/** Runs units of a kernel, or else boots Debian, on several engines that take turns in one process. */
export function inTurnsInProcess(
  [engine, ...beside]: readonly EngineName[],
  job: KernelJob | undefined,
  most: number,
  stop?: AbortSignal,
): Promise<readonly (KernelRun | BootRun)[]> {
  if (engine === undefined) return Promise.resolve([]);
  const task = { engine, beside, ...(job && { job, most }) };
  return ask(task, stop) as Promise<readonly (KernelRun | BootRun)[]>;
}

/** Where the time of a run in a process of its own goes: of a kernel, or else of Debian's boot. */
export function sharesInProcess(
  engine: EngineName,
  job: KernelJob | undefined,
  most: number,
  stop?: AbortSignal,
): Promise<Shares> {
  return ask({ engine, ...(job && { job, most }), profile: true }, stop) as Promise<Shares>;
}
