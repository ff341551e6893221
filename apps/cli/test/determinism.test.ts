// The same inputs give the same run: console bytes with their virtual times, and the hash at the end, on 1 and on 4 CPUs. The second
// run replays what was typed in the first, and is cut into other pieces.

import { expect } from 'vitest';

import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { InputRecord, Machine, RunEnd } from '@worldswitch/machine';
import { requireTool } from '@worldswitch/test-tools';

import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs } from '../src/debian/initramfs.ts';

const { test } = requireTool('apt-get');

/** A run's console: each byte with its virtual nanoseconds. */
interface Run {
  readonly machine: Machine;
  readonly printed: string[];
  readonly text: () => string;
}

async function booted(cpus: number): Promise<Run> {
  const files = await debianFiles('cloud-arm64', () => undefined);
  const printed: string[] = [];
  let text = '';
  const machine: Machine = createMachine(virt({ memory: '256M', el2: cpus > 1, cpus }), {
    output: (_device, byte) => {
      text += String.fromCharCode(byte);
      printed.push(`${machine.now} ${byte}`);
    },
  });
  machine.load({
    kernel: readKernel(files.kernel, files.version, 0x4000_0000),
    initrd: initramfs(files),
    append: 'console=ttyAMA0 cryptomgr.notests=1',
  });
  return { machine, printed, text: () => text };
}

/** Types a command when the shell is there, and runs to the end. */
async function typed(cpus: number): Promise<Run & { end: RunEnd; inputs: readonly InputRecord[] }> {
  const run = await booted(cpus);
  const { machine } = run;
  let end = machine.run(1_000_000);
  while (end === 'budget' && !run.text().includes('Debian is up')) end = machine.run(1_000_000);
  machine.type('serial', new TextEncoder().encode('nproc; cat /proc/uptime\npoweroff -f\n'));
  while (end === 'budget') end = machine.run(10_000_000);
  return { ...run, end, inputs: machine.recorded };
}

async function replayed(cpus: number, inputs: readonly InputRecord[]): Promise<Run & { end: RunEnd }> {
  const run = await booted(cpus);
  run.machine.replay(inputs);
  let end: RunEnd = 'budget';
  for (let piece = 777_777; end === 'budget'; piece += 31_337) end = run.machine.run(piece);
  return { ...run, end };
}

for (const cpus of [1, 4]) {
  test(`${cpus} CPU${cpus === 1 ? '' : 's'}: a session and its replay are equal to the byte and the nanosecond`, async () => {
    const first = await typed(cpus);
    expect(first.end).toBe('off');
    expect(first.text()).toContain(`\n${cpus}\r\n`);
    const second = await replayed(cpus, first.inputs);
    expect(second.end).toBe('off');
    expect(second.machine.instructions).toBe(first.machine.instructions);
    expect(second.printed).toEqual(first.printed);
    expect(second.machine.hash()).toBe(first.machine.hash());
  }, 300_000);
}
