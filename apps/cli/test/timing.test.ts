// Timing mode: all engines spend the same cycles at every instruction, however a run is cut, through snapshots, with interrupts.

import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { interrupts, smp, tiny } from '@worldswitch/guests';
import type { Guest } from '@worldswitch/guests';
import { countsOf, createMachine, readKernel, virt } from '@worldswitch/machine';
import type { Machine, MachineConfig } from '@worldswitch/machine';

const RAM = 0x4000_0000;
const timed = { timing: 'cortex-a57' } as const;

/** A guest on a machine. */
async function start(guest: Guest, board: Partial<MachineConfig>, append = ''): Promise<Machine> {
  const machine = createMachine(virt({ memory: '128M', ...board }));
  const image = new Uint8Array(await readFile(guest.image));
  machine.load({ kernel: readKernel(image, guest.name, RAM), name: guest.name, append });
  return machine;
}

/** What must be equal. */
const stateOf = (machine: Machine): unknown => ({
  hash: machine.hash(),
  now: machine.now,
  fraction: machine.board.clock.fraction,
  instructions: machine.instructions,
  timing: countsOf(machine).cpus.map((cpu) => cpu.timing),
  counted: countsOf(machine).cpus.map((cpu) => cpu.instructions),
});

/** Runs until so many instructions are executed, or it ends. */
function runTo(machine: Machine, instructions: number): void {
  while (machine.instructions < instructions) {
    const why = machine.run(instructions - machine.instructions);
    if (why !== 'budget') return;
  }
}

const guests = [
  ['tiny, processes and a timer', tiny, { cpus: 1 }, 'selftest poweroff'],
  ['tiny at EL2', tiny, { cpus: 1, el2: true }, 'selftest poweroff'],
  ['interrupts and counters of events', interrupts, { cpus: 1, el2: true }, ''],
  ['four CPUs', smp, { cpus: 4 }, ''],
] as const;

describe.each(guests)('%s', (_, guest, board, append) => {
  it('costs the same cycles on every engine at every instruction', async () => {
    const machines = await Promise.all(
      (['jit', 'interpreter', 'reference'] as const).map((engine) =>
        start(guest, { ...board, ...timed, engine }, append),
      ),
    );
    // Prime steps: looks at the middle of everything.
    for (let at = 7919; at < 400_000; at += 23_456) {
      for (const machine of machines) runTo(machine, at);
      const [first, ...others] = machines.map(stateOf);
      for (const other of others) expect(other, `at ${at}`).toEqual(first);
    }
  });
});
