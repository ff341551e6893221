// The hostile guest goes the same way on all engines: random system registers, translation tables, code and devices, and hashes of
// the machine are those of the reference engine, in the fast one's hardest mode.
//
// WORLDSWITCH_ALL=1: every mode of the engine, more seeds, longer.

import { readFile } from 'node:fs/promises';

import { beforeAll, describe, expect, test } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { Machine, MachineConfig } from '@worldswitch/machine';

import { engineModes, every } from './engine-modes.ts';

const CPU = ['registers', 'tables', 'code'] as const;
const DEVICES = ['mmio', 'virtio', 'gic'] as const;
const modes = every ? engineModes : engineModes.filter(([name]) => name === 'all of it at once');
const BOARDS = [
  { level: 1, gic: 2, cpus: 1 },
  { level: 2, gic: 3, cpus: 4 },
  { level: 3, gic: 3, cpus: 1 },
] as const;
const SEEDS = every ? [1, 2, 3, 4] : [1];
/** Instructions, and between two hashes. */
const LENGTH = every ? 4_000_000 : 400_000;
const STEP = LENGTH / (every ? 20 : 5);

type Board = (typeof BOARDS)[number];
let image: ReturnType<typeof readKernel>;
beforeAll(async () => {
  image = readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', 0x4000_0000);
});

function built(
  { level, gic, cpus }: Board,
  engine: Pick<MachineConfig, 'engine' | 'engineOptions'>,
): Machine {
  const virtio = ['blk', 'net', 'console', 'rng'].map((kind) => ({ name: kind, type: `virtio-${kind}` }));
  return createMachine(
    {
      ...virt({ memory: '128M', cpus, el2: level >= 2, el3: level === 3, gic: { version: gic }, virtio }),
      ...engine,
    },
    { disks: { blk: memoryDisk(new Uint8Array(65_536)) }, networks: { net: userNetwork() } },
  );
}

/** Hashes on the way, with how each part of it ended; instructions that were executed. */
function way(machine: Machine, append: string): { hashes: string[]; instructions: number } {
  machine.load({ kernel: image, append });
  const hashes: string[] = [];
  for (let to = STEP; to <= LENGTH; to += STEP) {
    const end = machine.run(to - machine.instructions);
    hashes.push(`${machine.instructions} ${end} ${machine.hash()}`);
    if (end !== 'budget') break;
  }
  return { hashes, instructions: machine.instructions };
}

describe.each(BOARDS)('entered at EL$level, GICv$gic, $cpus CPUs', (board) => {
  test.each(every || board.level === 2 ? [...CPU, ...DEVICES] : CPU)(
    '%s',
    (kind) => {
      for (const seed of SEEDS) {
        const append = `fuzz:${kind},${seed},100000`;
        const expected = way(built(board, { engine: 'reference' }), append);
        expect(expected.instructions).toBeGreaterThan(1000);
        for (const [name, engineOptions] of modes) {
          const { hashes } = way(built(board, { engine: 'jit', engineOptions }), append);
          expect(hashes, `seed ${seed}, ${name}`).toEqual(expected.hashes);
        }
      }
    },
    every ? 3_600_000 : 120_000,
  );
});
