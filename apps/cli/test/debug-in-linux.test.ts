// Debian's kernel uses the debug logic and the performance monitors: its perf counts and samples, its breakpoints and
// watchpoints hit, its ptrace steps.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect } from 'vitest';

import { createHost } from '@worldswitch/hypervisor-classic';
import type { TrapHostDescription } from '@worldswitch/hypervisor-classic';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine } from '@worldswitch/machine';
import { requireThat, run, tempDir } from '@worldswitch/test-tools';

import { cpio } from '../src/debian/cpio.ts';
import { debianFiles } from '../src/debian/fetch.ts';
import { initramfs, SHELL_MARKER } from '../src/debian/initramfs.ts';

const { test } = requireThat(existsSync('/usr/aarch64-linux-gnu/lib/libc.a'), 'libc6-dev-arm64-cross');

const CHUNK = 4_000_000;
const ENOUGH = 4_000_000_000;
const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';

/** The initial file system with the program in it: the kernel takes one archive after the other. */
async function withProgram(initrd: Uint8Array): Promise<Uint8Array> {
  const program = join(tempDir(), 'debug');
  const source = join(import.meta.dirname, 'linux', 'debug.c');
  await run('aarch64-linux-gnu-gcc', ['-O1', '-static', '-o', program, source]);
  const more = cpio([{ name: 'debug', mode: 0o100755, data: new Uint8Array(await readFile(program)) }]);
  const start = Math.ceil(initrd.length / 512) * 512;
  const both = new Uint8Array(start + more.length);
  both.set(initrd);
  both.set(more, start);
  return both;
}

type Output = (device: string, byte: number) => void;

/** On the bare machine, or in a VM on a CPU without EL2. */
function machineOf(
  images: BootImages,
  cpus: number,
  technique: TrapHostDescription['technique'] | undefined,
  output: Output,
): Machine {
  const board = virt({ memory: '512M', cpus });
  if (technique !== undefined) {
    const description = {
      board: virt({ memory: '640M', cpus }),
      technique,
      vms: [{ name: 'debian', board }],
    };
    return createHost(description, { debian: images }, { output }).machine;
  }
  const machine = createMachine(board, { output });
  machine.load(images);
  return machine;
}

/** Counts are exact whoever executes in between. */
async function debugOn(cpus: number, technique?: TrapHostDescription['technique']): Promise<void> {
  const files = await debianFiles('arm64', () => undefined);
  let output = '';
  const images = {
    kernel: readKernel(files.kernel, files.version, 0x4000_0000),
    initrd: await withProgram(initramfs(files)),
    append: 'console=ttyAMA0 cryptomgr.notests=1',
  };
  const machine = machineOf(images, cpus, technique, (_device, byte) => {
    output += String.fromCharCode(byte);
  });
  let typed = false;
  let end = machine.run(CHUNK);
  while ((end === 'budget' || end === 'idle') && machine.instructions < ENOUGH) {
    if (!typed && output.includes(SHELL_MARKER)) {
      machine.type('serial', new TextEncoder().encode('/debug; poweroff -f\n'));
      typed = true;
    }
    end = machine.run(CHUNK);
  }
  expect(end, output.slice(-2000)).toBe('off');
  expect(output).toContain('hw-breakpoint: found 6 breakpoint and 4 watchpoint registers');
  expect(output).toContain('armv8_pmuv3 PMU driver, 7 counters available');
  const found = Object.fromEntries(
    [...output.matchAll(/^(\w+)=(-?\d+)\r?$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
  // A million turns of two instructions, and a few around them.
  const { cycles = 0, instructions = 0, ...rest } = found;
  for (const n of [cycles, instructions]) {
    expect(n).toBeGreaterThanOrEqual(2_000_000);
    expect(n).toBeLessThan(2_000_200);
  }
  expect(rest).toEqual({
    overflows: 20,
    breakpoints: 5,
    watchpoints: 7,
    watched: 6,
    branches: 19,
    stuck: 0,
    status: 3,
    done: 1,
  });
}

for (const cpus of [1, 4]) {
  test(
    `Debian counts, samples, breaks, watches and steps on ${cpus} CPU${cpus === 1 ? '' : 's'}`,
    () => debugOn(cpus),
    300_000,
  );
}

for (const [technique, cpus] of every
  ? ([
      ['trap-and-emulate', 1],
      ['trap-and-emulate', 2],
      ['binary-translation', 1],
      ['binary-translation', 2],
    ] as const)
  : [])
  test(`Debian does so without EL2, by ${technique} on ${cpus}`, () => debugOn(cpus, technique), 600_000);
