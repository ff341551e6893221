// Arithmetic on floating-point bits (DDI 0487 J1, shared/functions/float: FPAdd, FPMul, FPDiv, FPSqrt, FPMulAdd, FPMax …).

import type { Float2, Float3 } from '../semantics/builder.ts';
import type { FloatWidth } from '../semantics/values.ts';
import type { FloatEnv, Format, Real, Sign, Unpacked } from './format.ts';
import {
  absolute,
  bitLength,
  Exception,
  formatOf,
  infinity,
  invalidOperation,
  negate,
  processNaN,
  processNaNs,
  raise,
  roundingMode,
  unpack,
  zero,
} from './format.ts';
import { round } from './round.ts';

const xor = (a: Sign, b: Sign): Sign => (a === b ? 0 : 1);
const opposite = (a: Sign): Sign => (a === 0 ? 1 : 0);
const withSign = (r: Real): bigint => (r.sign === 1 ? -r.mantissa : r.mantissa);

const addReal = (a: Real, b: Real): Real => {
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = (withSign(a) << BigInt(a.exponent - exponent)) + (withSign(b) << BigInt(b.exponent - exponent));
  return sum < 0n ? { sign: 1, mantissa: -sum, exponent } : { sign: 0, mantissa: sum, exponent };
};

const multiplyReal = (a: Real, b: Real): Real => ({
  sign: xor(a.sign, b.sign),
  mantissa: a.mantissa * b.mantissa,
  exponent: a.exponent + b.exponent,
});

/** Rounds a sum: the sign of an exact zero depends on the rounding mode. */
const roundSum = (f: Format, value: Real, env: FloatEnv): bigint =>
  value.mantissa === 0n ? zero(f, roundingMode(env) === 'minus' ? 1 : 0) : round(f, value, env);

/** The sum of two that are not NaNs. */
const sum = (f: Format, a: Unpacked, b: Unpacked, env: FloatEnv): bigint => {
  if (a.type === 'infinity' && b.type === 'infinity' && a.sign !== b.sign) return invalidOperation(f, env);
  if (a.type === 'infinity') return infinity(f, a.sign);
  if (b.type === 'infinity') return infinity(f, b.sign);
  if (a.type === 'zero' && b.type === 'zero' && a.sign === b.sign) return zero(f, a.sign);
  return roundSum(f, addReal(a, b), env);
};

/** Infinity times zero, either way round. */
const isInfinityTimesZero = (a: Unpacked, b: Unpacked): boolean =>
  (a.type === 'infinity' && b.type === 'zero') || (a.type === 'zero' && b.type === 'infinity');

/** The product of two that are not NaNs and not infinity and zero. */
const product = (f: Format, a: Unpacked, b: Unpacked, env: FloatEnv): bigint => {
  const sign = xor(a.sign, b.sign);
  if (a.type === 'infinity' || b.type === 'infinity') return infinity(f, sign);
  if (a.type === 'zero' || b.type === 'zero') return zero(f, sign);
  return round(f, multiplyReal(a, b), env);
};

const divide = (f: Format, a: Unpacked, b: Unpacked, env: FloatEnv): bigint => {
  const sign = xor(a.sign, b.sign);
  if (a.type === b.type && a.type !== 'finite') return invalidOperation(f, env);
  if (a.type === 'infinity') return infinity(f, sign);
  if (b.type === 'zero') {
    raise(env, Exception.divideByZero);
    return infinity(f, sign);
  }
  if (a.type === 'zero' || b.type === 'infinity') return zero(f, sign);
  // Two bits more than the fraction, and one that says whether anything is left: rounding is then exact.
  const more = f.fractionBits + 2 + Math.max(0, bitLength(b.mantissa) - bitLength(a.mantissa) + 1);
  const dividend = a.mantissa << BigInt(more);
  const quotient = dividend / b.mantissa;
  const left = quotient * b.mantissa === dividend ? 0n : 1n;
  return round(
    f,
    { sign, mantissa: (quotient << 1n) | left, exponent: a.exponent - b.exponent - more - 1 },
    env,
  );
};

/** The whole part of a square root, by Newton's method from above. */
const wholeSquareRoot = (n: bigint): bigint => {
  let root = 1n << BigInt(Math.ceil(bitLength(n) / 2));
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
};

/** FPSqrt(). */
export const squareRoot = (f: Format, bits: bigint, env: FloatEnv): bigint => {
  const a = unpack(f, bits, env);
  if (a.type === 'quiet' || a.type === 'signalling') return processNaN(f, a, env);
  if (a.type === 'zero') return zero(f, a.sign);
  if (a.sign === 1) return invalidOperation(f, env);
  if (a.type === 'infinity') return infinity(f, 0);
  const more = 2 * (f.fractionBits + 2) + (a.exponent & 1);
  const radicand = a.mantissa << BigInt(more);
  const root = wholeSquareRoot(radicand);
  const left = root * root === radicand ? 0n : 1n;
  return round(f, { sign: 0, mantissa: (root << 1n) | left, exponent: (a.exponent - more) / 2 - 1 }, env);
};

/** Orders two numbers that are not NaNs: negative, zero or positive. Infinities are as their bits say. */
export const order = (f: Format, a: Unpacked, b: Unpacked): number => {
  const rank = (u: Unpacked): bigint => {
    const magnitude = u.type === 'zero' ? 0n : absolute(f, u.bits);
    return u.sign === 1 ? -magnitude : magnitude;
  };
  const difference = rank(a) - rank(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/** FPMax() and FPMin() of two that are not NaNs; of two zeros, the maximum is minus if both are, the minimum if one is. */
const extreme = (f: Format, a: Unpacked, b: Unpacked, greatest: boolean): bigint => {
  const takesFirst = greatest ? order(f, a, b) > 0 : order(f, a, b) < 0;
  const chosen = takesFirst ? a : b;
  if (chosen.type !== 'zero') return chosen.bits;
  const minus = greatest ? a.sign === 1 && b.sign === 1 : a.sign === 1 || b.sign === 1;
  return zero(f, minus ? 1 : 0);
};

/** FPMaxNum() and FPMinNum(): one quiet NaN against a number gives the number. */
const extremeNumber = (f: Format, a: Unpacked, b: Unpacked, greatest: boolean, env: FloatEnv): bigint => {
  const least: Unpacked = unpack(f, infinity(f, greatest ? 1 : 0), env);
  const first = a.type === 'quiet' && b.type !== 'quiet' ? least : a;
  const second = b.type === 'quiet' && a.type !== 'quiet' ? least : b;
  return processNaNs(f, [first, second], env) ?? extreme(f, first, second, greatest);
};

const constant = (mantissa: bigint, exponent: number, sign: Sign = 0): Real => ({ sign, mantissa, exponent });

/** FPRecipStepFused() is 2 - a*b, FPRSqrtStepFused() (3 - a*b) / 2; `a` comes negated. */
const step = (f: Format, a: Unpacked, b: Unpacked, reciprocal: boolean, env: FloatEnv): bigint => {
  if (isInfinityTimesZero(a, b)) return round(f, reciprocal ? constant(2n, 0) : constant(3n, -1), env);
  if (a.type === 'infinity' || b.type === 'infinity') return infinity(f, xor(a.sign, b.sign));
  const value = addReal(constant(reciprocal ? 2n : 3n, 0), multiplyReal(a, b));
  return roundSum(f, reciprocal ? value : { ...value, exponent: value.exponent - 1 }, env);
};

/** The operations of `Float2` on two numbers that are not NaNs. */
const ofNumbers = (op: Float2, f: Format, a: Unpacked, b: Unpacked, env: FloatEnv): bigint => {
  switch (op) {
    case 'add':
      return sum(f, a, b, env);
    case 'sub':
    case 'abd':
      return sum(f, a, { ...b, sign: opposite(b.sign) }, env);
    case 'mul':
    case 'nmul':
      return isInfinityTimesZero(a, b) ? invalidOperation(f, env) : product(f, a, b, env);
    case 'mulx':
      return isInfinityTimesZero(a, b)
        ? round(f, constant(2n, 0, xor(a.sign, b.sign)), env)
        : product(f, a, b, env);
    case 'div':
      return divide(f, a, b, env);
    case 'max':
    case 'maxnm':
      return extreme(f, a, b, true);
    case 'min':
    case 'minnm':
      return extreme(f, a, b, false);
    case 'recps':
      return step(f, a, b, true, env);
    case 'rsqrts':
      return step(f, a, b, false, env);
  }
};

/** An operation on two numbers under FPCR, into FPSR. `a` and `b` are the bits of the operands, in the instruction's order. */
export const float2 = (op: Float2, width: FloatWidth, a: bigint, b: bigint, env: FloatEnv): bigint => {
  const f = formatOf(width);
  const isStep = op === 'recps' || op === 'rsqrts';
  const first = unpack(f, isStep ? negate(f, a) : a, env);
  const second = unpack(f, b, env);
  if (op === 'maxnm' || op === 'minnm') return extremeNumber(f, first, second, op === 'maxnm', env);
  const result = processNaNs(f, [first, second], env) ?? ofNumbers(op, f, first, second, env);
  return op === 'nmul' ? negate(f, result) : op === 'abd' ? absolute(f, result) : result;
};

/** FPMulAdd(): `addend + n * m` with one rounding. */
const multiplyAdd = (f: Format, addend: bigint, n: bigint, m: bigint, env: FloatEnv): bigint => {
  const a = unpack(f, addend, env);
  const b = unpack(f, n, env);
  const c = unpack(f, m, env);
  const nan = processNaNs(f, [a, b, c], env);
  // An invalid product wins over a quiet NaN that would be added to it.
  if (isInfinityTimesZero(b, c) && a.type !== 'signalling') return invalidOperation(f, env);
  if (nan !== undefined) return nan;
  const signOfProduct = xor(b.sign, c.sign);
  const infiniteProduct = b.type === 'infinity' || c.type === 'infinity';
  if (a.type === 'infinity' && infiniteProduct && a.sign !== signOfProduct) return invalidOperation(f, env);
  if (a.type === 'infinity') return infinity(f, a.sign);
  if (infiniteProduct) return infinity(f, signOfProduct);
  const zeroProduct = b.type === 'zero' || c.type === 'zero';
  if (a.type === 'zero' && zeroProduct && a.sign === signOfProduct) return zero(f, a.sign);
  return roundSum(f, addReal(a, multiplyReal(b, c)), env);
};

/** Fused multiply-add in its four forms: FMADD, FMSUB, FNMADD, FNMSUB negate the addend or `n`, NaNs too. */
export const float3 = (
  op: Float3,
  width: FloatWidth,
  addend: bigint,
  n: bigint,
  m: bigint,
  env: FloatEnv,
): bigint => {
  const f = formatOf(width);
  const negatesAddend = op === 'nmadd' || op === 'nmsub';
  const negatesProduct = op === 'msub' || op === 'nmadd';
  return multiplyAdd(
    f,
    negatesAddend ? negate(f, addend) : addend,
    negatesProduct ? negate(f, n) : n,
    m,
    env,
  );
};
