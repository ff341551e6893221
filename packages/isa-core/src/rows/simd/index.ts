import type { AnyRow } from '../../table/row.ts';

/** None yet. */
export const simdRows: readonly AnyRow[] = [];
