// All floating-point rows of Advanced SIMD in Armv8.0-A (DDI 0487 C4.1.96), vector and scalar forms.

import type { AnyRow } from '../../table/row.ts';
import { simdFloatAcross } from './across.ts';
import { simdFloatByElement } from './by-element.ts';
import { simdFloatConversions } from './convert.ts';
import { simdFloatImmediate } from './immediate.ts';
import { simdFloatThreeSame } from './three-same.ts';
import { simdFloatTwoRegisters } from './two-registers.ts';

/** The floating-point rows of Advanced SIMD. */
export const simdFloatRows: readonly AnyRow[] = [
  ...simdFloatThreeSame,
  ...simdFloatByElement,
  ...simdFloatTwoRegisters,
  ...simdFloatConversions,
  ...simdFloatAcross,
  ...simdFloatImmediate,
];
