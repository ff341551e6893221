// Translated code against the CPU: a program at EL1 natively, and from the cache at EL0, undisturbed and stopped at any word.

import { describe, expect, it } from 'vitest';

import { Call } from '../../src/binary-translation/draft.ts';
import { randomProgram, randomRegisters } from './programs.ts';
import { natively } from './rig.ts';
import { translated } from './translated.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);

describe('a kernel from the translation cache', () => {
  it.each(SEEDS)('leaves what it leaves natively, program %i', (seed) => {
    const [text, registers] = [randomProgram(seed), randomRegisters(seed)];
    const told = translated(text, registers);
    expect(told.outcome).toEqual(natively(text, registers));
    expect(told.cache.counts.chained).toBeGreaterThan(3);
  });

  it.each(SEEDS)('and stopped at every third word, or so, program %i', (seed) => {
    const [text, registers] = [randomProgram(seed), randomRegisters(seed)];
    let x = seed;
    const stop = (): boolean => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return x >>> 29 === 0;
    };
    const told = translated(text, registers, { stop });
    expect(told.stops).toBeGreaterThan(100);
    expect(told.outcome).toEqual(natively(text, registers));
  });

  it('stopped without putting registers back it leaves something else', () => {
    const [text, registers] = [randomProgram(1), randomRegisters(1)];
    const stop = (step: number): boolean => step % 7 === 3;
    let outcome: unknown;
    try {
      ({ outcome } = translated(text, registers, { stop, without: 'recovery' }, 400_000));
    } catch (error) {
      outcome = String(error);
    }
    expect(outcome).not.toEqual(natively(text, registers));
  });

  it.each(SEEDS.slice(0, 4))('from a cache of a page, emptied again and again, program %i', (seed) => {
    const [text, registers] = [randomProgram(seed, 500), randomRegisters(seed)];
    const told = translated(text, registers, { cache: 0x1000, most: 3 });
    expect(told.cache.counts.emptied).toBeGreaterThan(2);
    expect(told.outcome).toEqual(natively(text, registers));
  });

  const patched = `
    adr x0, site
    ldr w5, [x0]
    mov x2, #5
    again: site: movz x1, #7
    add x4, x4, x1
    movz w3, #0x0001
    movk w3, #0xd280, lsl #16
    orr w3, w3, w2, lsl #5
    str w3, [x0]
    dc cvau, x0
    dsb ish
    ic ivau, x0
    dsb ish
    isb
    ldr w7, [x0]
    sub x2, x2, #1
    cbnz x2, again
    brk #0`;

  it('sees text that the guest has changed, and shows the guest its own', () => {
    expect(translated(patched, randomRegisters(3)).outcome).toEqual(natively(patched, randomRegisters(3)));
  });

  it('runs the old text where a change is not followed', () => {
    expect(translated(patched, randomRegisters(3), { without: 'forgetting' }).outcome).not.toEqual(
      natively(patched, randomRegisters(3)),
    );
  });

  const masks = (pairs: number): string => `
    movz x0, #${String(pairs & 0xffff)}
    movk x0, #${String(pairs >> 16)}, lsl #16
    loop: msr daifset, #2
    mrs x1, sp_el0
    msr daifclr, #2
    mrs x2, daif
    bl next
    sub x0, x0, #1
    cbnz x0, loop
    brk #0
    next: ret`;

  it('masks and unmasks two thousand times without an exit in the steady state', () => {
    const few = translated(masks(10), randomRegisters(4)).calls;
    const many = translated(masks(2_000), randomRegisters(4)).calls;
    expect(many).toEqual(few);
    expect(few[Call.EMULATE]).toBe(0);
  });

  it('with nothing in line each costs an exit, and without chains each branch', () => {
    expect(() => translated(masks(10), randomRegisters(4), { inline: false })).toThrow(
      'is not emulated here',
    );
    const [ten, twenty] = [10, 20].map(
      (n) => translated(masks(n), randomRegisters(4), { without: 'chaining' }).calls,
    );
    expect((twenty?.[Call.EXIT] ?? 0) - (ten?.[Call.EXIT] ?? 0)).toBeGreaterThanOrEqual(10);
  });
});
