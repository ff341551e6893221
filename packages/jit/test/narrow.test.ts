// Conversions of halves and estimates: every operand that decides something, on both engines; the loop asks for what is not ordinary
// only.

import { describe, expect, it } from 'vitest';

import { assemble, CpuLayout } from '@worldswitch/isa-core';

import { createRandom } from './random.ts';
import { createRig, RAM } from './rig.ts';

const IXC = 0x10n;
const rig = createRig();

/** Runs an instruction on V1 = `operand` for each; the share of them that the loop left to the reference engine. */
function compare(text: string, operands: Iterable<bigint>, fpcr = 0n): number {
  rig.code(RAM, assemble(text));
  const before = rig.fast.engine.counters.steps;
  let count = 0;
  for (const operand of operands) {
    for (const { cpu } of [rig.reference, rig.fast]) {
      cpu.state.pc = BigInt(RAM);
      cpu.state.u64[(CpuLayout.v + 16) >> 3] = operand;
      cpu.state.u64[(CpuLayout.v + 24) >> 3] = operand;
      cpu.fpsr = (count & 1) === 0 ? IXC : 0n;
      cpu.fpcr = fpcr;
    }
    expect(rig.run(1), `${text}: ${operand.toString(16)}`).toEqual([]);
    count++;
  }
  return (rig.fast.engine.counters.steps - before) / count;
}

/** Every half, in steps that reach all exponents and signs. */
const halves = Array.from({ length: 0x10000 / 5 }, (_, i) => BigInt(i * 5));

describe('halves', () => {
  it.each(['fcvt s0, h1', 'fcvt d0, h1'])('%s', (text) => {
    // Infinities and NaNs are one in 32.
    expect(compare(text, halves)).toBeLessThan(0.04);
  });

  it('in the alternative format are left to the reference engine', () => {
    expect(compare('fcvt s0, h1', halves.slice(0, 100), 1n << 26n)).toBe(1);
  });
});

const view = new DataView(new ArrayBuffer(8));
const random = createRandom(0xbead);
const sign = (): number => (random.below(2) === 0 ? 1 : -1);
/** Numbers near those of half precision: on them, half way between, next to half way, beyond both ends. */
function* nearHalves(bits: (n: number) => bigint): Generator<bigint> {
  for (let exponent = -17; exponent < 17; exponent++) {
    for (let i = 0; i < 40; i++) {
      const place = 2 ** (exponent - 10);
      const off = [0, 0.5, 0.5 + 2 ** -12, 0.5 - 2 ** -12, random.next() / 2 ** 32][random.below(5)] ?? 0;
      yield bits(sign() * (1024 + random.below(1024) + off) * place);
    }
  }
}
const single = (n: number): bigint => {
  view.setFloat32(4, n);
  return BigInt(view.getUint32(4));
};
const double = (n: number): bigint => {
  view.setFloat64(0, n);
  return view.getBigUint64(0);
};

describe('to halves', () => {
  it.each([
    ['fcvt h0, s1', single],
    ['fcvt h0, d1', double],
    ['fcvtn v0.4h, v1.4s', single],
  ] as const)('%s', (text, bits) => {
    // A few of the numbers do not fit or are denormal, and half of the others are not exact, with Inexact down.
    expect(compare(text, nearHalves(bits))).toBeLessThan(0.6);
  });

  it('are exact without asking', () => {
    expect(
      compare(
        'fcvt h0, s1',
        Array.from({ length: 200 }, (_, i) => single((i - 100) / 8)),
      ),
    ).toBe(0);
  });
});

describe('to singles, by rounding to odd', () => {
  it.each(['fcvtxn s0, d1', 'fcvtxn v0.2s, v1.2d', 'fcvtxn2 v0.4s, v1.2d'])('%s', (text) => {
    const operands = Array.from({ length: 2000 }, () => {
      const exponent = BigInt(1023 - 150 + random.below(300)) << 52n;
      return (
        (random.next64() & 0x800f_ffff_ffff_ffffn & ~BigInt(random.below(2) === 0 ? 0x1fff_ffff : 0)) |
        exponent
      );
    });
    expect(compare(text, operands)).toBeLessThan(0.6);
  });
});

describe('estimates', () => {
  /** All leading bits of the fraction, with random ones below, and exponents of both parities and both ends. */
  const numbers = (places: number, special: number): bigint[] =>
    [1, 2, special / 2, special / 2 + 1, special - 3, special - 2, special - 1].flatMap((exponent) =>
      Array.from({ length: 512 }, (_, i) => {
        const low = random.next64() & ((1n << BigInt(places - 9)) - 1n);
        return (BigInt(Math.floor(exponent)) << BigInt(places)) | (BigInt(i) << BigInt(places - 9)) | low;
      }),
    );
  it.each([
    ['frecpe s0, s1', 23, 255],
    ['frecpe d0, d1', 52, 2047],
    ['frsqrte s0, s1', 23, 255],
    ['frsqrte d0, d1', 52, 2047],
    ['frecpx s0, s1', 23, 255],
    ['frecpx d0, d1', 52, 2047],
    ['frecpe v0.2d, v1.2d', 52, 2047],
    ['frsqrte v0.2d, v1.2d', 52, 2047],
  ] as const)('%s', (text, places, special) => {
    // The reciprocals of the largest numbers are denormal.
    expect(compare(text, numbers(places, special))).toBeLessThan(0.35);
  });

  it.each(['urecpe v0.4s, v1.4s', 'ursqrte v0.4s, v1.4s'])('%s', (text) => {
    const operands = Array.from(
      { length: 512 },
      (_, i) => (BigInt(i) << 23n) | BigInt(random.below(1 << 23)) | (BigInt(random.next()) << 32n),
    );
    expect(compare(text, operands)).toBe(0);
  });

  it.each(['frecpe s0, s1', 'frsqrte d0, d1', 'frecpx d0, d1', 'fcvt h0, d1'])(
    '%s of what is special',
    (text) => {
      const specials = [0, -0, -1, Infinity, -Infinity, NaN, 2 ** -1060, -(2 ** -1030)];
      compare(text, [...specials.map(double), ...specials.map(single), 0x7ff0_0000_0000_0001n, 0x7f80_0001n]);
      compare(text, [...specials.map(double), 1n, 0x8000_0001n], 1n << 24n);
    },
  );
});
