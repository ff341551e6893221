// The hostile guest: the image `fuzz` does random things to devices, rings, the interrupt controller, system registers, translation
// tables and as code, at every level. Whatever it does, a run returns, nothing is thrown, the host's memory stays bounded, and the
// machine works again after a reset.
//
// `WORLDSWITCH_FUZZ=N` does about N operations in all instead of the few of a test run, and prints how many they were.

import { readFile } from 'node:fs/promises';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { memoryDisk, userNetwork } from '@worldswitch/devices';
import { fuzz } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { Machine, RunEnd } from '@worldswitch/machine';
import type { Pa } from '@worldswitch/platform';

const MODES = ['mmio', 'virtio', 'gic', 'registers', 'tables', 'code'] as const;
/** Instructions of one operation, roughly; a guest that has lost itself needs no more. */
const EACH = 2000;
const asked = Number(process.env['WORLDSWITCH_FUZZ'] ?? 0);
const SEEDS = asked > 0 ? Math.max(1, Math.ceil(asked / 2_000_000)) : 1;
const BOARDS = [1, 2, 3].flatMap((level) =>
  ([2, 3] as const)
    // a test run has each level once, and both interrupt controllers
    .filter((gic) => asked > 0 || gic === (level === 1 ? 2 : 3))
    // at EL3 no firmware starts other CPUs
    .flatMap((gic) =>
      (level === 3 ? [1] : asked > 0 ? [1, 4] : [gic === 2 ? 1 : 4]).map((cpus) => ({ level, gic, cpus })),
    ),
);
const COUNT = asked > 0 ? Math.ceil(asked / (MODES.length * BOARDS.length * SEEDS)) : 1000;
/** Bytes that all of it may add to the process: an instance's code and memory, and no more with more operations. */
const HOST_MEMORY = 1536 * 2 ** 20;

const ENDS: readonly RunEnd[] = ['off', 'idle', 'dead', 'budget', 'reset'];
let image: ReturnType<typeof readKernel>;
let total = 0;
let before = 0;

function built(level: number, gic: 2 | 3, cpus: number, print: (byte: number) => void): Machine {
  const virtio = ['blk', 'net', 'console', 'rng'].map((kind) => ({ name: kind, type: `virtio-${kind}` }));
  return createMachine(
    {
      ...virt({ memory: '128M', cpus, el2: level >= 2, el3: level === 3, gic: { version: gic }, virtio }),
      engine: 'jit',
    },
    {
      output: (device, byte) => {
        if (device === 'serial') print(byte);
      },
      disks: { blk: memoryDisk(new Uint8Array(65_536)) },
      networks: { net: userNetwork() },
    },
  );
}

/** Operations that the guest's CPUs counted: they keep the numbers in memory, where they may overwrite them. */
function counted(machine: Machine, cpus: number): number {
  const window = machine.bus.memoryAt(0x47f0_0000 as Pa);
  const { bytes } = window?.memory ?? { bytes: new Uint8Array() };
  const at = 0x47f0_0000 - (window?.base ?? 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8 * cpus);
  let sum = 0;
  for (let cpu = 0; cpu < cpus; cpu++) sum += Math.min(COUNT, view.getUint32(8 * cpu, true));
  return sum;
}

beforeAll(async () => {
  image = readKernel(new Uint8Array(await readFile(fuzz.image)), 'fuzz', 0x4000_0000);
  const { heapUsed, external } = process.memoryUsage();
  before = heapUsed + external;
});

afterAll(() => {
  if (asked > 0) process.stdout.write(`hostile guest: ${total} operations\n`);
  const { heapUsed, external } = process.memoryUsage();
  expect(heapUsed + external - before).toBeLessThan(HOST_MEMORY);
});

describe.each(BOARDS)('entered at EL$level, GICv$gic, $cpus CPUs', ({ level, gic, cpus }) => {
  test.each(MODES)(
    '%s ends in a defined state, and the machine starts again',
    (mode) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        let console = '';
        const machine = built(level, gic, cpus, (byte) => {
          // a guest may print for ever: only the end is kept
          console = (console + String.fromCharCode(byte)).slice(-4096);
        });
        machine.load({ kernel: image, append: `fuzz:${mode},${seed},${COUNT}` });
        const end = machine.run(COUNT * cpus * EACH + 1_000_000);
        expect(ENDS).toContain(end);
        expect(() => machine.save()).not.toThrow();
        const done = counted(machine, cpus);
        total += done;
        if (asked > 0)
          process.stdout
            .write(`hostile guest: ${mode}, EL${level}, GICv${gic}, ${cpus} CPUs, seed ${seed}: ${done}, ${end}
`);
        console = '';
        machine.load({ kernel: image });
        machine.reset();
        expect(machine.run(2_000_000)).toBe(level === 3 ? 'idle' : 'off');
        expect(console).toBe(`fuzz: entered at EL${level}\r\nfuzz: end, 0 operations\r\n`);
      }
    },
    asked > 0 ? 3_600_000 : 60_000,
  );
});

test('operations are done: the modes are not idle', () => {
  expect(total).toBeGreaterThan((COUNT * SEEDS * MODES.length * BOARDS.length) / 4);
});
