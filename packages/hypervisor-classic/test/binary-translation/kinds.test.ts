// Words that are known to be innocuous without a look into the instruction table are so by the table, too.

import { describe, expect, it } from 'vitest';

import { decode } from '@worldswitch/isa-core';

import { isPlainWord, kindOf } from '../../src/binary-translation/kinds.ts';

/** Words of a linear congruential generator (Numerical Recipes). */
function* words(count: number): Generator<number> {
  let seed = 1;
  for (let i = 0; i < count; i++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    yield seed;
  }
}

describe('plain words', () => {
  it('are the same by the table: random ones, and each of the upper 11 bits with others', () => {
    let plain = 0;
    const check = (word: number): void => {
      if (!isPlainWord(word)) return;
      plain++;
      const kind = kindOf(word, decode(word));
      if (kind !== 'same') expect.fail(`0x${word.toString(16)} is ${kind}`);
    };
    for (const word of words(60_000)) check(word);
    const rest = [...words(12)];
    for (let upper = 0; upper < 2048; upper++)
      for (const word of [0, 0x1f_ffff, ...rest]) check(((upper << 21) | (word & 0x1f_ffff)) >>> 0);
    expect(plain).toBeGreaterThan(5000);
  });

  it.each([
    ['add x0, x1, #1', 0x9100_0420],
    ['movz x0, #1', 0xd280_0020],
    ['orr x0, x1, x2', 0xaa02_0020],
    ['ldr x0, [x1, #8]', 0xf940_0420],
    ['stp x29, x30, [sp, #-16]!', 0xa9bf_7bfd],
  ])('%s is one', (_, word) => {
    expect(isPlainWord(word)).toBe(true);
  });

  it.each([
    ['adrp x0, .', 0x9000_0000],
    ['ldtr x0, [x1]', 0xf840_0820],
    ['ldr x0, .', 0x5800_0000],
    ['mrs x0, SP_EL0', 0xd538_4100],
    ['ldxr x0, [x1]', 0xc85f_7c20],
    ['bl .', 0x9400_0000],
    ['ret', 0xd65f_03c0],
    ['no instruction', 0],
  ])('%s is none', (_, word) => {
    expect(isPlainWord(word)).toBe(false);
  });
});
