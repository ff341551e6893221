import type { AnyRow } from '../../table/row.ts';

/** None yet. */
export const branchRows: readonly AnyRow[] = [];
