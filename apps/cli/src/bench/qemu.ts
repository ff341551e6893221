// A run on QEMU: its console is read, and what it has spent is asked of the host's kernel. The guest sleeps after each line until
// it is answered, so that what is asked late is right all the same.

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { bench } from '@worldswitch/guests';

import { SHELL_MARKER } from '../debian/initramfs.ts';
import { CliError } from '../errors.ts';
import { TextWatch } from '../text-watch.ts';
import { Markers } from './markers.ts';
import { bootargs } from './run.ts';
import type { BootRun, KernelJob, KernelRun, Sample } from './run.ts';

/** The program. */
export const QEMU = 'qemu-system-aarch64';

/** Whether it is installed. */
export function hasQemu(): boolean {
  return spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Its first line about itself. */
export function qemuVersion(): string {
  const { stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

/** Processor time of a process's threads in seconds; undefined where the host has no /proc. */
function processTime(pid: number): number | undefined {
  try {
    const folder = `/proc/${pid}/task`;
    const times = readdirSync(folder).map((thread) =>
      Number(readFileSync(`${folder}/${thread}/schedstat`, 'latin1').split(' ')[0]),
    );
    const sum = times.reduce((all, one) => all + one, 0);
    return Number.isFinite(sum) ? sum / 1e9 : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds after which a run hangs, on any engine. */
export const TIMEOUT = 300;

/** What a byte of the console leads to: the guest waits for a character, or enough was read. */
type Reaction = 'answer' | 'enough' | undefined;

/** Runs until `printed` says that enough was read. */
async function run(
  args: readonly string[],
  stop: AbortSignal | undefined,
  printed: (byte: number, now: () => Sample) => Reaction,
): Promise<void> {
  const child = spawn(QEMU, ['-cpu', 'cortex-a57', '-nographic', '-nic', 'none', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    killSignal: 'SIGKILL',
    timeout: TIMEOUT * 1000,
    signal: stop,
  });
  let errors = '';
  let wrong: string | undefined;
  let enough = false;
  const failed = await new Promise<string | undefined>((resolve) => {
    const end = (how: string): void => {
      resolve(enough ? undefined : how);
    };
    child.stdout.on('data', (bytes: Buffer) => {
      const wall = performance.now() / 1e3;
      const cpu = processTime(child.pid ?? 0) ?? wall;
      try {
        for (const byte of bytes) {
          const reaction = enough ? undefined : printed(byte, () => ({ cpu, wall }));
          if (reaction === 'answer') child.stdin.write('g');
          if (reaction === 'enough') enough = true;
        }
      } catch (thrown) {
        wrong = thrown instanceof Error ? thrown.message : String(thrown);
        child.kill('SIGKILL');
      }
      if (enough) child.kill('SIGKILL');
    });
    child.stdin.on('error', () => undefined); // it has ended, which `close` tells
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', (error) => {
      end(error.message);
    });
    child.once('close', (status, signal) => {
      const why =
        signal === 'SIGKILL' ? `not done after ${TIMEOUT} s` : `ended with ${signal ?? String(status)}`;
      end(wrong ?? why);
    });
  });
  if (failed !== undefined)
    throw new CliError(`${QEMU}: ${failed} ${errors.trim().split('\n')[0] ?? ''}`.trim());
}

/** Runs units of one kernel. */
export async function qemuKernel(
  more: readonly string[],
  job: KernelJob,
  stop?: AbortSignal,
): Promise<KernelRun> {
  let now: () => Sample = () => ({ cpu: 0, wall: 0 });
  const markers = new Markers(() => now());
  const args = [
    ...['-M', job.el2 ? 'virt,virtualization=on' : 'virt', '-m', '128M', ...more],
    ...['-kernel', fileURLToPath(bench.image), '-append', `${bootargs(job)},1`],
  ];
  await run(args, stop, (byte, sample) => {
    now = sample;
    const waits = markers.printed(byte);
    if (markers.runs.length > 0) return 'enough';
    return waits ? 'answer' : undefined;
  });
  const [found] = markers.runs;
  if (found === undefined) throw new CliError(`${QEMU}: ${job.kernel}: no result`);
  return found;
}

/** What Debian boots from, as files. */
export interface DebianPaths {
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  readonly memory: string;
}

/** Boots Debian until its shell is there. */
export async function qemuDebian(
  more: readonly string[],
  paths: DebianPaths,
  stop?: AbortSignal,
): Promise<BootRun> {
  const watch = new TextWatch(SHELL_MARKER);
  const before = performance.now() / 1e3;
  let end: Sample = { cpu: 0, wall: 0 };
  const args = [
    ...['-M', 'virt', '-m', paths.memory, ...more],
    ...['-kernel', paths.kernel, '-initrd', paths.initrd, '-append', paths.append],
  ];
  await run(args, stop, (byte, sample) => {
    if (!watch.seen(byte)) return undefined;
    end = sample();
    return 'enough';
  });
  return { cpu: end.cpu, wall: end.wall - before };
}
