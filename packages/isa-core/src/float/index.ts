// Floating point on bits, exactly as the Arm ARM's pseudocode has it (DDI 0487 J1, shared/functions/float), in plain BigInt:
// what the reference engine computes with, and what others fall back on.

import type { Float1 } from '../semantics/builder.ts';
import type { FloatWidth } from '../semantics/values.ts';
import { squareRoot } from './arithmetic.ts';
import { reciprocalEstimate, reciprocalExponent, reciprocalRootEstimate } from './estimate.ts';
import type { FloatEnv } from './format.ts';
import { absolute, formatOf, negate } from './format.ts';

export { float2, float3 } from './arithmetic.ts';
export { compare, test } from './compare.ts';
export { convert, fromInt, roundToIntegral, toInt } from './convert.ts';
export { intEstimate } from './estimate.ts';
export type { FloatEnv } from './format.ts';

/** An operation on one number under FPCR, into FPSR. `a` is its bits. */
export const float1 = (op: Float1, width: FloatWidth, a: bigint, env: FloatEnv): bigint => {
  const f = formatOf(width);
  switch (op) {
    case 'neg':
      return negate(f, a);
    case 'abs':
      return absolute(f, a);
    case 'sqrt':
      return squareRoot(f, a, env);
    case 'recpe':
      return reciprocalEstimate(f, a, env);
    case 'rsqrte':
      return reciprocalRootEstimate(f, a, env);
    case 'recpx':
      return reciprocalExponent(f, a, env);
  }
};
