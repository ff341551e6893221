// Advanced SIMD on integers (DDI 0487 C4.1.94, C4.1.96).

import type { AnyRow } from '../../table/row.ts';

import { copyRows } from './copy.ts';
import { immediateRows } from './immediate.ts';
import { permuteRows } from './permute.ts';
import { shiftImmediateRows } from './shift-immediate.ts';
import { structureRows } from './structures.ts';
import { threeSame } from './three-same.ts';
import { twoRegisters } from './two-registers.ts';

/** All of them. */
export const simdRows: readonly AnyRow[] = [
  ...threeSame,
  ...twoRegisters,
  ...copyRows,
  ...immediateRows,
  ...permuteRows,
  ...shiftImmediateRows,
  ...structureRows,
];
