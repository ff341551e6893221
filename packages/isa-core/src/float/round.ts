// Rounding of an exact real number (DDI 0487 J1, shared/functions/float: FPRound, FPRoundCV, RoundDown and its uses).

import type { FloatEnv, Format, Real, RoundingMode, Sign } from './format.ts';
import {
  bitLength,
  Exception,
  flushToZero,
  infinity,
  maxNormal,
  raise,
  roundingMode,
  zero,
} from './format.ts';

/** The integer part of a magnitude, and how what was cut off compares to one half. */
interface Cut {
  readonly whole: bigint;
  /** `none`: exact; else below, at or above one half. */
  readonly rest: 'none' | 'below' | 'half' | 'above';
}

/** `mantissa * 2^-places`, cut at the point. */
const cutAt = (mantissa: bigint, places: number): Cut => {
  if (places <= 0) return { whole: mantissa << BigInt(-places), rest: 'none' };
  const whole = mantissa >> BigInt(places);
  const rest = mantissa - (whole << BigInt(places));
  if (rest === 0n) return { whole, rest: 'none' };
  const middle = 1n << BigInt(places - 1);
  return { whole, rest: rest < middle ? 'below' : rest === middle ? 'half' : 'above' };
};

/** The magnitude of a cut number after rounding. */
const roundMagnitude = ({ whole, rest }: Cut, sign: Sign, mode: RoundingMode): bigint => {
  if (rest === 'none') return whole;
  switch (mode) {
    case 'even':
      return rest === 'above' || (rest === 'half' && (whole & 1n) === 1n) ? whole + 1n : whole;
    case 'away':
      return rest === 'below' ? whole : whole + 1n;
    case 'plus':
      return sign === 0 ? whole + 1n : whole;
    case 'minus':
      return sign === 1 ? whole + 1n : whole;
    case 'zero':
      return whole;
    case 'odd':
      return whole | 1n;
  }
};

/** True where a number too large for the format becomes infinity, and not the largest number. */
const overflowsToInfinity = (sign: Sign, mode: RoundingMode): boolean =>
  mode === 'even' || mode === 'away' || (mode === 'plus' && sign === 0) || (mode === 'minus' && sign === 1);

/** Overflow: infinity or the largest number, with OFC and IXC. */
export const overflow = (f: Format, sign: Sign, mode: RoundingMode, env: FloatEnv): bigint => {
  raise(env, Exception.overflow | Exception.inexact);
  return overflowsToInfinity(sign, mode) ? infinity(f, sign) : maxNormal(f, sign);
};

/**
 * FPRound(): the number nearest to a real one that is not zero. Whether it is tiny is decided before rounding. Under FPCR.FZ a
 * tiny result is zero with UFC and without IXC. `alternative` rounds to the alternative half format.
 */
export const round = (
  f: Format,
  value: Real,
  env: FloatEnv,
  mode: RoundingMode = roundingMode(env),
  alternative = false,
): bigint => {
  const exponent = bitLength(value.mantissa) - 1 + value.exponent;
  const tiny = exponent < f.minimumExponent;
  if (tiny && f.width !== 16 && flushToZero(env)) {
    raise(env, Exception.underflow);
    return zero(f, value.sign);
  }
  const unit = Math.max(exponent, f.minimumExponent) - f.fractionBits;
  const cut = cutAt(value.mantissa, unit - value.exponent);
  const inexact = cut.rest !== 'none';
  if (tiny && inexact) raise(env, Exception.underflow);
  // The leading bit of a normal number adds one to the exponent field, and so does a carry out of the fraction.
  const lessOne = tiny ? 0 : exponent - f.minimumExponent;
  const magnitude = (BigInt(lessOne) << BigInt(f.fractionBits)) + roundMagnitude(cut, value.sign, mode);
  if (alternative) {
    if (magnitude >= f.signBit) {
      raise(env, Exception.invalid);
      return zero(f, value.sign) | (f.signBit - 1n);
    }
  } else if (magnitude >= f.infinity) return overflow(f, value.sign, mode, env);
  if (inexact) raise(env, Exception.inexact);
  return zero(f, value.sign) | magnitude;
};

/** The integer nearest to a real number, and whether it is that number. */
export const roundToInteger = (
  value: Real,
  mode: RoundingMode,
): { readonly integer: bigint; readonly exact: boolean } => {
  const cut = cutAt(value.mantissa, -value.exponent);
  const magnitude = roundMagnitude(cut, value.sign, mode);
  return { integer: value.sign === 1 ? -magnitude : magnitude, exact: cut.rest === 'none' };
};
