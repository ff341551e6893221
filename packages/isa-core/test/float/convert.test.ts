// Conversions on bits: formats, integers and fixed point, rounding to integers; halves of both kinds.

import { describe, expect, test } from 'vitest';

import { convert, fromInt, intEstimate, roundToIntegral, toInt } from '../../src/float/index.ts';
import type { Rounding } from '../../src/semantics/builder.ts';
import { AHP, bitsOf32, bitsOf64, DN, doubleOf, FZ, generator, towards } from './numbers.ts';

const [IOC, UFC, IXC, IDC, OFC] = [0x01, 0x08, 0x10, 0x80, 0x04];
const under = <T>(fpcr: number, run: (env: { fpcr: number; fpsr: number }) => T): [T, number] => {
  const env = { fpcr, fpsr: 0 };
  const result = run(env);
  return [result, env.fpsr];
};

describe('to an integer', () => {
  test.each<[Rounding, number, number]>([
    ['even', 2.5, 2],
    ['even', 3.5, 4],
    ['away', 2.5, 3],
    ['away', -2.5, -3],
    ['plus', 2.1, 3],
    ['plus', -2.9, -2],
    ['minus', 2.9, 2],
    ['minus', -2.1, -3],
    ['zero', -2.9, -2],
  ])('%s: %f is %d', (rounding, from, to) => {
    expect(under(0, (env) => toInt(64, bitsOf64(from), 64, true, rounding, 0, env))).toEqual([
      BigInt.asUintN(64, BigInt(to)),
      IXC,
    ]);
  });
  test('what does not fit saturates with IOC alone', () => {
    expect(under(0, (env) => toInt(64, bitsOf64(3e9), 32, true, 'zero', 0, env))).toEqual([
      0x7fff_ffffn,
      IOC,
    ]);
    expect(under(0, (env) => toInt(64, bitsOf64(-1), 32, false, 'zero', 0, env))).toEqual([0n, IOC]);
    expect(under(0, (env) => toInt(64, bitsOf64(-Infinity), 64, true, 'zero', 0, env))).toEqual([
      1n << 63n,
      IOC,
    ]);
  });
  test('-0.5 to unsigned is zero, inexact', () => {
    expect(under(0, (env) => toInt(64, bitsOf64(-0.5), 32, false, 'zero', 0, env))).toEqual([0n, IXC]);
  });
  test('a NaN is zero with IOC', () => {
    expect(under(0, (env) => toInt(32, 0x7fc0_0000n, 32, true, 'zero', 0, env))).toEqual([0n, IOC]);
  });
  test('fraction bits scale', () => {
    expect(under(0, (env) => toInt(64, bitsOf64(1.75), 32, true, 'zero', 1, env))).toEqual([3n, IXC]);
  });
});

describe('from an integer', () => {
  test('rounds as FPCR says', () => {
    const odd = 2n ** 53n + 1n;
    expect(under(0, (env) => fromInt(64, odd, 64, true, 0, env))).toEqual([bitsOf64(2 ** 53), IXC]);
    expect(under(towards.plus, (env) => fromInt(64, odd, 64, true, 0, env))).toEqual([
      bitsOf64(2 ** 53 + 2),
      IXC,
    ]);
  });
  test('signed and unsigned, with fraction bits', () => {
    expect(under(0, (env) => fromInt(32, 0xffff_ffffn, 64, true, 1, env))).toEqual([bitsOf64(-0.5), 0]);
    expect(under(0, (env) => fromInt(32, 0xffff_ffffn, 64, false, 32, env))).toEqual([
      bitsOf64(1 - 2 ** -32),
      0,
    ]);
    expect(under(towards.minus, (env) => fromInt(32, 0n, 64, true, 0, env))).toEqual([0n, 0]);
  });
});

describe('to an integral number', () => {
  test('FRINTX alone raises IXC; the sign of zero stays', () => {
    expect(under(0, (env) => roundToIntegral(64, bitsOf64(-0.5), 'fpcr', true, env))).toEqual([
      bitsOf64(-0),
      IXC,
    ]);
    expect(under(0, (env) => roundToIntegral(64, bitsOf64(2.5), 'away', false, env))).toEqual([
      bitsOf64(3),
      0,
    ]);
  });
  test('large numbers stay', () => {
    expect(under(0, (env) => roundToIntegral(64, bitsOf64(1e300), 'plus', true, env))).toEqual([
      bitsOf64(1e300),
      0,
    ]);
  });
});

describe('between formats', () => {
  test('double to single agrees with the host', () => {
    const { double } = generator(77);
    for (let i = 0; i < 5000; i++) {
      const a = double();
      if (Number.isNaN(doubleOf(a))) continue;
      expect(convert(64, 32, a, 'fpcr', { fpcr: 0, fpsr: 0 }), a.toString(16)).toBe(bitsOf32(doubleOf(a)));
    }
  });
  test('a NaN keeps its topmost bits and becomes quiet', () => {
    expect(under(0, (env) => convert(32, 64, 0xff80_0001n, 'fpcr', env))).toEqual([
      0xfff8_0000_2000_0000n,
      IOC,
    ]);
    expect(under(DN, (env) => convert(32, 16, 0xffc0_2000n, 'fpcr', env))).toEqual([0x7e00n, 0]);
  });
  test('the alternative half has no infinities and no NaNs', () => {
    expect(under(AHP, (env) => convert(32, 16, 0x7f80_0000n, 'fpcr', env))).toEqual([0x7fffn, IOC]);
    expect(under(AHP, (env) => convert(32, 16, 0xffc0_0000n, 'fpcr', env))).toEqual([0x8000n, IOC]);
    expect(under(AHP, (env) => convert(64, 16, bitsOf64(1e6), 'fpcr', env))).toEqual([0x7fffn, IOC]);
    expect(under(AHP, (env) => convert(16, 64, 0x7c00n, 'fpcr', env))).toEqual([bitsOf64(65536), 0]);
  });
  test('halves are not flushed, singles and doubles are', () => {
    expect(under(FZ, (env) => convert(16, 32, 1n, 'fpcr', env))).toEqual([bitsOf32(2 ** -24), 0]);
    expect(under(FZ, (env) => convert(32, 16, bitsOf32(2 ** -24), 'fpcr', env))).toEqual([1n, 0]);
    expect(under(FZ, (env) => convert(32, 64, 1n, 'fpcr', env))).toEqual([0n, IDC]);
    expect(under(FZ, (env) => convert(64, 32, bitsOf64(2 ** -130), 'fpcr', env))).toEqual([0n, UFC]);
  });
  test('FCVTXN rounds to odd, and does not overflow to infinity', () => {
    expect(under(0, (env) => convert(64, 32, bitsOf64(1 + 2 ** -40), 'odd', env))).toEqual([
      0x3f80_0001n,
      IXC,
    ]);
    expect(under(0, (env) => convert(64, 32, bitsOf64(1e300), 'odd', env))).toEqual([
      0x7f7f_ffffn,
      OFC | IXC,
    ]);
  });
});

test('URECPE and URSQRTE', () => {
  expect(intEstimate('urecpe', 0x7fff_ffff)).toBe(0xffff_ffff);
  expect(intEstimate('urecpe', 0x8000_0000)).toBe(0xff80_0000);
  expect(intEstimate('ursqrte', 0x3fff_ffff)).toBe(0xffff_ffff);
  expect(intEstimate('ursqrte', 0x4000_0000)).toBe(0xff80_0000);
});
