// On a real board: a guest whose other CPU rewrites the instruction between the abort and its emulation.

import { describe, expect, it } from 'vitest';

import { assembleProgram } from '@worldswitch/isa-core';
import { ipa, pa } from '@worldswitch/platform';

import { ByteDevice } from '../mmio/fake-guest.ts';
import { GUEST_RAM, HOST_RAM, vmBoard } from './vm-board.ts';

const DEVICE = 0x0c00_0000;
const TEXT = `
  movz x0, #0x4000, lsl #16
  movk x0, #0x800
  msr vbar_el1, x0
  movz x2, #0x0c00, lsl #16
  mov x3, #5
  mov x4, #6
  stp w3, w4, [x2]
  hvc #1
  .align 11
vectors:
  .space 0x200
  mrs x20, esr_el1
  hvc #1
`;
/** Where the access is, in the guest's RAM. */
const PLACE = 24;

/** Runs it; before the n-th data abort is emulated, what `rewrite` says takes the instruction's place. */
function run(rewrite: (abort: number) => string | undefined) {
  const device = new ByteDevice();
  let aborts = 0;
  const board = vmBoard(TEXT, {
    boot(hv) {
      hv.bus.map({ name: 'bytes', base: ipa(DEVICE), size: 0x1000, widths: [1, 2, 4] }, device);
    },
    exit(_hv, _port, exit) {
      if (exit.kind !== 'data-abort') return false;
      const text = rewrite(aborts++);
      if (text !== undefined) {
        const { words } = assembleProgram(text, GUEST_RAM + PLACE);
        board.machine.bus.load(pa(HOST_RAM + PLACE), new Uint8Array(words.buffer, words.byteOffset, 4));
      }
      return false;
    },
  });
  expect(board.run()).toBe('off');
  return { x: (n: number) => board.machine.cpu.state.x(n), log: device.log, aborts };
}

const once =
  (text: string) =>
  (abort: number): string | undefined =>
    abort === 0 ? text : undefined;

describe('an instruction that is rewritten in between', () => {
  it('is what it was where nobody does', () => {
    expect(run(() => undefined)).toMatchObject({ log: ['write4 0', 'write4 4'], aborts: 1 });
  });

  it('is executed, where it does not abort', () => {
    const { x, log, aborts } = run(once('add x3, x3, #1'));
    expect([x(3), log, aborts]).toEqual([6n, [], 1]);
  });

  it('aborts again, where it does something else there', () => {
    expect(run(once('ldp w3, w4, [x2]'))).toMatchObject({ log: ['read4 0', 'read4 4'], aborts: 2 });
    expect(run(once('stp w3, w4, [x2, #16]'))).toMatchObject({ log: ['write4 10', 'write4 14'], aborts: 2 });
  });

  it('is an abort in the end, where it is another one every time', () => {
    const { x, log, aborts } = run((abort) => (abort % 2 === 0 ? 'ldp w3, w4, [x2]' : 'stp w3, w4, [x2]'));
    expect(log).toEqual([]);
    expect(aborts).toBe(17);
    expect(x(20) & ~0x40n).toBe(0x9600_0010n);
  });
});
