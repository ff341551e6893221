// Floating-point arithmetic on bits: Arm's rules for NaNs, denormals, zeros and flags; random numbers against the host's.

import { describe, expect, test } from 'vitest';

import { compare, float1, float2, float3, test as floatTest } from '../../src/float/index.ts';
import { bitsOf32, bitsOf64, doubleOf, DN, FZ, generator, singleOf, towards } from './numbers.ts';

const ONE = 0x3f80_0000n;
const MINUS_ZERO = 0x8000_0000n;
const INFINITY = 0x7f80_0000n;
const DENORMAL = 0x0000_0001n;
const QUIET = 0x7fc0_1234n;
const SIGNALLING = 0x7f80_4321n;
const DEFAULT_NAN = 0x7fc0_0000n;
const [IOC, DZC, OFC, UFC, IXC, IDC] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x80];

const two = (op: Parameters<typeof float2>[0], a: bigint, b: bigint, fpcr = 0): [bigint, number] => {
  const env = { fpcr, fpsr: 0 };
  const result = float2(op, 32, a, b, env);
  return [result, env.fpsr];
};
const one = (op: Parameters<typeof float1>[0], a: bigint, fpcr = 0): [bigint, number] => {
  const env = { fpcr, fpsr: 0 };
  const result = float1(op, 32, a, env);
  return [result, env.fpsr];
};
const three = (op: Parameters<typeof float3>[0], a: bigint, n: bigint, m: bigint): [bigint, number] => {
  const env = { fpcr: 0, fpsr: 0 };
  const result = float3(op, 32, a, n, m, env);
  return [result, env.fpsr];
};

describe('NaNs', () => {
  test('the first signalling operand wins over an earlier quiet one, and becomes quiet', () => {
    expect(two('add', QUIET, SIGNALLING)).toEqual([SIGNALLING | 0x40_0000n, IOC]);
  });
  test('of two quiet ones the first is kept with its payload', () => {
    expect(two('mul', QUIET, DEFAULT_NAN)).toEqual([QUIET, 0]);
  });
  test('FPCR.DN gives the default NaN', () => {
    expect(two('add', QUIET, ONE, DN)).toEqual([DEFAULT_NAN, 0]);
  });
  test('the default NaN is positive', () => {
    expect(two('sub', INFINITY, INFINITY)).toEqual([DEFAULT_NAN, IOC]);
  });
  test('FNMUL negates a NaN too', () => {
    expect(two('nmul', QUIET, ONE)).toEqual([QUIET | MINUS_ZERO, 0]);
  });
  test('FMAXNM prefers the number to a quiet NaN, not to a signalling one', () => {
    expect(two('maxnm', QUIET, ONE)).toEqual([ONE, 0]);
    expect(two('maxnm', ONE, SIGNALLING)).toEqual([SIGNALLING | 0x40_0000n, IOC]);
    expect(two('minnm', QUIET, QUIET)).toEqual([QUIET, 0]);
  });
  test('a fused product of infinity and zero is Invalid even when added to a quiet NaN', () => {
    expect(three('madd', QUIET, INFINITY, 0n)).toEqual([DEFAULT_NAN, IOC]);
    expect(three('madd', SIGNALLING, INFINITY, 0n)).toEqual([SIGNALLING | 0x40_0000n, IOC]);
  });
  test('negation and absolute value touch the sign alone', () => {
    expect(one('neg', SIGNALLING)).toEqual([SIGNALLING | MINUS_ZERO, 0]);
    expect(one('abs', SIGNALLING | MINUS_ZERO)).toEqual([SIGNALLING, 0]);
  });
});

describe('zeros and infinities', () => {
  test('an exact zero sum is minus when rounding towards minus infinity', () => {
    expect(two('sub', ONE, ONE)).toEqual([0n, 0]);
    expect(two('sub', ONE, ONE, towards.minus)).toEqual([MINUS_ZERO, 0]);
  });
  test('a finite number by zero is infinity with DZC; infinity by zero raises nothing', () => {
    expect(two('div', ONE, MINUS_ZERO)).toEqual([INFINITY | MINUS_ZERO, DZC]);
    expect(two('div', INFINITY, 0n)).toEqual([INFINITY, 0]);
    expect(two('div', 0n, 0n)).toEqual([DEFAULT_NAN, IOC]);
  });
  test('FMULX of infinity and zero is two', () => {
    expect(two('mulx', INFINITY, MINUS_ZERO)).toEqual([0xc000_0000n, 0]);
  });
  test('FMAX of zeros is plus if one is, FMIN minus if one is', () => {
    expect(two('max', MINUS_ZERO, 0n)[0]).toBe(0n);
    expect(two('min', 0n, MINUS_ZERO)[0]).toBe(MINUS_ZERO);
  });
  test('the square root of minus zero is minus zero, of another negative number Invalid', () => {
    expect(one('sqrt', MINUS_ZERO)).toEqual([MINUS_ZERO, 0]);
    expect(one('sqrt', ONE | MINUS_ZERO)).toEqual([DEFAULT_NAN, IOC]);
  });
  test('overflow is infinity or the largest number, as the rounding mode says', () => {
    const largest = INFINITY - 1n;
    expect(two('add', largest, largest)).toEqual([INFINITY, OFC | IXC]);
    expect(two('add', largest, largest, towards.zero)).toEqual([largest, OFC | IXC]);
    expect(two('add', largest, largest, towards.minus)).toEqual([largest, OFC | IXC]);
  });
});

describe('denormals', () => {
  const half = 0x3f00_0000n;
  test('an exact denormal result raises nothing, an inexact one Underflow and Inexact', () => {
    expect(two('mul', 0x0080_0000n, half)).toEqual([0x0040_0000n, 0]);
    expect(two('mul', DENORMAL, half)).toEqual([0n, UFC | IXC]);
  });
  test('tininess is detected before rounding: a result that rounds up to normal underflows', () => {
    expect(two('mul', 0x00ff_ffffn, half)).toEqual([0x0080_0000n, UFC | IXC]);
  });
  test('FPCR.FZ flushes an operand with IDC alone', () => {
    expect(two('add', DENORMAL, 0n, FZ)).toEqual([0n, IDC]);
  });
  test('FPCR.FZ flushes a result with UFC and without IXC, keeping the sign', () => {
    expect(two('mul', 0x8080_0000n, half, FZ)).toEqual([MINUS_ZERO, UFC]);
  });
});

describe('estimates', () => {
  test('FRECPE', () => {
    expect(one('recpe', ONE)).toEqual([0x3f7f_8000n, 0]);
    expect(one('recpe', MINUS_ZERO)).toEqual([INFINITY | MINUS_ZERO, DZC]);
    expect(one('recpe', DENORMAL)).toEqual([INFINITY, OFC | IXC]);
    expect(one('recpe', DENORMAL, towards.zero)).toEqual([INFINITY - 1n, OFC | IXC]);
    expect(one('recpe', 0x7f00_0000n, FZ)).toEqual([0n, UFC]);
  });
  test('FRSQRTE', () => {
    expect(one('rsqrte', ONE)).toEqual([0x3f7f_8000n, 0]);
    expect(one('rsqrte', 0xbf80_0000n)).toEqual([DEFAULT_NAN, IOC]);
  });
  test('FRECPX inverts the exponent', () => {
    expect(one('recpx', 0xbfc0_0000n)).toEqual([0xc000_0000n, 0]);
    expect(one('recpx', 0n)).toEqual([0x7f00_0000n, 0]);
  });
  test('FRECPS and FRSQRTS of infinity and zero are 2 and 1.5', () => {
    expect(two('recps', INFINITY, 0n)).toEqual([0x4000_0000n, 0]);
    expect(two('rsqrts', 0n, INFINITY)).toEqual([0x3fc0_0000n, 0]);
  });
});

describe('comparison', () => {
  const compared = (a: bigint, b: bigint, signalling: boolean): [number, number] => {
    const env = { fpcr: 0, fpsr: 0 };
    const nzcv = compare(32, a, b, signalling, env);
    return [nzcv, env.fpsr];
  };
  test('FCMP is Invalid for a signalling NaN, FCMPE for any', () => {
    expect(compared(QUIET, ONE, false)).toEqual([0b0011, 0]);
    expect(compared(QUIET, ONE, true)).toEqual([0b0011, IOC]);
    expect(compared(ONE, SIGNALLING, false)).toEqual([0b0011, IOC]);
  });
  test('less, equal, greater', () => {
    expect(compared(0xff80_0000n, ONE, false)[0]).toBe(0b1000);
    expect(compared(0n, MINUS_ZERO, false)[0]).toBe(0b0110);
    expect(compared(ONE, 0xbf80_0000n, false)[0]).toBe(0b0010);
  });
  test('FCMEQ is quiet, FCMGE is not', () => {
    const env = { fpcr: 0, fpsr: 0 };
    expect(floatTest('eq', 32, QUIET, QUIET, env)).toBe(false);
    expect(env.fpsr).toBe(0);
    expect(floatTest('ge', 32, QUIET, QUIET, env)).toBe(false);
    expect(env.fpsr).toBe(IOC);
  });
});

describe('random numbers against the host, to nearest even', () => {
  const { double, single } = generator(0x5eed);
  const operations = [
    ['add', (a: number, b: number): number => a + b],
    ['sub', (a: number, b: number): number => a - b],
    ['mul', (a: number, b: number): number => a * b],
    ['div', (a: number, b: number): number => a / b],
  ] as const;
  // The sign and payload of a NaN are not the host's business.
  const sameDouble = (ours: bigint, host: number): boolean =>
    Number.isNaN(host) ? Number.isNaN(doubleOf(ours)) : ours === bitsOf64(host);
  const sameSingle = (ours: bigint, host: number): boolean =>
    Number.isNaN(host) ? Number.isNaN(singleOf(ours)) : ours === bitsOf32(host);

  test.each(operations)('%s', (op, host) => {
    for (let i = 0; i < 4000; i++) {
      const [a, b] = [double(), double()];
      const ours = float2(op, 64, a, b, { fpcr: 0, fpsr: 0 });
      expect(sameDouble(ours, host(doubleOf(a), doubleOf(b))), `${a.toString(16)} ${b.toString(16)}`).toBe(
        true,
      );
      const [c, d] = [single(), single()];
      // Double has more than twice the bits of single and two: rounding twice is rounding once.
      const short = float2(op, 32, c, d, { fpcr: 0, fpsr: 0 });
      expect(
        sameSingle(short, Math.fround(host(singleOf(c), singleOf(d)))),
        `${c.toString(16)} ${d.toString(16)}`,
      ).toBe(true);
    }
  });
  test('sqrt', () => {
    for (let i = 0; i < 4000; i++) {
      const a = double();
      const ours = float1('sqrt', 64, a, { fpcr: 0, fpsr: 0 });
      expect(sameDouble(ours, Math.sqrt(doubleOf(a))), a.toString(16)).toBe(true);
    }
  });
  test('a fused multiply-add is exact where the product of two doubles is not', () => {
    const a = bitsOf64(1 + 2 ** -52);
    const squared = bitsOf64((1 + 2 ** -52) ** 2);
    const env = { fpcr: 0, fpsr: 0 };
    expect(doubleOf(float3('nmsub', 64, squared, a, a, env))).toBe(2 ** -104);
    expect(env.fpsr).toBe(0);
  });
});
