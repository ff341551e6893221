// Lock-step with the reference engine: what it goes through with, what it finds, and what it says about it.

import { describe, expect, test } from 'vitest';

import { CpuLayout } from '@worldswitch/isa-core';
import { stateCodec } from '@worldswitch/platform';
import type { DeviceType } from '@worldswitch/platform';

import { createMachine, LockStep, virt } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';
import { constant, guest, powerOff } from './rig.ts';

/** Adds, stores and prints for ever; what is typed comes back. */
const LOOP = `
${constant('x1', 0x4000_1000)}
${constant('x2', 0x0900_0000)}
again:
add x0, x0, #3
str x0, [x1]
ldr x3, [x1]
and x4, x0, #0xff
cbnz x4, {again}
str w3, [x2]
ldr w5, [x2]
b {again}
`;

function started(config: MachineConfig, text: string): Machine {
  const machine = createMachine(config);
  machine.load({ kernel: guest(text) });
  return machine;
}

const modes: readonly (readonly [string, MachineConfig])[] = [
  ['interpreter', { engine: 'interpreter' }],
  ['jit, everything compiled', { engine: 'jit', engineOptions: { threshold: 0 } }],
  [
    'jit, tiny TLBs, nothing chained',
    { engine: 'jit', engineOptions: { threshold: 0, tlb: 2, chain: false, nest: false } },
  ],
  ['jit, all evicted', { engine: 'jit', engineOptions: { threshold: 0, evict: true } }],
];

describe.each(modes)('in lock-step: %s', (_, engine) => {
  const config = { ...virt({ memory: '64M' }), ...engine };

  test('an engine without errors goes on', () => {
    const pair = new LockStep(config, started(config, LOOP));
    expect(pair.run(3000)).toBe('budget');
    pair.machine.type('serial', new Uint8Array([65, 66]));
    expect(pair.run(1000)).toBe('budget');
    expect(pair.finish()).toBeUndefined();
    expect(pair.compared).toBe(4000);
    expect(pair.shadow.hash()).toBe(pair.machine.hash());
  });

  test('the end of the guest is that of both', () => {
    const pair = new LockStep(config, started(config, `movz x0, #1\n${powerOff}`), { every: 100 });
    expect(pair.run(1000)).toBe('off');
    expect(pair.finish()).toBeUndefined();
  });
});

describe('a difference', () => {
  const config: MachineConfig = { ...virt({ memory: '64M' }), engine: 'jit' };

  /** A shadow that an error was put into after some instructions. */
  function spoilt(every: number, spoil: (shadow: Machine) => void): LockStep {
    const pair = new LockStep(config, started(config, LOOP), { every });
    expect(pair.run(1000)).toBe('budget');
    spoil(pair.shadow);
    expect(pair.run(1000)).toBe('stopped');
    return pair;
  }

  test('of a register is told with the instruction', () => {
    const pair = spoilt(1, ({ cpu }) => {
      cpu.state.setWord(CpuLayout.x + 8 * 7, 5);
    });
    expect(pair.difference).toMatchObject({
      after: 1000,
      within: 1,
      what: ['CPU 0: X7: 0x0, on the other engine 0x5'],
    });
    expect(pair.difference?.culprit).toMatch(/^CPU 0 at EL1, PC 0x402000[0-9a-f]{2}: [0-9a-f]{8} {2}[a-z]+ /);
    expect(pair.run(1)).toBe('stopped');
  });

  test('of memory is told with the address, within a window', () => {
    const pair = spoilt(500, ({ board: { ram } }) => {
      ram.bytes[0x1100] = 9;
    });
    expect(pair.difference).toEqual({
      after: 1000,
      within: 500,
      what: ['memory at 0x40001100: 0x0, on the other engine 0x9'],
    });
  });

  test('of memory that nobody wrote to is found in the end', () => {
    const pair = new LockStep(config, started(config, LOOP), { every: 500 });
    pair.run(1000);
    pair.machine.hash();
    pair.shadow.hash();
    const { ram } = pair.shadow.board;
    ram.bytes[0x30_0000] = 1;
    ram.dirty[0x300 >> 5] = 1;
    expect(pair.finish()?.what).toEqual(['memory: its hash']);
  });

  test('of an instruction is found inside its window', () => {
    // A device that the machine's engine reads otherwise than the shadow's: machines of both kinds are made in turn.
    let made = 0;
    const liar: DeviceType<object, null, never> = {
      compatible: 'example,liar',
      regions: [{ name: 'registers', size: 0x1000, widths: [4], registers: [] }],
      pins: [],
      state: stateCodec(1, { check: () => null }),
      create() {
        const value = made++ % 2;
        return {
          mmio: [{ read: () => value, write: () => undefined }],
          reset: () => undefined,
          save: () => null,
        };
      },
    };
    const board = virt({ memory: '64M' });
    const config: MachineConfig = {
      ...board,
      devices: [...(board.devices ?? []), { name: 'liar', type: liar, at: 0x0c00_0000 }],
    };
    const text = `${constant('x1', 0x0c00_0000)}\n${'add x0, x0, #1\n'.repeat(700)}ldr w2, [x1]\nagain:\nb {again}`;
    const pair = new LockStep(config, started(config, text), { every: 400 });
    expect(pair.run(2000)).toBe('stopped');
    expect(pair.difference).toMatchObject({
      after: 702,
      within: 1,
      what: ['CPU 0: X2: 0x0, on the other engine 0x1'],
    });
    expect(pair.difference?.culprit).toMatch(/PC 0x40200af8: b9400022 {2}ldr w2, \[x1\]$/);
  });

  test('that does not come back when its window is done again is told with the window', () => {
    const pair = new LockStep(config, started(config, LOOP), { every: 400 });
    pair.run(400);
    pair.machine.cpu.state.setWord(CpuLayout.x + 8 * 9, 1);
    expect(pair.run(400)).toBe('stopped');
    expect(pair.difference).toEqual({
      after: 400,
      within: 400,
      what: ['CPU 0: X9: 0x1, on the other engine 0x0'],
    });
  });
});
