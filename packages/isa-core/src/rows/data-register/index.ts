// Data processing (register) (DDI 0487 C4.1.5).

import type { AnyRow } from '../../table/row.ts';
import { addSubExtended, addSubShifted, addSubWithCarry } from './add-sub.ts';
import { conditionalRows } from './conditional.ts';
import { logicalShifted } from './logical.ts';
import { multiplyRows } from './multiply.ts';
import { oneSource } from './one-source.ts';
import { twoSource } from './two-source.ts';

/** All of them. */
export const dataRegisterRows: readonly AnyRow[] = [
  logicalShifted,
  addSubShifted,
  addSubExtended,
  addSubWithCarry,
  ...conditionalRows,
  ...oneSource,
  ...twoSource,
  ...multiplyRows,
];
