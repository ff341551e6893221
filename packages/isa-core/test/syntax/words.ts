// Instruction words to try: any, near those of the table, and of the table.

import { systemRegisters } from '../../src/cpu/sysregs/table.ts';
import { cases, encodeFields, parseEncoding } from '../../src/table/index.ts';
import type { Case, Encoding } from '../../src/table/index.ts';
import { randomFrom } from '../qemu/random.ts';
import type { Random } from '../qemu/random.ts';

const encodings: readonly Encoding[] = cases.map(({ row }) => parseEncoding(row.encoding));

/** Words with all bits random. */
export function anyWords(count: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  return Uint32Array.from({ length: count }, () => random.word());
}

/** For MRS and MSR a register that there is, half of the time. */
function someRegister(encoding: Encoding, random: Random): Readonly<Record<string, number>> {
  const isMove = encoding.fields.some(({ name }) => name === 'o0');
  const { id } = systemRegisters[random.below(2 * systemRegisters.length)] ?? {};
  if (!isMove || id === undefined) return {};
  return { o0: (id >> 14) & 1, op1: (id >> 11) & 7, CRn: (id >> 7) & 15, CRm: (id >> 3) & 15, op2: id & 7 };
}

/** A word with a case's fixed bits and split fields; its other fields are random, and often all zeros or all ones. */
function wordOf({ id, split }: Case, random: Random): number {
  const encoding = encodings[id];
  if (encoding === undefined) throw new RangeError(`case ${String(id)} is not in the table`);
  const fields = Object.fromEntries(
    encoding.fields.map(({ name }) => {
      const kind = random.below(8);
      return [name, kind === 0 ? 0 : kind === 1 ? -1 : random.word()];
    }),
  );
  return encodeFields(encoding, { ...fields, ...someRegister(encoding, random), ...split });
}

/** Words of every case of the table, `each` times. Some of them are unallocated. */
export function tableWords(each: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  return Uint32Array.from({ length: each * cases.length }, (_, i) => {
    const tableCase = cases[i % cases.length];
    return tableCase === undefined ? 0 : wordOf(tableCase, random);
  });
}

/** Words of the table with one to three bits flipped: the borders of the encoding space are near. */
export function nearWords(each: number, seed: number): Uint32Array {
  const random = randomFrom(seed);
  return tableWords(each, seed + 1).map((word) => {
    let near = word;
    for (let flips = 1 + random.below(3); flips > 0; flips--) near ^= 1 << random.below(32);
    return near;
  });
}
