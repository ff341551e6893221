// Advanced SIMD on integers, and the Cryptographic Extension (DDI 0487 C4.1.94, C4.1.96).

import type { AnyRow } from '../../table/row.ts';
import { byElement } from './by-element.ts';
import { copyRows } from './copy.ts';
import { aesRows } from './crypto-aes.ts';
import { polynomialRows } from './crypto-polynomial.ts';
import { shaRows } from './crypto-sha.ts';
import { immediateRows } from './immediate.ts';
import { narrowingRows } from './narrowing.ts';
import { permuteRows } from './permute.ts';
import { saturatingRows } from './saturating.ts';
import { shiftImmediateRows } from './shift-immediate.ts';
import { shiftSaturatingRows } from './shift-saturating.ts';
import { structureRows } from './structures.ts';
import { threeDifferent } from './three-different.ts';
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
  ...saturatingRows,
  ...threeDifferent,
  ...byElement,
  ...narrowingRows,
  ...shiftSaturatingRows,
  ...aesRows,
  ...shaRows,
  ...polynomialRows,
];
