// All scalar floating-point rows of Armv8.0-A (DDI 0487 C4.1.96, Data Processing -- Scalar Floating-Point and Advanced SIMD).

import type { AnyRow } from '../../table/row.ts';
import { floatArithmetic } from './arithmetic.ts';
import { floatComparison } from './compare.ts';
import { floatConversions } from './convert.ts';
import { floatMoves } from './move.ts';

/** The scalar floating-point rows. */
export const floatRows: readonly AnyRow[] = [
  ...floatArithmetic,
  ...floatComparison,
  ...floatConversions,
  ...floatMoves,
];
