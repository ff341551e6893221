// A hypervisor in TypeScript at EL2 runs an A64 guest at EL1: calls, emulation by syndrome, WFI, counts; the same on all engines.

import { describe, expect, test } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';

import { attachSoftware, createMachine, restoreMachine } from '../../src/index.ts';
import type { Machine, MachineConfig } from '../../src/index.ts';
import { GUEST, seenCodec, SmallHypervisor } from './small-hypervisor.ts';

const engines = ['jit', 'interpreter', 'reference'] as const;
type EngineName = (typeof engines)[number];

const board = (engine: EngineName, more: Partial<MachineConfig> = {}): MachineConfig => ({
  engine,
  el2: true,
  memory: '8M',
  software: [attachSoftware('hypervisor', (context, seen) => new SmallHypervisor(context, seen), seenCodec)],
  ...more,
});

function withGuest(config: MachineConfig, text: string): Machine {
  const machine = createMachine(config);
  const { words } = assembleProgram(text, GUEST);
  machine.bus.load(GUEST as never, new Uint8Array(words.buffer));
  return machine;
}

const GUEST_TEXT = `
  mov x0, #0
  movz x1, #0x4030, lsl #16
  mov x20, #100
again:
  hvc #0
  ldr w2, [x1, #0x24]
  str w2, [x1, #0x28]
  wfi
  sub x20, x20, #1
  cbnz x20, again
  hvc #1
`;

describe.each(engines)('%s', (engine) => {
  test('a guest calls, touches a device that is emulated, and waits', () => {
    const machine = withGuest(board(engine), GUEST_TEXT);
    expect(machine.run(100_000)).toBe('off');
    const [software] = machine.board.software;
    expect(software?.software.save()).toEqual({ calls: 101, emulated: 200, waits: 100, interrupts: 0 });
    expect(machine.cpu.state.x(2)).toBe(0x1024n);
  });
});

test('all engines come to equal states, however the run is cut', () => {
  const hashes = new Set<string>();
  for (const engine of engines) {
    for (const cut of [100_000, 1000, 7]) {
      const machine = withGuest(board(engine), GUEST_TEXT);
      let end: string;
      do end = machine.run(cut);
      while (end === 'budget');
      expect(end).toBe('off');
      hashes.add(`${machine.instructions} ${machine.now} ${machine.hash()}`);
    }
  }
  expect([...hashes]).toHaveLength(1);
});

test('a snapshot in the middle goes on to the same state', () => {
  const whole = withGuest(board('jit'), GUEST_TEXT);
  whole.run(100_000);
  const machine = withGuest(board('jit'), GUEST_TEXT);
  machine.run(1234);
  const second = restoreMachine(board('reference'), machine.save());
  expect(second.run(100_000)).toBe('off');
  expect(second.hash()).toBe(whole.hash());
  expect(second.board.software[0]?.software.save()).toEqual(whole.board.software[0]?.software.save());
});
