// When the hot tier compiles, what it leaves out, and what happens where the host will not compile.

import { afterEach, describe, expect, it } from 'vitest';

import { COST, Worth } from '../src/hot/worth.ts';
import type { Program } from './programs/assembler.ts';
import { begin, CODE } from './programs/run.ts';
import { createRig, eager } from './rig.ts';
import type { Mode, Rig } from './rig.ts';

const usual: Mode = { enabled: true };

function rigWith(mode: Mode, registers: Record<number, number>, build: (p: Program) => void): Rig {
  return begin(createRig(mode), 11, build, registers);
}

const countOf = (rig: Rig, name: string): number =>
  rig.fast.engine.counts().find((c) => c.name === name)?.count ?? Number.NaN;

/** A loop of four instructions; with x20 not 0 it goes through six more. */
const loop = (p: Program): void => {
  const top = p.place();
  const other = p.label();
  const back = p.label();
  p.add('add x0, x0, #1');
  p.to('cbnz x20,', other);
  p.place(back);
  p.add('eor x1, x1, x0');
  p.to('b', top);
  p.place(other);
  p.add('add x2, x2, x0', 'add x3, x3, x2', 'add x4, x4, x3', 'add x5, x5, x4', 'sub x6, x6, x5');
  p.to('b', back);
};

describe('a loop', () => {
  it('is compiled when it was there in many samples in a row', () => {
    const rig = rigWith(usual, { 20: 0 }, loop);
    rig.fast.engine.run(100_000);
    expect(countOf(rig, 'regions.compiled')).toBe(0);
    rig.fast.engine.run(200_000);
    expect(countOf(rig, 'regions.compiled')).toBe(1);
  });

  it('is compiled without what control has never come to, which may come later', () => {
    const mode = { enabled: true, threshold: 3 };
    const rig = rigWith(mode, { 20: 0 }, loop);
    rig.reference.engine.run(300_000);
    rig.fast.engine.run(300_000);
    expect(countOf(rig, 'regions.instructions')).toBe(4);
    for (const { cpu } of [rig.reference, rig.fast]) cpu.state.setX(20, 1n);
    for (let i = 1; i < 50; i++) expect(rig.run(i * 7), String(i)).toEqual([]);
    expect(countOf(rig, 'regions.instructions')).toBeGreaterThan(4);
    for (let i = 1; i < 50; i++) expect(rig.run(i * 3), String(i)).toEqual([]);
  });

  it('that stores beside its code is compiled as soon as that has cost more', () => {
    const rig = rigWith(usual, { 19: CODE + 0x800 }, (p) => {
      const top = p.place();
      p.add('add x0, x0, #1', 'str x0, [x19]');
      p.to('b', top);
    });
    rig.reference.engine.run(3000);
    rig.fast.engine.run(3000);
    expect(countOf(rig, 'regions.compiled')).toBe(1);
    const { steps } = rig.fast.engine.counters;
    expect(rig.run(3000)).toEqual([]);
    expect(rig.fast.engine.counters.steps - steps).toBeLessThan(20);
  });
});

describe('a host that does not compile', () => {
  const { Module } = WebAssembly;
  afterEach(() => {
    WebAssembly.Module = Module;
  });

  it.each([
    ['for want of memory', RangeError],
    ['for reasons of its own', WebAssembly.CompileError],
  ])('%s leaves code to the interpreter', (_, Why) => {
    const rig = rigWith(eager, { 20: 1 }, loop);
    expect(rig.run(1)).toEqual([]);
    const refusing = function (): never {
      throw new Why('not now');
    };
    WebAssembly.Module = refusing as unknown as typeof Module;
    for (let i = 0; i < 20; i++) expect(rig.run(97)).toEqual([]);
    const refused = countOf(rig, 'regions.refused');
    expect(refused).toBeGreaterThan(0);
    WebAssembly.Module = Module;
    // Later it does.
    const compiled = countOf(rig, 'regions.compiled');
    for (let i = 0; i < 20; i++) rig.code(CODE + 8, i % 2 === 0 ? 0xca000021 : 0xca000022);
    for (let i = 0; i < 40; i++) {
      rig.code(CODE + 8, i % 2 === 0 ? 0xca000021 : 0xca000022);
      expect(rig.run(97)).toEqual([]);
    }
    expect(countOf(rig, 'regions.compiled')).toBeGreaterThan(compiled);
  });

  it('lets other errors out', () => {
    const rig = rigWith(eager, { 20: 1 }, loop);
    expect(rig.run(1)).toEqual([]);
    WebAssembly.Module = function (): never {
      throw new TypeError('a defect');
    } as unknown as typeof Module;
    expect(() => rig.run(97)).toThrow('a defect');
  });
});

describe('what a region is worth', () => {
  it('is what was lost without it, against its size', () => {
    const worth = new Worth();
    expect(worth.lose(16, 1000)).toBe(true);
    expect(worth.pays(16, 1)).toBe(false);
    // Now its price is known.
    expect(worth.lose(16, 1000)).toBe(false);
    expect(worth.lose(16, COST - 2000)).toBe(true);
    expect(worth.pays(16, 1)).toBe(true);
    // And it begins anew.
    expect(worth.lose(16, 1000)).toBe(true);
    expect(worth.pays(16, 1)).toBe(false);
  });

  it('is known of a few thousand places at most', () => {
    const worth = new Worth();
    for (let i = 0; i < 10_000; i++) worth.lose(i, 1);
    expect(worth.size).toBeLessThanOrEqual(4096);
  });
});
