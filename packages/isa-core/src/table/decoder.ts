// Which row has an instruction word, with what operands (DDI 0487 C4.1).

import type { Operands } from '../semantics/operands.ts';
import { fieldsOf } from './encoding.ts';
import type { AnyRow } from './row.ts';
import { cases, packSplit, table } from './table.ts';
import type { TableRow } from './table.ts';

/** A decoded instruction. */
export interface Decoded {
  readonly row: AnyRow;
  /** Index in `cases`. */
  readonly caseId: number;
  /** The encoding's fields. */
  readonly fields: Readonly<Record<string, number>>;
  /** What `execute` gets. */
  readonly operands: Operands;
  /** The values of the row's split fields. */
  readonly split: Readonly<Record<string, number>>;
}

/** Bits 31:21 of a word choose the rows that may have it. */
const BUCKET_SHIFT = 21;
const buckets: readonly TableRow[][] = Array.from({ length: 1 << (32 - BUCKET_SHIFT) }, (_, i) => {
  const high = (i << BUCKET_SHIFT) >>> 0;
  const above = (-1 << BUCKET_SHIFT) >>> 0;
  return table.filter(({ encoding }) => ((high ^ encoding.value) & encoding.mask & above) === 0);
});

/** Decodes one word, or returns undefined where the table has no instruction for it (it is UNDEFINED). */
export function decode(word: number): Decoded | undefined {
  for (const entry of buckets[word >>> BUCKET_SHIFT] ?? []) {
    const { encoding, row } = entry;
    if ((word & encoding.mask) >>> 0 !== encoding.value) continue;
    const fields = fieldsOf(encoding, word);
    const caseId = entry.caseIds[packSplit(entry, fields)] ?? -1;
    if (caseId < 0) continue;
    const operands = row.decode(fields) as Operands | undefined;
    if (operands !== undefined) {
      return { row, caseId, fields, operands, split: cases[caseId]?.split ?? {} };
    }
  }
  return undefined;
}
