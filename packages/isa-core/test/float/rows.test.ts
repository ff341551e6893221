// Floating-point instructions, scalar and vector: the assembly in, the registers out.

import { describe, expect, test } from 'vitest';

import { assemble, disassemble } from '../../src/syntax/index.ts';
import { machine } from './machine.ts';
import type { Machine } from './machine.ts';
import { bitsOf32, bitsOf64, DN, FZ, towards } from './numbers.ts';

/** Lanes, lowest first. */
const lanes = (size: number, values: readonly bigint[]): bigint =>
  values.reduce((all, value, i) => all | (value << BigInt(size * i)), 0n);
const singles = (...values: number[]): bigint => lanes(32, values.map(bitsOf32));
const doubles = (...values: number[]): bigint => lanes(64, values.map(bitsOf64));
const words = (...values: number[]): bigint =>
  lanes(
    32,
    values.map((n) => BigInt(n >>> 0)),
  );
const SIGNALLING = 0x7f80_0001n;
const QUIETED = 0x7fc0_0001n;

/** A machine with some vector registers set, after an instruction. */
const after = (
  assembly: string,
  v: readonly bigint[],
  set: (m: Machine) => void = () => undefined,
): Machine => {
  const m = machine();
  v.forEach((value, n) => {
    m.setV(n, value);
  });
  set(m);
  m.run(assembly);
  return m;
};

describe('scalar arithmetic', () => {
  test('a result clears the rest of the register', () => {
    const m = after('fadd s0, s1, s2', [-1n & ((1n << 128n) - 1n), singles(1, 9, 9, 9), singles(2, 9, 9, 9)]);
    expect(m.getV(0)).toBe(singles(3));
  });
  test.each([
    ['fmul d0, d1, d2', 6],
    ['fnmul d0, d1, d2', -6],
    ['fdiv d0, d1, d2', 1.5],
    ['fsub d0, d1, d2', 1],
    ['fmax d0, d1, d2', 3],
    ['fmin d0, d1, d2', 2],
    ['fmadd d0, d1, d2, d3', 16],
    ['fmsub d0, d1, d2, d3', 4],
    ['fnmadd d0, d1, d2, d3', -16],
    ['fnmsub d0, d1, d2, d3', -4],
    ['fneg d0, d1', -3],
    ['fsqrt d0, d4', 3],
    ['frintn d0, d5', 2],
    ['frinta d0, d5', 3],
  ])('%s is %d', (assembly, result) => {
    const m = after(assembly, [0n, doubles(3), doubles(2), doubles(10), doubles(9), doubles(2.5)]);
    expect(m.getV(0)).toBe(doubles(result));
    expect(m.fpsr).toBe(0);
  });
  test('FMOV copies a signalling NaN untouched', () => {
    const m = after('fmov s0, s1', [0n, SIGNALLING]);
    expect([m.getV(0), m.fpsr]).toEqual([SIGNALLING, 0]);
  });
  test('flags add up in FPSR', () => {
    const m = after('fdiv s0, s1, s2', [0n, singles(1), singles(0)]);
    expect(m.fpsr).toBe(0x02);
  });
});

describe('moves', () => {
  test('FMOV of a half of a register keeps the other half', () => {
    const m = after('fmov v0.d[1], x3', [doubles(1, 2)], ({ state }) => {
      state.setX(3, 5n);
    });
    expect(m.getV(0)).toBe((5n << 64n) | bitsOf64(1));
    m.run('fmov x4, v0.d[1]');
    expect(m.state.x(4)).toBe(5n);
  });
  test('FMOV to a W register clears its upper half; from WZR it is zero', () => {
    const m = after('fmov w5, s0', [singles(1)], ({ state }) => {
      state.setX(5, -1n);
    });
    expect(m.state.x(5)).toBe(0x3f80_0000n);
    m.run('fmov s0, wzr');
    expect(m.getV(0)).toBe(0n);
  });
  test('FMOV of an immediate', () => {
    expect(after('fmov d0, #-0.140625', []).getV(0)).toBe(doubles(-0.140625));
    expect(after('fmov s0, #31.0', []).getV(0)).toBe(singles(31));
    expect(after('fmov v0.2s, #1.0', [-1n & ((1n << 128n) - 1n)]).getV(0)).toBe(singles(1, 1));
    expect(after('fmov v0.2d, #2.5', []).getV(0)).toBe(doubles(2.5, 2.5));
  });
  test('FCSEL', () => {
    const z = (m: Machine): void => {
      m.state.nzcv = 0x4000_0000;
    };
    expect(after('fcsel d0, d1, d2, eq', [0n, doubles(1), doubles(2)], z).getV(0)).toBe(doubles(1));
    expect(after('fcsel d0, d1, d2, ne', [0n, doubles(1), doubles(2)], z).getV(0)).toBe(doubles(2));
  });
});

describe('comparison', () => {
  test('FCMP', () => {
    expect(after('fcmp s0, s1', [singles(1), singles(2)]).state.nzcv >>> 28).toBe(0b1000);
    expect(after('fcmp s0, #0.0', [singles(-0)]).state.nzcv >>> 28).toBe(0b0110);
    expect(after('fcmp s0, s1', [singles(NaN), singles(2)]).state.nzcv >>> 28).toBe(0b0011);
  });
  test('FCCMP compares where the condition holds', () => {
    const m = after('fccmp d0, d1, #15, ne', [doubles(2), doubles(1)]);
    expect(m.state.nzcv >>> 28).toBe(0b0010);
  });
  test('FCCMP raises nothing where it does not', () => {
    const m = after('fccmpe s0, s0, #5, eq', [SIGNALLING]);
    expect([m.state.nzcv >>> 28, m.fpsr]).toEqual([5, 0]);
  });
});

describe('conversion', () => {
  test('to integers, saturating', () => {
    const m = after('fcvtzs w0, d0', [doubles(-1e10)]);
    expect([m.state.x(0), m.fpsr]).toEqual([0x8000_0000n, 0x01]);
    m.run('fcvtau x0, d0');
    expect(m.state.x(0)).toBe(0n);
  });
  test('with fraction bits', () => {
    const m = after('fcvtzs x0, s0, #4', [singles(1.5)]);
    expect(m.state.x(0)).toBe(24n);
    m.run('scvtf d1, x0, #64');
    expect(m.getV(1)).toBe(doubles(24 / 2 ** 64));
  });
  test('between formats', () => {
    const m = after('fcvt h0, s1', [0n, singles(1 / 3)]);
    expect([m.getV(0), m.fpsr]).toEqual([0x3555n, 0x10]);
    m.run('fcvt d0, h0');
    expect(m.getV(0)).toBe(doubles(0.333251953125));
  });
  test('FCVTL2 reads the high half, FCVTN2 writes it', () => {
    const m = after('fcvtl2 v1.2d, v0.4s', [singles(1, 2, 3, 4)]);
    expect(m.getV(1)).toBe(doubles(3, 4));
    m.run('fcvtn2 v0.4s, v1.2d');
    expect(m.getV(0)).toBe(singles(1, 2, 3, 4));
    m.run('fcvtn v0.2s, v1.2d');
    expect(m.getV(0)).toBe(singles(3, 4));
  });
  test('FCVTXN rounds to odd', () => {
    const m = after('fcvtxn v0.2s, v1.2d', [0n, doubles(1 + 2 ** -40, 1)]);
    expect([m.getV(0), m.fpsr]).toEqual([lanes(32, [0x3f80_0001n, 0x3f80_0000n]), 0x10]);
  });
  test('vectors of integers and fixed point', () => {
    const m = after('scvtf v0.4s, v1.4s, #1', [0n, words(3, -3, 0, 1)]);
    expect(m.getV(0)).toBe(singles(1.5, -1.5, 0, 0.5));
    m.run('fcvtms v0.4s, v0.4s');
    expect(m.getV(0)).toBe(words(1, -2, 0, 0));
    m.run('ucvtf s0, s0');
    expect(m.getV(0)).toBe(singles(1));
  });
});

describe('vectors', () => {
  const a = singles(1, 2, 3, 4);
  const b = singles(10, 20, 30, 40);
  test('64-bit vectors clear the upper half', () => {
    expect(after('fadd v0.2s, v1.2s, v2.2s', [-1n & ((1n << 128n) - 1n), a, b]).getV(0)).toBe(
      singles(11, 22),
    );
  });
  test('FMLA and FMLS accumulate with one rounding', () => {
    expect(after('fmla v0.4s, v1.4s, v2.4s', [singles(1, 1, 1, 1), a, b]).getV(0)).toBe(
      singles(11, 41, 91, 161),
    );
    const tiny = doubles(1 + 2 ** -52);
    expect(after('fmls d0, d1, v1.d[0]', [doubles((1 + 2 ** -52) ** 2), tiny]).getV(0)).toBe(
      doubles(-(2 ** -104)),
    );
  });
  test('by element', () => {
    expect(after('fmul v0.4s, v1.4s, v2.s[3]', [0n, a, b]).getV(0)).toBe(singles(40, 80, 120, 160));
    expect(after('fmulx s0, s1, v2.s[1]', [0n, singles(Infinity), singles(1, -0)]).getV(0)).toBe(singles(-2));
  });
  test('pairwise', () => {
    expect(after('faddp v0.4s, v1.4s, v2.4s', [0n, a, b]).getV(0)).toBe(singles(3, 7, 30, 70));
    expect(after('faddp v0.2s, v1.2s, v2.2s', [0n, a, b]).getV(0)).toBe(singles(3, 30));
    expect(after('fmaxp d0, v1.2d', [0n, doubles(1, 2)]).getV(0)).toBe(doubles(2));
  });
  test('comparisons are masks', () => {
    const m = after('fcmgt v0.4s, v1.4s, v2.4s', [0n, singles(1, 2, NaN, 0), singles(0, 2, 0, -0)]);
    expect([m.getV(0), m.fpsr]).toEqual([words(-1, 0, 0, 0), 0x01]);
    expect(after('fcmle v0.2s, v1.2s, #0.0', [0n, singles(-1, 1)]).getV(0)).toBe(words(-1, 0));
    expect(after('facge d0, d1, d2', [0n, doubles(-3), doubles(2)]).getV(0)).toBe((1n << 64n) - 1n);
  });
  test('across lanes goes by halves', () => {
    expect(after('fmaxv s0, v1.4s', [0n, a]).getV(0)).toBe(singles(4));
    const nans = lanes(32, [SIGNALLING + 1n, 0x7fc0_0005n, SIGNALLING, 0n]);
    // The first pair gives its signalling NaN quieted, the second too: then the first of two quiet ones.
    expect(after('fminv s0, v1.4s', [0n, nans]).getV(0)).toBe(QUIETED + 1n);
  });
  test('estimates', () => {
    expect(after('urecpe v0.2s, v1.2s', [0n, words(1, 0x8000_0000)]).getV(0)).toBe(words(-1, 0xff80_0000));
    expect(after('frsqrte d0, d1', [0n, doubles(4)]).getV(0)).toBe(0x3fdf_f000_0000_0000n);
  });
  test('FPCR rules vectors as it rules scalars', () => {
    const set = (m: Machine): void => {
      m.fpcr = FZ | DN | towards.plus;
    };
    const m = after(
      'fadd v0.4s, v1.4s, v2.4s',
      [0n, lanes(32, [1n, SIGNALLING, bitsOf32(1)]), singles(0, 1, 2 ** -30)],
      set,
    );
    expect(m.getV(0)).toBe(lanes(32, [0n, 0x7fc0_0000n, 0x3f80_0001n]));
    expect(m.fpsr).toBe(0x91);
  });
});

test.each([
  [0x1e60_1000, 'fmov d0, #2.000000000000000000e+00'],
  [0x1e2c_1000, 'fmov s0, #5.000000000000000000e-01'],
  [0x9eae_0041, 'fmov x1, v2.d[1]'],
  [0x1e60_2028, 'fcmp d1, #0.0'],
  [0x1e62_a420, 'fccmp d1, d2, #0x0, ge'],
  [0x9e42_fc20, 'scvtf d0, x1, #1'],
  [0x4f82_9820, 'fmul v0.4s, v1.4s, v2.s[2]'],
  [0x6f01_f480, 'fmov v0.2d, #1.000000000000000000e+01'],
  [0x6ea0_d820, 'fcmle v0.4s, v1.4s, #0.0'],
  [0x5f7f_e420, 'scvtf d0, d1, #1'],
])('%#x is %s', (word, text) => {
  expect(disassemble(word)).toBe(text);
  expect(assemble(text)).toBe(word);
});
