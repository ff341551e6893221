// Loads and stores of Armv8.0-A, but those of vector structures (`simd`).

import type { AnyRow } from '../../table/row.ts';
import { exclusiveRows } from './exclusive.ts';
import { immediateRows } from './immediate.ts';
import { literalRows } from './literal.ts';
import { pairRows } from './pair.ts';
import { prefetchRows } from './prefetch.ts';
import { registerOffsetRows } from './register-offset.ts';

/** All of them. */
export const memoryRows: readonly AnyRow[] = [
  ...immediateRows,
  ...registerOffsetRows,
  ...literalRows,
  ...pairRows,
  ...exclusiveRows,
  ...prefetchRows,
];
