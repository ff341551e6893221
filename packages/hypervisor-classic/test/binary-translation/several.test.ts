// Kernels from translation caches on several vCPUs and of several VMs, on as many CPUs or fewer.

import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { smp } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { BootImages, Machine, MachineOptions } from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';

import { createHost, restoreHost } from '../../src/index.ts';
import type { VmImages } from '../../src/index.ts';
import { tinyImages } from '../tiny.ts';
import { natively } from '../trapped-tiny.ts';

const FOUR = virt({ memory: '16M', cpus: 4 });
const smpImages = async (): Promise<BootImages> => ({
  kernel: readKernel(new Uint8Array(await readFile(smp.image)), smp.name, 0x4000_0000),
});

/** A machine's run until it stops by itself, and what was printed. */
function printed(build: (options: MachineOptions) => Machine): string {
  let text = '';
  const machine = build({
    output: (_device, byte) => {
      text += String.fromCharCode(byte);
    },
  });
  while (machine.run(1_000_000) === 'budget' && machine.instructions < 150e6) continue;
  return text + (machine.failure === undefined ? '' : machine.report());
}

const natives = new Map<2 | 3, Promise<string>>();
/** What it prints on the bare machine, with an interrupt controller. */
function smpNatively(version: 2 | 3): Promise<string> {
  const known = natives.get(version);
  if (known) return known;
  const native = smpImages().then((images) =>
    printed((options) => {
      const machine = createMachine({ ...FOUR, gic: { version } }, options);
      machine.load(images);
      return machine;
    }),
  );
  natives.set(version, native);
  return native;
}

/** CPUs and the interrupt controller. */
const CASES: readonly (readonly [number, 2 | 3])[] = [
  [2, 2],
  [4, 3],
  ...((process.env['WORLDSWITCH_ALL'] ?? '') === ''
    ? []
    : ([
        [4, 2],
        [2, 3],
      ] as const)),
];

describe('four vCPUs', () => {
  it.each(CASES)(
    'of the image smp print what four CPUs print, on %d with a GICv%d',
    async (cpus, version) => {
      const images = await smpImages();
      const four = { ...FOUR, gic: { version } };
      const native = await smpNatively(version);
      expect(native).toMatch(/: end\r?\n/);
      const there = printed(
        (options) =>
          createHost(
            {
              board: { ...four, memory: '80M', cpus },
              technique: 'binary-translation',
              vms: [{ name: 'guest', board: four }],
              scheduling: { slice: 0.0001 },
            },
            { guest: images },
            options,
          ).machine,
      );
      expect(there).toBe(native);
    },
  );
});

/** Two VMs, and what they have printed since. */
function twoVms(images: VmImages, saved?: Plain) {
  let output = '';
  const description = {
    board: virt({ memory: '160M', cpus: 4 }),
    technique: 'binary-translation',
    vms: [
      { name: 'tiny', board: virt({ memory: '64M' }) },
      { name: 'smp', board: FOUR },
    ],
    scheduling: { slice: 0.0001 },
  } as const;
  const options: MachineOptions = {
    output: (_device, byte) => {
      output += String.fromCharCode(byte);
    },
  };
  const host =
    saved === undefined
      ? createHost(description, images, options)
      : restoreHost(description, images, saved, options);
  return { machine: host.machine, output: () => output };
}

/** What one of them printed. */
const linesOf = (output: string, name: string): string =>
  output
    .split('\n')
    .filter((line) => line.startsWith(`[${name}] `))
    .map((line) => line.slice(name.length + 3))
    .join('\n')
    .trim();

describe('two VMs', () => {
  it('print what they print alone, also out of a snapshot', async () => {
    const images = { tiny: await tinyImages('selftest poweroff'), smp: await smpImages() };
    const { machine, output } = twoVms(images);
    for (let i = 0; i < 5; i++) machine.run(1_000_003);
    const before = output();
    const again = twoVms(images, machine.save());
    for (let i = 0; i < 3; i++) {
      machine.run(700_001);
      again.machine.run(700_001);
      expect(again.machine.hash()).toBe(machine.hash());
    }
    while (again.machine.run(1_000_000) === 'budget' && again.machine.instructions < 150e6) continue;
    expect(again.machine.failure, again.machine.report()).toBeUndefined();
    const all = before + again.output();
    expect(linesOf(all, 'tiny')).toBe((await natively('selftest poweroff')).trim());
    expect(linesOf(all, 'smp')).toBe((await smpNatively(2)).trim());
  });
});
