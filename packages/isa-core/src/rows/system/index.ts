// System instructions: exceptions, hints, barriers, system registers, maintenance.

import type { AnyRow } from '../../table/row.ts';
import { exceptionRows } from './exceptions.ts';
import { hintRows } from './hints.ts';
import { moveRows } from './moves.ts';
import { pstateRows } from './pstate.ts';
import { sysRows } from './sys.ts';

/** All of them. */
export const systemRows: readonly AnyRow[] = [
  ...exceptionRows,
  ...hintRows,
  ...pstateRows,
  ...sysRows,
  ...moveRows,
];
