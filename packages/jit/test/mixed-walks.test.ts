// Loops that store their way through the page that they run on, in steps of any size, over functions that they then call: what
// compiled code keeps of a page from one store to the next never hides a store to code. WORLDSWITCH_ALL=1 takes more programs.

import { describe, expect, it } from 'vitest';

import { assemble } from '@worldswitch/isa-core';

import { Tables } from '../src/emit/frame.ts';
import type { Sharing } from '../src/interpreter/sharing.ts';
import { Program } from './programs/assembler.ts';
import { load, prepare } from './programs/run.ts';
import { createRandom } from './random.ts';
import { createRig, eager, RAM } from './rig.ts';
import type { Mode, Rig } from './rig.ts';

const PROGRAMS = (process.env['WORLDSWITCH_ALL'] ?? '') === '' ? 6 : 100;
const CODE = RAM + 0x2000;
/** Where walks begin, at most so many bytes on, and where the functions are. */
const FROM = 0x400;
const RANGE = 0x7ff;
const FUNCTIONS = [0x600, 0x9c0, 0xd38] as const;

/** A function of two instructions in eight bytes. */
const word = (k: number): bigint =>
  (BigInt(assemble('ret')) << 32n) | BigInt(assemble(`add x5, x5, #${String(k)}`));

/** Stores from x24 on that leave whole functions where they meet one: x20 and x21 are such. */
const whole = [
  ['str x20, [x24], #8'],
  ['stp x20, x21, [x24], #16'],
  ['str x20, [x24]', 'str x21, [x24, #8]', 'str x20, [x24, #16]', 'add x24, x24, #24'],
  ['str x21, [x24, x25]', 'add x25, x25, #8'],
  ['str x20, [x26]', 'str x21, [x26, #8]', 'add x24, x24, #8', 'str x20, [x24]'],
  ['ldr x9, [x26]', 'stur x20, [x24, #40]', 'sub x24, x24, #8', 'eor x6, x6, x9'],
];
/** Stores of other sizes and at other places: x26 is where no function is. */
const beside = [
  ['strb w5, [x26, #3]', 'str x6, [x26, #29]', 'ldr x9, [x26, #25]', 'add x6, x6, x9'],
  ['str w5, [x26]', 'strh w6, [x26, #62]', 'stp x5, x6, [x26, #56]'],
  ['add x10, x26, x25', 'stur x5, [x10, #-3]', 'ldur x9, [x10, #-5]', 'add x6, x6, x9'],
];

function build(seed: number, mode: Mode): Rig {
  const rig = createRig(mode);
  const random = createRandom(seed);
  prepare(rig, random);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  const p = new Program();
  const top = p.place();
  for (let walk = 0; walk < 3; walk++) {
    // Somewhere new each time: multiples of eight.
    p.add('add x22, x22, #0x2e8', 'and x9, x22, #0x7f8', 'add x24, x19, x9', 'mov x25, xzr');
    p.add(`mov x23, #${String(3 + random.below(40))}`);
    const again = p.place();
    p.add(...pick(whole), ...(random.below(2) === 0 ? pick(beside) : []), 'subs x23, x23, #1');
    p.to('b.ne', again);
    p.add(`blr x${String(27 + random.below(2))}`, 'eor x6, x6, x5, ror #9', 'blr x11');
    p.add('add x20, x20, #0x400', 'add x21, x21, #0x800');
  }
  p.to('b', top);
  load(rig, CODE, p.words());
  const values: Record<number, bigint> = {
    19: BigInt(CODE + FROM),
    20: word(1),
    21: word(2),
    22: BigInt(random.below(RANGE)),
    26: BigInt(CODE + 0xf40 + random.below(4) * 8),
  };
  for (const [i, at] of FUNCTIONS.entries()) {
    for (const [j, half] of [word(i + 3) & 0xffff_ffffn, word(i + 3) >> 32n].entries())
      rig.code(CODE + at + 4 * j, Number(half));
    values[[27, 28, 11][i] ?? 27] = BigInt(CODE + at);
  }
  for (const { cpu } of [rig.reference, rig.fast]) {
    cpu.state.pc = BigInt(CODE);
    for (const [r, value] of Object.entries(values)) cpu.state.setX(Number(r), value);
  }
  return rig;
}

/** Forgets where the page's code is: stores to it go unseen from now on. */
function forgetLines(rig: Rig): void {
  const { sharing } = rig.fast.engine as unknown as { sharing: Sharing };
  const lines = sharing.pages.linesOf(sharing.pages.acquire(rig.fast.cpu.bus.host(CODE as never)));
  rig.fast.view.setBigUint64(lines, 0n, true);
  expect(lines % Tables.pageBytes).toBeGreaterThan(0);
}

describe.each([
  ['eager', eager],
  ['eager, tiny regions', { ...eager, instructions: 10 }],
  ['compiled when hot', { enabled: true, threshold: 3 }],
] as const)('walks over the page of their code, %s:', (_, mode) => {
  it.each(Array.from({ length: PROGRAMS }, (__, i) => i + 1))('program %i', (seed) => {
    const rig = build(seed * 7919, mode);
    for (let i = 1; i <= 25; i++) {
      expect(rig.run(i), `${String(i)} instructions`).toEqual([]);
      expect(rig.run(1507), 'many instructions').toEqual([]);
    }
    expect(rig.fast.engine.counters.compiled).toBeGreaterThan(0);
  });
});

describe('a page whose lines are forgotten', () => {
  it('is found out', () => {
    const wrong = Array.from({ length: 6 }, (__, i) => {
      const rig = build((i + 1) * 7919, eager);
      expect(rig.run(3000)).toEqual([]);
      forgetLines(rig);
      for (let k = 0; k < 20; k++) if (rig.run(997).length > 0) return true;
      return false;
    });
    expect(wrong).toContain(true);
  });
});
