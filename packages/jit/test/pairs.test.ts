// Pairs of instructions that share an arm: the state is right after either of them.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { createRandom } from './random.ts';
import { createRig, RAM } from './rig.ts';

const pairs = [
  ['cmp x0, #5', 'b.hi 8'],
  ['subs w0, w0, #1', 'b.ne 8'],
  ['cmp x0, x1', 'b.lt 8'],
  ['tst w0, #3', 'b.eq 8'],
  ['tst x0, x1', 'b.mi 8'],
  ['ldr w0, [x2, #4]', 'cbz w0, 8'],
  ['ldrb w0, [x2]', 'cbnz w0, 8'],
  ['ldr x0, [x2]', 'ldr x2, [x0]'],
  ['str x0, [x2]', 'str x1, [x2, #8]'],
  ['ldp x3, x4, [sp, #16]', 'ldp x5, x6, [sp], #32'],
  ['stp x3, x4, [sp, #-32]!', 'add x5, sp, #8'],
  ['ldp x29, x30, [sp], #16', 'ret'],
  ['adrp x0, 4096', 'add x0, x0, #12'],
  ['adrp x0, 4096', 'ldr x1, [x0, #8]'],
  ['mov x0, x1', 'mov x1, x0'],
  ['mov x0, x1', 'bl 8'],
] as const;
const rig = createRig();
const END = ['nop', 'b -8', 'b -12'];

/** A program at the start of RAM, and random registers. */
function start(lines: readonly string[], seed: number): void {
  const random = createRandom(seed);
  for (const [i, line] of lines.entries()) rig.code(RAM + 4 * i, assemble(line));
  const values = Array.from({ length: 32 }, () => BigInt(random.below(8)));
  for (const side of [rig.reference, rig.fast]) {
    const { cpu, view } = side;
    cpu.state.pc = BigInt(RAM);
    for (const [r, value] of values.entries()) cpu.state.setX(r, value);
    cpu.state.setX(2, BigInt(RAM + 0x20000));
    cpu.state.setX(31, BigInt(RAM + 0x21000));
    view.setBigUint64(0x10000 + 0x20000, BigInt(RAM + 0x20100), true);
    // What LDP and RET take from the stack.
    view.setBigUint64(0x10000 + 0x21008, BigInt(RAM + 8), true);
  }
}

describe.each(pairs)('%s; %s', (first, second) => {
  it('leaves the same at every count', () => {
    for (let seed = 1; seed < 12; seed++) {
      for (const counts of [[1, 1, 1], [2, 1], [3], [1, 2]]) {
        start([first, second, ...END], seed);
        for (const count of counts) expect(rig.run(count), `after ${String(count)}`).toEqual([]);
      }
    }
  });

  it('is no pair any more when the second instruction changes', () => {
    start([first, second, ...END], 3);
    expect(rig.run(2)).toEqual([]);
    start([first, 'add x9, x9, #1', ...END], 4);
    expect(rig.run(2)).toEqual([]);
  });

  it('is none when the first instruction changes', () => {
    start([first, second, ...END], 3);
    expect(rig.run(2)).toEqual([]);
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(RAM);
    rig.code(RAM, assemble('add x9, x9, #1'));
    expect(rig.run(2)).toEqual([]);
  });
});

it('a pair whose second access misses stops between its instructions', () => {
  start(['ldr x0, [x2]', 'ldr x2, [x0]', 'nop'], 1);
  for (const { cpu, view } of [rig.reference, rig.fast]) {
    view.setBigUint64(0x10000 + 0x20000, 0xdead_0000n, true);
    cpu.state.pc = BigInt(RAM);
  }
  expect(rig.run(1)).toEqual([]);
  for (const { cpu } of [rig.reference, rig.fast]) cpu.state.pc = BigInt(RAM);
  expect(rig.run(2)).toEqual([]);
  expect(rig.fast.cpu.register('ELR_EL1')).toBe(BigInt(RAM + 4));
});
