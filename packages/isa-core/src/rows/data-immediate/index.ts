// Data processing (immediate) (DDI 0487 C4.1.2).

import type { AnyRow } from '../../table/row.ts';
import { arithmeticImmediate, pcRelative } from './arithmetic.ts';
import { bitfieldRows } from './bitfield.ts';
import { logicalImmediate } from './logical.ts';
import { moveWide } from './move-wide.ts';

/** All of them. */
export const dataImmediateRows: readonly AnyRow[] = [
  ...pcRelative,
  ...arithmeticImmediate,
  logicalImmediate,
  ...moveWide,
  ...bitfieldRows,
];
