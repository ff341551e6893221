// Every mode of the fast engine goes the same way: hashes of the machine at every million instructions are those of the interpreter,
// for Debian on one and four CPUs, entered at EL1 and EL2, and for Xen with a domain.
//
// Of a run, a test looks at windows of a few million instructions, from snapshots; WORLDSWITCH_ALL=1 at all of it, on all boards, which
// takes hours; WORLDSWITCH_ALL=windows at the windows on all boards.

import { expect } from 'vitest';

import { createMachine, restoreMachine } from '@worldswitch/machine';
import type { Machine, MachineConfig } from '@worldswitch/machine';
import type { Plain } from '@worldswitch/platform';
import { requireTool } from '@worldswitch/test-tools';

import { describeBoard } from '../src/board.ts';
import { namedGuest } from '../src/guests.ts';
import type { RunOptions } from '../src/options/run-options.ts';
import { engineModes, every } from './engine-modes.ts';

const { describe, test } = requireTool('apt-get');

const whole = every && process.env['WORLDSWITCH_ALL'] !== 'windows';
const MILLION = 1_000_000;

/** A guest on a board. */
interface Run {
  readonly guest: string;
  readonly options: Partial<RunOptions>;
  /** Where windows begin, and how many millions they are long. */
  readonly windows: readonly number[];
  readonly length: number;
  /** Hashes of the whole run, with WORLDSWITCH_ALL. */
  readonly all: number;
}

const linux = { guest: 'debian-cloud', length: 2, all: 400 } as const;
const ALL: readonly Run[] = [
  { ...linux, options: {}, windows: [20, 250] },
  { ...linux, options: { el2: true }, windows: [20, 250] },
  { ...linux, options: { timing: 'cortex-a57' }, windows: [20, 250] },
  { ...linux, options: { smp: 4 }, windows: [20, 250] },
  { ...linux, options: { el2: true, smp: 4, gic: 3 }, windows: [20, 250] },
  { guest: 'xen', options: {}, windows: [60, 500], length: 2, all: 700 },
];
/** What a test does of a domain of Xen's: every mode is seen with Debian. */
const FOR_XEN = ['everything compiled', 'everything compiled, all evicted', 'all of it at once'];
const RUNS = every ? ALL : ALL.filter(({ guest, options }) => guest === 'xen' || options.gic === 3);

/** Hashes after each of some millions of instructions. */
function hashes(machine: Machine, count: number): string[] {
  const first = machine.instructions;
  return Array.from({ length: count }, (_, i) => {
    machine.run(first + (i + 1) * MILLION - machine.instructions);
    return `${machine.instructions}: ${machine.hash()}`;
  });
}

/** The machine at an instruction, and what the interpreter does from there on. */
interface Window {
  readonly state: Plain;
  readonly expected: readonly string[];
}

for (const { guest, options, windows, length, all } of RUNS) {
  const level = options.el2 === true || guest === 'xen' ? 2 : 1;
  const board = `${options.smp ?? 1} CPUs, GICv${options.gic ?? 2}, EL${level}${options.timing === undefined ? '' : ', timing mode'}`;
  describe(`${guest}, ${board}`, () => {
    const prepared = prepare(guest, options, whole ? [0] : windows, whole ? all : length);
    for (const [name, engineOptions] of engineModes) {
      if (!every && guest === 'xen' && !FOR_XEN.includes(name)) continue;
      test(
        name,
        async () => {
          const { config, all: found } = await prepared();
          for (const { state, expected } of found) {
            const machine = restoreMachine({ ...config, engine: 'jit', engineOptions }, state);
            expect(hashes(machine, expected.length)).toEqual(expected);
          }
        },
        every ? 3_600_000 : 300_000,
      );
    }
  });
}

/** Runs the guest once, on the interpreter in the windows; what was found is kept for all modes. */
function prepare(
  name: string,
  given: Partial<RunOptions>,
  windows: readonly number[],
  length: number,
): () => Promise<{ config: MachineConfig; all: readonly Window[] }> {
  let made: Promise<{ config: MachineConfig; all: readonly Window[] }> | undefined;
  const make = async (): Promise<{ config: MachineConfig; all: readonly Window[] }> => {
    const options: RunOptions = { reboot: true, stdin: false, memory: '512M', ...given };
    const wishes = { append: undefined, xenAppend: undefined, cpus: options.smp ?? 1, say: () => undefined };
    const guest = await namedGuest(name, wishes);
    const { config } = describeBoard({ ...options, memory: guest.memory ?? '512M' }, undefined, guest);
    const machine = createMachine(config);
    if (guest.images) machine.load(guest.images);
    const all = windows.map((at): Window => {
      machine.run(at * MILLION - machine.instructions);
      const state = machine.save();
      return { state, expected: hashes(restoreMachine({ ...config, engine: 'interpreter' }, state), length) };
    });
    return { config, all };
  };
  return () => (made ??= make());
}
