// The three floating-point formats, and numbers taken apart and put together (DDI 0487 J1, shared/functions/float:
// FPUnpack, FPRound, FPProcessNaN). A number is its bits, as an unsigned bigint.

import type { Rounding } from '../semantics/builder.ts';
import type { FloatWidth } from '../semantics/values.ts';

/** What a floating-point operation looks at and what it leaves: FPCR as it is, and FPSR, in which flags accumulate. */
export interface FloatEnv {
  /** FPCR: RMode 23:22, FZ 24, DN 25, AHP 26. The trap enables read as zero. */
  readonly fpcr: number;
  /** FPSR: IOC 0, DZC 1, OFC 2, UFC 3, IXC 4, IDC 7. */
  fpsr: number;
}

/** The cumulative exception bits of FPSR. */
export const Exception = {
  /** IOC. */
  invalid: 0x01,
  /** DZC. */
  divideByZero: 0x02,
  /** OFC. */
  overflow: 0x04,
  /** UFC. */
  underflow: 0x08,
  /** IXC. */
  inexact: 0x10,
  /** IDC. */
  inputDenormal: 0x80,
} as const;

/** FPProcessException(), with all traps disabled. */
export const raise = (env: FloatEnv, exception: number): void => {
  env.fpsr |= exception;
};

/** FPCR.FZ. */
export const flushToZero = (env: FloatEnv): boolean => (env.fpcr & 0x0100_0000) !== 0;
/** FPCR.DN. */
export const defaultNaNs = (env: FloatEnv): boolean => (env.fpcr & 0x0200_0000) !== 0;
/** FPCR.AHP. */
export const alternativeHalf = (env: FloatEnv): boolean => (env.fpcr & 0x0400_0000) !== 0;

/** A rounding mode that is not "as FPCR says". */
export type RoundingMode = Exclude<Rounding, 'fpcr'>;
const byRMode = ['even', 'plus', 'minus', 'zero'] as const;
/** FPRoundingMode(): the mode that FPCR.RMode selects, where the instruction does not name one. */
export const roundingMode = (env: FloatEnv, rounding: Rounding = 'fpcr'): RoundingMode =>
  rounding === 'fpcr' ? (byRMode[(env.fpcr >>> 22) & 3] ?? 'even') : rounding;

/** 0 for plus, 1 for minus. */
export type Sign = 0 | 1;

/** One interchange format. */
export interface Format {
  readonly width: FloatWidth;
  readonly exponentBits: number;
  /** Bits of the fraction field. */
  readonly fractionBits: number;
  /** The exponent of the smallest normal number. */
  readonly minimumExponent: number;
  readonly signBit: bigint;
  readonly fractionMask: bigint;
  /** The exponent field of infinities and NaNs. */
  readonly specialExponent: number;
  /** Plus infinity. */
  readonly infinity: bigint;
  /** The topmost bit of the fraction: set in a quiet NaN. */
  readonly quietBit: bigint;
}

const makeFormat = (width: FloatWidth, exponentBits: number): Format => {
  const fractionBits = width - 1 - exponentBits;
  const specialExponent = 2 ** exponentBits - 1;
  return {
    width,
    exponentBits,
    fractionBits,
    minimumExponent: 2 - 2 ** (exponentBits - 1),
    signBit: 1n << BigInt(width - 1),
    fractionMask: (1n << BigInt(fractionBits)) - 1n,
    specialExponent,
    infinity: BigInt(specialExponent) << BigInt(fractionBits),
    quietBit: 1n << BigInt(fractionBits - 1),
  };
};

const half = makeFormat(16, 5);
const single = makeFormat(32, 8);
const double = makeFormat(64, 11);
/** The format of a width. */
export const formatOf = (width: FloatWidth): Format => (width === 64 ? double : width === 32 ? single : half);

const signed = (f: Format, sign: Sign, magnitude: bigint): bigint =>
  sign === 1 ? f.signBit | magnitude : magnitude;
/** FPZero(). */
export const zero = (f: Format, sign: Sign): bigint => signed(f, sign, 0n);
/** FPInfinity(). */
export const infinity = (f: Format, sign: Sign): bigint => signed(f, sign, f.infinity);
/** FPMaxNormal(). */
export const maxNormal = (f: Format, sign: Sign): bigint => signed(f, sign, f.infinity - 1n);
/** FPDefaultNaN(). */
export const defaultNaN = (f: Format): bigint => f.infinity | f.quietBit;

/** FPNeg(): the sign alone, also of a NaN. */
export const negate = (f: Format, a: bigint): bigint => a ^ f.signBit;
/** FPAbs(). */
export const absolute = (f: Format, a: bigint): bigint => a & ~f.signBit;

/** An exact real number: `mantissa * 2^exponent`, negative where `sign` is 1. */
export interface Real {
  readonly sign: Sign;
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** FPType. */
export type NumberType = 'zero' | 'finite' | 'infinity' | 'quiet' | 'signalling';
/** A number taken apart. The real value is meaningful for `zero` and `finite`. */
export interface Unpacked extends Real {
  readonly type: NumberType;
  readonly bits: bigint;
}

/** True for either kind of NaN. */
export const isNaNType = (u: Unpacked): boolean => u.type === 'quiet' || u.type === 'signalling';

/**
 * FPUnpack(): takes a number apart. Denormals are flushed to zero under FPCR.FZ, with IDC; halves never are (that is FZ16, of
 * FEAT_FP16). `alternative` reads a half by the alternative format, which has neither infinities nor NaNs.
 */
export const unpack = (f: Format, bits: bigint, env: FloatEnv, alternative = false): Unpacked => {
  const sign: Sign = (bits & f.signBit) === 0n ? 0 : 1;
  const fraction = bits & f.fractionMask;
  const field = Number((bits & ~f.signBit) >> BigInt(f.fractionBits));
  if (field === 0) {
    const flushed = fraction !== 0n && f.width !== 16 && flushToZero(env);
    if (flushed) raise(env, Exception.inputDenormal);
    const isZero = flushed || fraction === 0n;
    const exponent = f.minimumExponent - f.fractionBits;
    return { type: isZero ? 'zero' : 'finite', bits, sign, mantissa: isZero ? 0n : fraction, exponent };
  }
  if (field === f.specialExponent && !alternative) {
    const type = fraction === 0n ? 'infinity' : (fraction & f.quietBit) === 0n ? 'signalling' : 'quiet';
    return { type, bits, sign, mantissa: 0n, exponent: 0 };
  }
  const mantissa = fraction | (f.quietBit << 1n);
  return { type: 'finite', bits, sign, mantissa, exponent: field - 1 + f.minimumExponent - f.fractionBits };
};

/** FPProcessNaN(): the quiet form of a NaN, or the default NaN under FPCR.DN; a signalling one is Invalid. */
export const processNaN = (f: Format, u: Unpacked, env: FloatEnv): bigint => {
  if (u.type === 'signalling') raise(env, Exception.invalid);
  return defaultNaNs(env) ? defaultNaN(f) : u.bits | f.quietBit;
};

/**
 * FPProcessNaNs() and FPProcessNaNs3(): the first signalling operand, else the first quiet one; undefined if none is a NaN.
 */
export const processNaNs = (f: Format, operands: readonly Unpacked[], env: FloatEnv): bigint | undefined => {
  const first = operands.find((u) => u.type === 'signalling') ?? operands.find((u) => u.type === 'quiet');
  return first === undefined ? undefined : processNaN(f, first, env);
};

/** The default NaN of an operation that has no result, with Invalid. */
export const invalidOperation = (f: Format, env: FloatEnv): bigint => {
  raise(env, Exception.invalid);
  return defaultNaN(f);
};

/** The number of bits of a positive integer. */
export const bitLength = (n: bigint): number => {
  const digits = n.toString(16);
  return digits.length * 4 - (Math.clz32(Number.parseInt(digits.charAt(0), 16)) - 28);
};
