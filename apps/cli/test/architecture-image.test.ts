// Exceptions and translation, case by case: what the image `arch` prints here and what the architecture asks for, which is what
// QEMU printed but for the differences that the guests package lists with their sections.

import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { arch, archRecords, compareCases, expectedLines } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { MachineConfig } from '@worldswitch/machine';

import { someModes } from './engine-modes.ts';

/** The reference engine, and the fast one in modes that are hard on it. */
const engines: readonly (readonly [string, Pick<MachineConfig, 'engine' | 'engineOptions'>])[] = [
  ['reference', { engine: 'reference' }],
  ...someModes.map(([name, engineOptions]) => [`jit, ${name}`, { engine: 'jit', engineOptions }] as const),
];

async function printed(el2: boolean, engine: (typeof engines)[number][1]): Promise<string> {
  let console = '';
  const machine = createMachine(
    { ...virt({ memory: '128M', el2 }), ...engine },
    { output: (_device, byte) => (console += String.fromCharCode(byte)) },
  );
  machine.load({ kernel: readKernel(new Uint8Array(await readFile(arch.image)), 'arch', 0x4000_0000) });
  expect(machine.run(60_000_000)).toBe('off');
  return console;
}

describe.each(archRecords)(
  'the architecture image, entered at EL$entryLevel',
  ({ entryLevel, recorded, differences }) => {
    test.each(engines)(
      'prints what the architecture asks for, on the engine %s',
      async (_, engine) => {
        const expected = expectedLines(await readFile(recorded, 'utf8'), await readFile(differences, 'utf8'));
        expect(expected.size).toBeGreaterThan(500);
        expect(compareCases(await printed(entryLevel === 2, engine), expected)).toEqual([]);
      },
      240_000,
    );
  },
);
