// The instruction table: all rows, and the cases into which their split fields divide them.

import { branchRows } from '../rows/branch/index.ts';
import { dataImmediateRows } from '../rows/data-immediate/index.ts';
import { dataRegisterRows } from '../rows/data-register/index.ts';
import { floatRows } from '../rows/float/index.ts';
import { memoryRows } from '../rows/memory/index.ts';
import { simdRows } from '../rows/simd/index.ts';
import { simdFloatRows } from '../rows/simd-float/index.ts';
import { systemRows } from '../rows/system/index.ts';
import { parseEncoding } from './encoding.ts';
import type { Encoding } from './encoding.ts';
import type { AnyRow } from './row.ts';

/** All rows. Of two rows that match a word, the first whose `decode` takes it has it. */
export const rows: readonly AnyRow[] = [
  ...dataImmediateRows,
  ...branchRows,
  ...memoryRows,
  ...dataRegisterRows,
  ...systemRows,
  ...floatRows,
  ...simdRows,
  ...simdFloatRows,
];

/** One specialisation of a row: all its split fields have a value. */
export interface Case {
  /** Its number, from 0, in the order of the table. */
  readonly id: number;
  readonly row: AnyRow;
  /** The values of the split fields. */
  readonly split: Readonly<Record<string, number>>;
}

/** A row with what the decoder needs of it. */
export interface TableRow {
  readonly row: AnyRow;
  readonly encoding: Encoding;
  /** Case numbers by the split fields' values, packed lowest field first; -1 where unallocated. */
  readonly caseIds: Int32Array;
  /** The split fields, in the order of packing. */
  readonly split: readonly { readonly name: string; readonly width: number }[];
}

/** The number under which `caseIds` has these values. */
export function packSplit(row: TableRow, values: Readonly<Record<string, number>>): number {
  let packed = 0;
  let shift = 0;
  for (const { name, width } of row.split) {
    packed |= (values[name] ?? 0) << shift;
    shift += width;
  }
  return packed;
}

function enumerate(): { readonly table: readonly TableRow[]; readonly all: readonly Case[] } {
  const all: Case[] = [];
  const table = rows.map((row): TableRow => {
    const encoding = parseEncoding(row.encoding);
    const names: readonly string[] = row.split ?? [];
    const split = names.map((name) => {
      const field = encoding.fields.find((f) => f.name === name);
      if (field === undefined) throw new RangeError(`${row.name}: splits by ${name}, which is no field`);
      return { name, width: field.width };
    });
    const bits = split.reduce((sum, f) => sum + f.width, 0);
    const caseIds = new Int32Array(1 << bits).fill(-1);
    for (let packed = 0; packed < caseIds.length; packed++) {
      const values: Record<string, number> = {};
      let rest = packed;
      for (const { name, width } of split) {
        values[name] = rest & ((1 << width) - 1);
        rest >>>= width;
      }
      if (row.allocated && !row.allocated(values)) continue;
      caseIds[packed] = all.length;
      all.push({ id: all.length, row, split: values });
    }
    return { row, encoding, caseIds, split };
  });
  return { table, all };
}

const made = enumerate();

/** The rows, ready for decoding. */
export const table: readonly TableRow[] = made.table;
/** All cases; a case's `id` is its index. */
export const cases: readonly Case[] = made.all;
