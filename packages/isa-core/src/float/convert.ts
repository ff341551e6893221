// Conversions between floating-point formats and to and from integers (DDI 0487 J1, shared/functions/float: FPConvert,
// FPToFixed, FixedToFP, FPRoundInt).

import type { Rounding } from '../semantics/builder.ts';
import type { FloatWidth, Width } from '../semantics/values.ts';
import type { FloatEnv, Format, Unpacked } from './format.ts';
import {
  alternativeHalf,
  defaultNaN,
  defaultNaNs,
  Exception,
  formatOf,
  infinity,
  isNaNType,
  processNaN,
  raise,
  roundingMode,
  unpack,
  zero,
} from './format.ts';
import { round, roundToInteger } from './round.ts';

/**
 * To a fixed-point number of `intWidth` bits with `fraction` fraction bits, saturating. The result is unsigned bits. A NaN is
 * zero. What does not fit, and a NaN, is Invalid; what is not exact is Inexact.
 */
export const toInt = (
  width: FloatWidth,
  bits: bigint,
  intWidth: Width,
  signed: boolean,
  rounding: Rounding,
  fraction: number,
  env: FloatEnv,
): bigint => {
  const a = unpack(formatOf(width), bits, env);
  if (isNaNType(a)) {
    raise(env, Exception.invalid);
    return 0n;
  }
  const most = (1n << BigInt(signed ? intWidth - 1 : intWidth)) - 1n;
  const least = signed ? -most - 1n : 0n;
  if (a.type === 'infinity') {
    raise(env, Exception.invalid);
    return BigInt.asUintN(intWidth, a.sign === 1 ? least : most);
  }
  const scaled = { sign: a.sign, mantissa: a.mantissa, exponent: a.exponent + fraction };
  const { integer, exact } = roundToInteger(scaled, roundingMode(env, rounding));
  if (integer > most || integer < least) {
    raise(env, Exception.invalid);
    return BigInt.asUintN(intWidth, integer > most ? most : least);
  }
  if (!exact) raise(env, Exception.inexact);
  return BigInt.asUintN(intWidth, integer);
};

/** From a fixed-point number of `intWidth` bits with `fraction` fraction bits, rounded as FPCR says. */
export const fromInt = (
  intWidth: Width,
  value: bigint,
  width: FloatWidth,
  signed: boolean,
  fraction: number,
  env: FloatEnv,
): bigint => {
  const integer = signed ? BigInt.asIntN(intWidth, value) : BigInt.asUintN(intWidth, value);
  const f = formatOf(width);
  if (integer === 0n) return zero(f, 0);
  const negative = integer < 0n;
  return round(
    f,
    { sign: negative ? 1 : 0, mantissa: negative ? -integer : integer, exponent: -fraction },
    env,
  );
};

/** FPRoundInt(): to an integer in the same format. `exact` raises Inexact if it is another number (FRINTX). */
export const roundToIntegral = (
  width: FloatWidth,
  bits: bigint,
  rounding: Rounding,
  exact: boolean,
  env: FloatEnv,
): bigint => {
  const f = formatOf(width);
  const a = unpack(f, bits, env);
  if (isNaNType(a)) return processNaN(f, a, env);
  if (a.type === 'infinity') return infinity(f, a.sign);
  if (a.type === 'zero') return zero(f, a.sign);
  const result = roundToInteger(a, roundingMode(env, rounding));
  if (exact && !result.exact) raise(env, Exception.inexact);
  if (result.integer === 0n) return zero(f, a.sign);
  const mantissa = result.integer < 0n ? -result.integer : result.integer;
  return round(f, { sign: a.sign, mantissa, exponent: 0 }, env, 'zero');
};

/** FPConvertNaN(): the quiet NaN of the other format with the topmost bits of the fraction. */
const convertNaN = (from: Format, to: Format, a: Unpacked): bigint => {
  const fraction = a.bits & from.fractionMask;
  const moved =
    from.fractionBits > to.fractionBits
      ? fraction >> BigInt(from.fractionBits - to.fractionBits)
      : fraction << BigInt(to.fractionBits - from.fractionBits);
  return infinity(to, a.sign) | to.quietBit | moved;
};

/** FPConvert(): between half, single and double; halves by FPCR.AHP, and never flushed. */
export const convert = (
  fromWidth: FloatWidth,
  toWidth: FloatWidth,
  bits: bigint,
  rounding: Rounding,
  env: FloatEnv,
): bigint => {
  const from = formatOf(fromWidth);
  const to = formatOf(toWidth);
  const a = unpack(from, bits, env, fromWidth === 16 && alternativeHalf(env));
  const alternative = toWidth === 16 && alternativeHalf(env);
  if (isNaNType(a)) {
    if (a.type === 'signalling' || alternative) raise(env, Exception.invalid);
    if (alternative) return zero(to, a.sign);
    return defaultNaNs(env) ? defaultNaN(to) : convertNaN(from, to, a);
  }
  if (a.type === 'infinity') {
    if (!alternative) return infinity(to, a.sign);
    raise(env, Exception.invalid);
    return zero(to, a.sign) | (to.signBit - 1n);
  }
  if (a.type === 'zero') return zero(to, a.sign);
  return round(to, a, env, roundingMode(env, rounding), alternative);
};
