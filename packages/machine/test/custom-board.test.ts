// The README's example: a board with two serial ports and a device of the user's own; the same as YAML would have it.

import { expect, test } from 'vitest';

import { noTrace, registerTable, stateCodec } from '@worldswitch/platform';
import type { CellState, DeviceType } from '@worldswitch/platform';

import { createMachine, defineMachine } from '../src/index.ts';
import type { MachineConfig } from '../src/index.ts';
import { constant, guest, powerOff } from './rig.ts';

// A device that adds: it raises its wire while the sum is odd.
const registers = registerTable<{ changed(): void }>([
  {
    name: 'TERM',
    offset: 0,
    access: 'RW',
    about: 'what is added',
    reset: 0,
    mask: 0xffff,
    written: (host) => {
      host.changed();
    },
  },
  { name: 'SUM', offset: 4, access: 'RO', about: 'the sum', reset: 0, mask: 0xffff_ffff },
]);
const adder: DeviceType<object, CellState, 'odd'> = {
  compatible: 'example,adder',
  regions: [{ name: 'registers', size: 0x1000, widths: [4], registers: registers.registers }],
  pins: ['odd'],
  state: stateCodec(1, registers.shape),
  create(_config, wiring, state) {
    const cells = registers.powerUp();
    if (state) registers.restore(cells, state);
    const changed = (): void => {
      cells[1] = (cells[1] ?? 0) + (cells[0] ?? 0);
      wiring.line('odd').set((cells[1] & 1) === 1);
    };
    return {
      mmio: [registers.mmio({ changed }, cells, noTrace)],
      reset: (phase) => {
        if (phase === 0) registers.reset(cells);
        else wiring.line('odd').set(false);
      },
      save: () => registers.save(cells),
    };
  },
};

const board: MachineConfig = defineMachine({
  cpu: 'cortex-a53',
  memory: '32M',
  ramBase: '0x8000_0000',
  devices: [
    { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } },
    { name: 'modem', type: 'pl011', at: 0x0904_0000, interrupts: { irq: 8 } },
    { name: 'adder', type: adder, at: 0x0a00_0000, interrupts: { odd: 16 } },
  ],
});

/** Adds 2 and 5, waits for the interrupt of the odd sum, prints the sum on both ports. */
const PROGRAM = `
  ${constant('x1', 0x0800_0000)}
  mov w2, #1
  str w2, [x1]
  movz w3, #1, lsl #16 // SPI 16 is interrupt 48
  str w3, [x1, #0x104]
  ${constant('x1', 0x0801_0000)}
  mov w3, #0xf0
  str w3, [x1, #4]
  str w2, [x1]
  ${constant('x4', 0x0a00_0000)}
  mov w5, #2
  str w5, [x4]
  mov w5, #5
  str w5, [x4]
  wfi
  ldr w6, [x1, #0xc]
  ldr w7, [x4, #4]
  add w7, w7, #0x30
  ${constant('x8', 0x0900_0000)}
  str w7, [x8]
  add x8, x8, #0x40, lsl #12
  str w7, [x8]
  ${powerOff}`;

test("two serial ports and a device of one's own", () => {
  const printed: string[] = [];
  const machine = createMachine(board, {
    output: (device, byte) => printed.push(`${device}: ${String.fromCharCode(byte)}`),
  });
  machine.load({ kernel: guest(PROGRAM, 0x8020_0000) });
  expect(machine.run(1000)).toBe('off');
  expect(printed).toEqual(['serial: 7', 'modem: 7']);
  expect(machine.cpu.state.x(6)).toBe(48n);
  expect(machine.cpu.idRegister('MIDR_EL1')).toBe(0x410f_d034n);
});
