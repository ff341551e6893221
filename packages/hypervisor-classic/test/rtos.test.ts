// A small real-time system beside a VM that never yields, on one CPU: with a higher priority it misses no deadline, with the same it does.
// What a task misses is counted by the guest itself, on its own clock.

import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { bench, rtos } from '@worldswitch/guests';
import type { Guest } from '@worldswitch/guests';
import { createMachine, planBoot, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';

import { createHost } from '../src/index.ts';

/** Milliseconds of the guest's time. */
const JOBS = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 40 : 1000;
const PATIENCE = 300_000;
/** Percent of the guest's usual work: 80 % of the CPU, which is less than all and more than a half. */
const LOAD = 200;

async function imagesOf(guest: Guest, append: string): Promise<BootImages> {
  const image = new Uint8Array(await readFile(guest.image));
  return { kernel: readKernel(image, guest.name, 0x4000_0000), name: guest.name, append };
}

/** What the real-time system counted. */
interface Counted {
  readonly jobs: number;
  readonly missed: number;
  /** Microseconds from a job's release to its beginning, at worst. */
  readonly jitter: number;
}

/** By task, and `sum`. Empty when it did not end. */
function countedIn(text: string): Readonly<Record<string, Counted>> {
  const lines = text.matchAll(
    /rtos: (?:task (\w+) period \d+ us,|sum) (\d+) jobs, (\d+) missed, worst jitter (\d+) us/g,
  );
  return Object.fromEntries(
    [...lines].map(([, task = 'sum', jobs, missed, jitter]) => [
      task,
      { jobs: Number(jobs), missed: Number(missed), jitter: Number(jitter) },
    ]),
  );
}

/** Runs until the guest has said its sum. */
function finish(machine: Machine, output: () => string): Readonly<Record<string, Counted>> {
  const most = JOBS * 30e6;
  while (!/rtos: sum .*\r\n/.test(output()) && machine.instructions < most) {
    const end = machine.run(5_000_000);
    if (end !== 'budget' && end !== 'stopped') break;
  }
  expect(machine.failure, machine.report()).toBeUndefined();
  const counted = countedIn(output());
  expect(Object.keys(counted), output().slice(-2000)).toEqual(['fast', 'middle', 'slow', 'sum']);
  return counted;
}

async function alone(version: 2 | 3, load: number): Promise<Readonly<Record<string, Counted>>> {
  let text = '';
  const config = virt({ memory: '64M', gic: { version } });
  const machine = createMachine(config, {
    output: (_device, byte) => {
      text += String.fromCharCode(byte);
    },
  });
  machine.place(planBoot(config, await imagesOf(rtos, `rtos:${JOBS},${load}`)));
  return finish(machine, () => text);
}

/** Beside a VM that counts for ever, with the priority given and the other's 100. */
async function besideBusy(version: 2 | 3, priority: number): Promise<Readonly<Record<string, Counted>>> {
  let text = '';
  const gic = { version };
  const board = virt({ memory: '64M', gic });
  const host = createHost(
    {
      board: virt({ memory: '192M', gic }),
      vms: [
        { name: 'busy', board, priority: 100 },
        { name: 'real-time', board, priority },
      ],
      scheduling: { slice: 0.002 },
    },
    {
      busy: await imagesOf(bench, 'bench:alu,1000000000'),
      'real-time': await imagesOf(rtos, `rtos:${JOBS},${LOAD},1`),
    },
    {
      output: (_device, byte) => {
        text += String.fromCharCode(byte);
      },
    },
  );
  host.machine.run(5_000_000);
  expect(text).toContain('[busy] begin alu');
  expect(text).toContain('[real-time] rtos: press a key');
  // Control-], 2: the second VM's console.
  host.machine.type('serial', new TextEncoder().encode('\x1d2x'));
  const counted = finish(host.machine, () => text);
  // The other one was there all the time, and had what was left.
  const [busy = 0, own = 0] = [0, 1].map((id) => host.hypervisor.ticksOf(id));
  expect(busy).toBeGreaterThan(own / 8);
  return counted;
}

describe.each([2, 3] as const)('real-time tasks with a GICv%i', (version) => {
  it(
    'miss nothing alone, and what does not fit is missed by the lowest priority alone',
    async () => {
      const usual = await alone(version, LOAD);
      expect(usual['sum']).toMatchObject({ jobs: JOBS + JOBS / 2 + JOBS / 5, missed: 0 });
      const { fast, middle, slow } = await alone(version, 300);
      expect([fast?.missed, middle?.missed, slow?.missed]).toEqual([0, 0, JOBS / 5]);
    },
    PATIENCE,
  );

  it(
    'miss nothing beside a VM that never yields, by strict priority',
    async () => {
      const counted = await besideBusy(version, 200);
      expect(counted['sum']).toMatchObject({ jobs: JOBS + JOBS / 2 + JOBS / 5, missed: 0 });
      // The task of the highest priority begins at once.
      expect(counted['fast']?.jitter).toBeLessThan(10);
    },
    PATIENCE,
  );

  it(
    'miss deadlines when the other VM has the same priority',
    async () => {
      const { sum } = await besideBusy(version, 100);
      expect(sum?.missed).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});
