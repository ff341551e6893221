// Timing mode: all engines spend the same cycles at every instruction, however a run is cut, through snapshots, with interrupts.

import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { interrupts, smp, tiny } from '@worldswitch/guests';
import type { Guest } from '@worldswitch/guests';
import { countsOf, createMachine, readKernel, restoreMachine, virt } from '@worldswitch/machine';
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

  it('costs the same however it is cut, and from a snapshot on', async () => {
    const config = { ...board, ...timed, engine: 'jit' } as const;
    const whole = await start(guest, config, append);
    const cut = await start(guest, config, append);
    runTo(whole, 150_001);
    for (let at = 1; at < 150_001; at += 1 + ((at * 31) % 4001)) runTo(cut, at);
    runTo(cut, 150_001);
    expect(stateOf(cut)).toEqual(stateOf(whole));
    const state = ({ now, instructions, board: { clock } }: Machine): unknown => [
      now,
      clock.fraction,
      instructions,
    ];
    const restored = restoreMachine(virt({ memory: '128M', ...config, engine: 'interpreter' }), cut.save());
    expect(state(restored)).toEqual(state(whole));
    for (const machine of [whole, restored]) runTo(machine, 250_003);
    expect(state(restored)).toEqual(state(whole));
    expect(restored.hash()).toBe(whole.hash());
  });
});

describe('what cycles went into', () => {
  it('is all of them, and not a nanosecond else', async () => {
    const machine = await start(tiny, { ...timed, engine: 'jit' }, 'selftest poweroff');
    runTo(machine, 1_000_000);
    const [cpu] = countsOf(machine).cpus;
    const timing = cpu?.timing;
    if (timing === undefined) throw new Error('no cycles');
    const { total, instructions, translation, exceptions, devices, events } = timing;
    expect(translation + exceptions + devices + instructions).toBe(total);
    expect(translation).toBe(12 * events.tlbMiss + 10 * events.descriptorStage1);
    expect(exceptions).toBe(68 * events.exceptionEl1 + 65 * events.returnEl1);
    expect(devices).toBe(71 * events.device);
    for (const part of [translation, exceptions, devices]) expect(part).toBeGreaterThan(0);
    expect(instructions).toBeGreaterThan(0.5 * (cpu?.instructions ?? 0));
    expect(machine.now).toBeGreaterThanOrEqual(Math.floor(total));
  });

  it('is the number of instructions by the profile unit', async () => {
    const machine = await start(tiny, { timing: 'unit', engine: 'jit' }, 'selftest poweroff');
    const plain = await start(tiny, { engine: 'jit' }, 'selftest poweroff');
    for (const one of [machine, plain]) runTo(one, 500_000);
    expect(countsOf(machine).cpus[0]?.timing?.total).toBe(500_000);
    expect([machine.now, machine.hash()]).toEqual([plain.now, plain.hash()]);
  });
});
