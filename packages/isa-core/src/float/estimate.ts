// Estimates of reciprocals and of reciprocal square roots, 8 bits good (DDI 0487 J1, shared/functions/float: FPRecipEstimate,
// RecipEstimate, FPRSqrtEstimate, RecipSqrtEstimate, UnsignedRecipEstimate, FPRecpX).

import type { FloatEnv, Format } from './format.ts';
import {
  Exception,
  flushToZero,
  infinity,
  invalidOperation,
  isNaNType,
  processNaN,
  raise,
  roundingMode,
  unpack,
  zero,
} from './format.ts';
import { overflow } from './round.ts';

/** RecipEstimate(): 256 to 511 stand for 0.5 to 1.0; so does the result for 1.0 to 2.0. */
const recipEstimate = (a: number): number => Math.trunc((Math.trunc(2 ** 19 / (a * 2 + 1)) + 1) / 2);

/** RecipSqrtEstimate(): 128 to 511 stand for 0.25 to 1.0. */
const recipSqrtEstimate = (a: number): number => {
  const centre = a < 256 ? a * 2 + 1 : (((a >> 1) << 1) + 1) * 2;
  let b = 512;
  while (centre * (b + 1) * (b + 1) < 2 ** 28) b++;
  return Math.trunc((b + 1) / 2);
};

/** The fraction of a number from its leading bit on: below it, normalised, and the exponent field that belongs to it. */
const normalised = (
  f: Format,
  magnitude: bigint,
): { readonly fraction: bigint; readonly exponent: number } => {
  let fraction = magnitude & f.fractionMask;
  let exponent = Number(magnitude >> BigInt(f.fractionBits));
  if (exponent !== 0) return { fraction, exponent };
  for (exponent = 1; fraction >> BigInt(f.fractionBits) === 0n; exponent--) fraction <<= 1n;
  return { fraction: fraction & f.fractionMask, exponent };
};

/** The topmost `bits` bits of a fraction, as a number. */
const topOf = (f: Format, fraction: bigint, bits: number): number =>
  Number(fraction >> BigInt(f.fractionBits - bits));

/** FPRecipEstimate(). */
export const reciprocalEstimate = (f: Format, bits: bigint, env: FloatEnv): bigint => {
  const a = unpack(f, bits, env);
  if (isNaNType(a)) return processNaN(f, a, env);
  if (a.type === 'infinity') return zero(f, a.sign);
  if (a.type === 'zero') {
    raise(env, Exception.divideByZero);
    return infinity(f, a.sign);
  }
  const magnitude = bits & ~f.signBit;
  // Below the quarter of the smallest normal number the reciprocal does not fit.
  if (magnitude < f.quietBit >> 1n) return overflow(f, a.sign, roundingMode(env), env);
  const { fraction, exponent } = normalised(f, magnitude);
  const resultExponent = f.specialExponent - 2 - exponent;
  if (resultExponent <= 0 && f.width !== 16 && flushToZero(env)) {
    raise(env, Exception.underflow);
    return zero(f, a.sign);
  }
  const estimate = BigInt(recipEstimate(256 + topOf(f, fraction, 8)));
  const places = BigInt(f.fractionBits - 8);
  if (resultExponent > 0)
    return (
      zero(f, a.sign) | (BigInt(resultExponent) << BigInt(f.fractionBits)) | ((estimate & 0xffn) << places)
    );
  // The result is denormal: its leading bit is written out.
  return zero(f, a.sign) | ((estimate << places) >> BigInt(1 - resultExponent));
};

/** FPRSqrtEstimate(). */
export const reciprocalRootEstimate = (f: Format, bits: bigint, env: FloatEnv): bigint => {
  const a = unpack(f, bits, env);
  if (isNaNType(a)) return processNaN(f, a, env);
  if (a.type === 'zero') {
    raise(env, Exception.divideByZero);
    return infinity(f, a.sign);
  }
  if (a.sign === 1) return invalidOperation(f, env);
  if (a.type === 'infinity') return zero(f, 0);
  const { fraction, exponent } = normalised(f, bits);
  const scaled = (exponent & 1) === 0 ? 256 + topOf(f, fraction, 8) : 128 + topOf(f, fraction, 7);
  // 44, 380 and 3068 for the three formats: three times the bias, less one.
  const resultExponent = Math.floor((3 * ((f.specialExponent - 1) / 2) - 1 - exponent) / 2);
  const estimate = BigInt(recipSqrtEstimate(scaled)) & 0xffn;
  return (BigInt(resultExponent) << BigInt(f.fractionBits)) | (estimate << BigInt(f.fractionBits - 8));
};

/** FPRecpX(): the exponent inverted, the fraction cleared. */
export const reciprocalExponent = (f: Format, bits: bigint, env: FloatEnv): bigint => {
  const a = unpack(f, bits, env);
  if (isNaNType(a)) return processNaN(f, a, env);
  const exponent = Number((bits & ~f.signBit) >> BigInt(f.fractionBits));
  const inverted = exponent === 0 ? f.specialExponent - 1 : f.specialExponent ^ exponent;
  return zero(f, a.sign) | (BigInt(inverted) << BigInt(f.fractionBits));
};

/** UnsignedRecipEstimate() and UnsignedRSqrtEstimate() of 32 bits: URECPE and URSQRTE. */
export const intEstimate = (op: 'urecpe' | 'ursqrte', a: number): number => {
  const scaled = a >>> 23;
  if (op === 'urecpe') return scaled < 256 ? 0xffff_ffff : (recipEstimate(scaled) << 23) >>> 0;
  return scaled < 128 ? 0xffff_ffff : (recipSqrtEstimate(scaled) << 23) >>> 0;
};
