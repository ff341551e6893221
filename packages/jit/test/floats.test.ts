// Floating point that the loop does itself: on ordinary numbers it leaves the bits and flags of the reference engine, and does not ask it.

import { describe, expect, it } from 'vitest';

import { assemble, CpuLayout } from '@worldswitch/isa-core';

import { createRandom } from './random.ts';
import { createRig, RAM } from './rig.ts';

const IXC = 0x10n;
const ROUNDS = 300;

const doubles = [
  'fadd d0, d1, d2',
  'fsub d0, d1, d2',
  'fmul d0, d1, d2',
  'fdiv d0, d1, d2',
  'fnmul d0, d1, d2',
  'fabd d0, d1, d2',
  'fmadd d0, d1, d2, d3',
  'fnmsub d0, d1, d2, d3',
  'frecps d0, d1, d2',
  'frsqrts d0, d1, d2',
  'fmax d0, d1, d2',
  'fcmp d1, d2',
  'frinta d0, d1',
  'frintm d0, d1',
  'fcvtzs x0, d1',
  'fcvtas x0, d1',
  'scvtf d0, x1',
  'ucvtf d0, w1',
  'fcvt s0, d1',
  'fcvtn v0.2s, v1.2d',
  'fcvtxn s0, d1',
  'frecpe d0, d1',
  'frecpx d0, d1',
];
const singles = [
  'fadd s0, s1, s2',
  'fmul s0, s1, s2',
  'fdiv s0, s1, s2',
  'fmadd s0, s1, s2, s3',
  'fmsub s0, s1, s2, s3',
  'fcvtns w0, s1',
  'scvtf s0, x1',
  'fcvt d0, s1',
  'frecpe s0, s1',
  'frecpx s0, s1',
  'urecpe v0.4s, v1.4s',
  'ursqrte v0.4s, v1.4s',
];

describe.each([
  ['doubles', 64, doubles],
  ['singles', 32, singles],
] as const)('%s', (_, width, instructions) => {
  const rig = createRig();
  const random = createRandom(0xf10a7);
  const view = new DataView(new ArrayBuffer(8));
  /** A number of ordinary size; near-cancelling sums and exact values among them. */
  const ordinary = (): number => {
    const n = (random.next() / 2 ** 32 - 0.5) * 2 ** (random.below(40) - 10);
    return random.below(3) === 0 ? Math.round(n) + 1 : n;
  };
  const bits = (n: number): bigint => {
    if (width === 64) view.setFloat64(0, n);
    else view.setFloat32(4, n);
    return width === 64 ? view.getBigUint64(0) : BigInt(view.getUint32(4));
  };

  it.each(instructions)('%s', (text) => {
    rig.code(RAM, assemble(text));
    const before = rig.fast.engine.counters.steps;
    for (let i = 0; i < ROUNDS; i++) {
      const [a, b] = [ordinary(), ordinary()];
      const c = random.below(2) === 0 ? -(a * b) : ordinary();
      const integer = random.next64();
      for (const { cpu } of [rig.reference, rig.fast]) {
        cpu.state.pc = BigInt(RAM);
        [a, b, c].forEach((n, k) => {
          cpu.state.u64[(CpuLayout.v + 16 * (k + 1)) >> 3] = bits(n);
        });
        cpu.state.setX(1, integer);
        cpu.fpsr = IXC;
      }
      expect(rig.run(1), `${String(a)} ${String(b)} ${String(c)}`).toEqual([]);
    }
    // What rounds to zero or to too small a number is left to the reference engine.
    expect(rig.fast.engine.counters.steps - before).toBeLessThan(ROUNDS / 10);
  });

  it('leaves Inexact down where the result is exact, without asking', () => {
    rig.code(RAM, assemble(width === 64 ? 'fadd d0, d1, d2' : 'fadd s0, s1, s2'));
    const before = rig.fast.engine.counters.steps;
    for (let i = 0; i < 100; i++) {
      for (const { cpu } of [rig.reference, rig.fast]) {
        cpu.state.pc = BigInt(RAM);
        cpu.state.u64[(CpuLayout.v + 16) >> 3] = bits(i * 3);
        cpu.state.u64[(CpuLayout.v + 32) >> 3] = bits(-i / 4);
        cpu.fpsr = 0n;
      }
      expect(rig.run(1)).toEqual([]);
    }
    expect(rig.fast.engine.counters.steps).toBe(before);
  });

  it('raises Underflow where a result is rounded up to the smallest normal number', () => {
    const [text, least, factor] =
      width === 64
        ? (['fmul d0, d1, d2', 2 ** -1022, 1 - 2 ** -53] as const)
        : (['fmul s0, s1, s2', 2 ** -126, 1 - 2 ** -24] as const);
    rig.code(RAM, assemble(text));
    for (const { cpu } of [rig.reference, rig.fast]) {
      cpu.state.pc = BigInt(RAM);
      cpu.state.u64[(CpuLayout.v + 16) >> 3] = bits(least);
      cpu.state.u64[(CpuLayout.v + 32) >> 3] = bits(factor);
      cpu.fpsr = IXC;
    }
    expect(rig.run(1)).toEqual([]);
    expect(rig.fast.cpu.fpsr).toBe(0x18n);
  });
});
