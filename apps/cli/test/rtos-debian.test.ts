// A small real-time system beside Debian that fork-bombs, on one CPU: with a higher priority it misses no deadline, with the same it does.

import { readFile } from 'node:fs/promises';

import { expect, test as skipped } from 'vitest';

import { rtos } from '@worldswitch/guests';
import { createHost } from '@worldswitch/hypervisor-classic';
import { readKernel, virt } from '@worldswitch/machine';
import type { BootImages } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { namedGuest } from '../src/guests.ts';

const { test } = requireTool('apt-get');
const PATIENCE = 600_000;
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
/** Milliseconds of the guest's time. */
const JOBS = 1000;
/** Percent of the guest's usual work: 80 % of the CPU, which is less than all and more than a half. */
const LOAD = 200;

/** Forks without end; the limit keeps its kernel from killing all it has for want of memory. */
const BOMB = 'echo 600 > /proc/sys/kernel/threads-max; echo bomb; f() { f | f & }; f\n';

async function imagesOf(): Promise<{ readonly debian: BootImages; readonly 'real-time': BootImages }> {
  const wishes = { append: undefined, xenAppend: undefined, cpus: 1, say: () => undefined };
  const { images } = await namedGuest('debian', wishes);
  if (images === undefined) throw new Error('Debian has nothing to boot');
  const kernel = readKernel(new Uint8Array(await readFile(rtos.image)), 'rtos', 0x4000_0000);
  return { debian: images, 'real-time': { kernel, name: 'rtos', append: `rtos:${JOBS},${LOAD},1` } };
}

/** What comes of it, with the priority given and Debian's 100. */
async function besideBomb(version: 2 | 3, priority: number) {
  let text = '';
  const gic = { version };
  const host = createHost(
    {
      board: virt({ memory: '352M', gic }),
      vms: [
        { name: 'debian', board: virt({ memory: '256M', gic }), priority: 100 },
        { name: 'real-time', board: virt({ memory: '64M', gic }), priority },
      ],
    },
    await imagesOf(),
    {
      output: (_device, byte) => {
        text += String.fromCharCode(byte);
      },
    },
  );
  const { machine } = host;
  const type = (keys: string): void => {
    machine.type('serial', new TextEncoder().encode(keys));
  };
  const runTo = (what: RegExp, most: number): void => {
    const limit = machine.instructions + most;
    while (!what.test(text) && machine.instructions < limit)
      if (!['budget', 'stopped', 'idle'].includes(machine.run(5_000_000))) break;
    expect(machine.failure, machine.report()).toBeUndefined();
    expect(what.test(text), `${what.source} in\n${text.slice(-3000)}`).toBe(true);
  };
  runTo(/Debian is up/, 3e9);
  type(BOMB);
  // The bomb has reached the limit, and goes on.
  runTo(/can't fork/, 3e9);
  type('\x1d2x');
  runTo(/rtos: sum .*\r\n/, 5e9);
  // It goes on behind that, too: it did all the time.
  runTo(/rtos: sum [^]*can't fork/, 5e9);
  const [, jobs, missed] = /rtos: sum (\d+) jobs, (\d+) missed/.exec(text) ?? [];
  const jitter = Number(/task fast .* jitter (\d+)/.exec(text)?.[1]);
  const lines = text.split('\r\n').filter((line) => line.includes('rtos: '));
  process.stdout.write(`GICv${version}, priority ${priority}\n${lines.join('\n')}\n`);
  return { jobs: Number(jobs), missed: Number(missed), jitter };
}

// Two boots of Debian each: nothing for every day.
for (const version of [2, 3] as const)
  if (!every)
    skipped.skip(`real-time tasks beside Debian's fork bomb, GICv${version} [needs WORLDSWITCH_ALL=1]`);
  else
    test(
      `real-time tasks beside Debian's fork bomb, GICv${version}: strict priority misses nothing, equal priority does`,
      async () => {
        const strict = await besideBomb(version, 200);
        expect(strict).toMatchObject({ jobs: JOBS + JOBS / 2 + JOBS / 5, missed: 0 });
        expect(strict.jitter).toBeLessThan(10);
        const equal = await besideBomb(version, 100);
        expect(equal.missed).toBeGreaterThan(0);
      },
      PATIENCE,
    );
