// Comparisons of floating-point numbers (DDI 0487 J1, shared/functions/float: FPCompare, FPCompareEQ, FPCompareGE, FPCompareGT).

import type { FloatWidth } from '../semantics/values.ts';
import { order } from './arithmetic.ts';
import type { FloatEnv } from './format.ts';
import { Exception, formatOf, isNaNType, raise, unpack } from './format.ts';

/** Negative, zero or positive; undefined if unordered. Invalid for a signalling NaN, and for any if `signalling`. */
const compareNumbers = (
  width: FloatWidth,
  a: bigint,
  b: bigint,
  signalling: boolean,
  env: FloatEnv,
): number | undefined => {
  const f = formatOf(width);
  const first = unpack(f, a, env);
  const second = unpack(f, b, env);
  if (!isNaNType(first) && !isNaNType(second)) return order(f, first, second);
  if (signalling || first.type === 'signalling' || second.type === 'signalling')
    raise(env, Exception.invalid);
  return undefined;
};

/** FCMP and FCMPE: NZCV with N in bit 3. */
export const compare = (
  width: FloatWidth,
  a: bigint,
  b: bigint,
  signalling: boolean,
  env: FloatEnv,
): number => {
  const ordering = compareNumbers(width, a, b, signalling, env);
  if (ordering === undefined) return 0b0011;
  return ordering < 0 ? 0b1000 : ordering === 0 ? 0b0110 : 0b0010;
};

/** FCMEQ, which is quiet, and FCMGE and FCMGT, which are signalling. */
export const test = (
  op: 'eq' | 'ge' | 'gt',
  width: FloatWidth,
  a: bigint,
  b: bigint,
  env: FloatEnv,
): boolean => {
  const ordering = compareNumbers(width, a, b, op !== 'eq', env);
  if (ordering === undefined) return false;
  return op === 'eq' ? ordering === 0 : op === 'ge' ? ordering >= 0 : ordering > 0;
};
