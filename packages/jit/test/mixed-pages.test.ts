// Stores to a page that also holds code: compiled code does those that are beside it, and notices those that are not.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import type { Program } from './programs/assembler.ts';
import { begin, CODE } from './programs/run.ts';
import { createRig, eager } from './rig.ts';
import type { Rig } from './rig.ts';

/** On the page of the code, lines away from it. */
const BESIDE = CODE + 0x800;
const modes = [
  ['eager', eager],
  ['eager, tiny regions', { ...eager, instructions: 8 }],
  ['eager, constant eviction', { ...eager, regions: 3 }],
] as const;

function rigWith(
  mode: (typeof modes)[number][1],
  registers: Record<number, number>,
  build: (p: Program) => void,
): Rig {
  return begin(createRig(mode), 5, build, registers);
}

/** Runs in pieces of many lengths. */
function runAll(rig: Rig): void {
  for (let i = 1; i <= 40; i++) {
    expect(rig.run(i), `${String(i)} instructions`).toEqual([]);
    expect(rig.run(1009), 'many instructions').toEqual([]);
  }
}

describe.each(modes)('stores beside code, %s:', (_, mode) => {
  it('are done in compiled code, of every size', () => {
    const rig = rigWith(mode, { 19: BESIDE, 20: 3 }, (p) => {
      const top = p.place();
      p.add('add x0, x0, #7', 'and x1, x0, #0x3f8', 'add x1, x1, x19', 'add x2, x1, #0x37');
      p.add(
        'str x0, [x1]',
        'strb w0, [x2]',
        'strh w0, [x1, #12]',
        'stp x0, x2, [x1, #16]',
        'ldr x3, [x1, #8]',
      );
      p.add('str w3, [x1, #61]', 'stur x0, [x1, #60]');
      p.to('b', top);
    });
    runAll(rig);
    const { dataMisses } = rig.fast.engine.counters;
    expect(rig.run(20_000)).toEqual([]);
    if (mode === eager) expect(rig.fast.engine.counters.dataMisses - dataMisses).toBeLessThan(50);
  });

  it('are no longer beside it once code is executed there', () => {
    const rig = rigWith(
      mode,
      { 19: BESIDE, 20: assemble('add x5, x5, #1'), 21: assemble('ret'), 22: assemble('add x5, x5, #3') },
      (p) => {
        const top = p.place();
        p.add('mov x23, #60');
        const fill = p.place();
        // The same store writes beside code, and then to a function that is called between.
        p.add('str w20, [x19]', 'str w21, [x19, #4]', 'subs x23, x23, #1');
        p.to('b.ne', fill);
        p.add('blr x19', 'str w22, [x19]', 'blr x19', 'str w20, [x19]', 'blr x19', 'eor x6, x6, x5');
        p.to('b', top);
      },
    );
    runAll(rig);
    expect(rig.fast.cpu.state.x(5)).toBe(rig.reference.cpu.state.x(5));
  });

  it('reach into a line of code', () => {
    // Eight bytes from four before the line of the function on: the last four are its first instruction.
    const pair = (first: string): number => assemble(first);
    const rig = rigWith(
      mode,
      { 19: BESIDE, 20: pair('add x5, x5, #1'), 22: pair('add x5, x5, #5'), 21: assemble('ret') },
      (p) => {
        p.add('str w20, [x19]', 'str w21, [x19, #4]', 'lsl x20, x20, #32', 'lsl x22, x22, #32');
        const top = p.place();
        p.add('mov x23, #40');
        const fill = p.place();
        p.add('stur x23, [x19, #-8]', 'stur x23, [x19, #-12]', 'subs x23, x23, #1');
        p.to('b.ne', fill);
        p.add('stur x20, [x19, #-4]', 'blr x19', 'stur x22, [x19, #-4]', 'blr x19');
        p.to('b', top);
      },
    );
    runAll(rig);
  });

  it('to the very loop change it', () => {
    const rig = rigWith(
      mode,
      { 19: CODE, 20: assemble('add x5, x5, #1'), 22: assemble('add x5, x5, #9'), 24: BESIDE },
      (p) => {
        const top = p.place();
        p.add(
          'add x5, x5, #1',
          'str x5, [x24]',
          'tst x5, #0x40',
          'csel w1, w20, w22, eq',
          'str x5, [x24, #64]',
        );
        p.add('tst x5, #0x3ff');
        p.to('b.ne', top);
        p.add('str w1, [x19]');
        p.to('b', top);
      },
    );
    runAll(rig);
  });
});
