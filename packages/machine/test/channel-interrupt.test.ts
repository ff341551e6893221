// COMMIRQ of the debug communication channel: PPI 22 of each CPU, on both engines and across a snapshot.

import { describe, expect, test } from 'vitest';

import { restoreMachine } from '../src/index.ts';
import type { Machine, MachineConfig } from '../src/index.ts';
import { constant, powerOff, running } from './rig.ts';

/** X28: the interrupt that came when the channel could take a word. X27: the one that is left when it has one. */
const GUEST = `
  ${constant('x2', 0x0800_0000)} // GICD
  ${constant('x3', 0x0801_0000)} // GICC
  mov w0, #1
  str w0, [x2]
  str w0, [x3]
  mov w0, #0xff
  str w0, [x3, #4]
  movz w0, #0x40, lsl #16
  str w0, [x2, #0x100] // PPI 22
  wfe
  movz x0, #0x2000, lsl #16 // TX
  msr mdccint_el1, x0
  wfi
  ldr w28, [x3, #0xc]
  msr dbgdtrtx_el0, x28
  str w28, [x3, #0x10]
  ldr w27, [x3, #0x18]
  ${powerOff}`;

const results = (machine: Machine): readonly unknown[] => [
  machine.run(1000),
  machine.cpu.state.x(28),
  machine.cpu.state.x(27),
  machine.instructions,
];

describe.each(['jit', 'reference'] as const)('%s', (engine) => {
  const config: MachineConfig = { memory: '8M', engine };

  test('comes while the channel takes a word, and goes with the word', () => {
    const { machine } = running(config, GUEST);
    expect(machine.run(1000)).toBe('idle');
    const copy = restoreMachine(config, machine.save());
    for (const each of [machine, copy]) {
      each.cpu.signalEvent();
      expect(results(each)).toEqual(['off', 22n, 1023n, machine.instructions]);
    }
  });
});
