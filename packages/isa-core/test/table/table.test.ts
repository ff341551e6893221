// The table is well formed: unique names, encodings of 32 bits, cases in order, and no word that belongs to two rows.

import { describe, expect, it } from 'vitest';

import { disassemble } from '../../src/syntax/index.ts';
import { decode, encodeFields, fieldsOf, parseEncoding, rows, cases } from '../../src/table/index.ts';
import { anyWords, nearWords, tableWords } from '../syntax/words.ts';

const parsed = rows.map((row) => ({ row, encoding: parseEncoding(row.encoding) }));

/** Rows for whatever is left of their space: before them stand rows for some of it. */
const general: ReadonlySet<string> = new Set(['HINT', 'SYS', 'MRS', 'MSR (register)']);

/** The names of all rows that accept a word. */
function accepting(word: number): string[] {
  return parsed.flatMap(({ row, encoding }) => {
    if ((word & encoding.mask) >>> 0 !== encoding.value) return [];
    const fields = fieldsOf(encoding, word);
    const isAllocated = row.allocated?.(fields) !== false;
    return isAllocated && row.decode(fields) !== undefined ? [row.name] : [];
  });
}

describe('parseEncoding', () => {
  it('reads fixed bits, fields and bits that do not matter', () => {
    const encoding = parseEncoding('sf 10 x 0000 imm12:12 1111 Rn:4 Rd:4');
    expect(encoding.mask).toBe(0x6f00_0f00);
    expect(encoding.value).toBe(0x4000_0f00);
    expect(encoding.fields).toEqual([
      { name: 'sf', lsb: 31, width: 1 },
      { name: 'imm12', lsb: 12, width: 12 },
      { name: 'Rn', lsb: 4, width: 4 },
      { name: 'Rd', lsb: 0, width: 4 },
    ]);
    const fields = { sf: 1, imm12: 0xabc, Rn: 5, Rd: 9 };
    expect(encodeFields(encoding, fields)).toBe(0xc0ab_cf59);
    expect(fieldsOf(encoding, 0xd0ab_cf59)).toEqual(fields);
  });

  it('refuses another number of bits than 32, and a field that stands twice', () => {
    expect(() => parseEncoding('sf 10 Rd:5')).toThrow('has 8 bits');
    expect(() => parseEncoding('sf imm31:31 Rd:5')).toThrow('has 37 bits');
    expect(() => parseEncoding('Rd:16 Rd:16')).toThrow('field Rd stands twice');
  });
});

describe('the table', () => {
  it('has rows with unique names', () => {
    const names = rows.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it('numbers the cases in the order of the rows', () => {
    expect(cases.map(({ id }) => id)).toEqual(cases.map((_, i) => i));
    const order = cases.map(({ row }) => rows.indexOf(row));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    expect(new Set(order).size).toBe(rows.length);
  });

  it('has no case twice', () => {
    const keys = cases.map(({ row, split }) => `${row.name} ${JSON.stringify(split)}`);
    expect(new Set(keys).size).toBe(cases.length);
  });

  it('has no case that no word belongs to', () => {
    const met = new Set([...tableWords(200, 3)].map((word) => decode(word)?.caseId));
    expect(cases.filter(({ id }) => !met.has(id)).map(({ row, split }) => [row.name, split])).toEqual([]);
  });

  it('has no word that two rows accept, but for the general rows, which come last', () => {
    const words = [...anyWords(20_000, 4), ...tableWords(8, 5), ...nearWords(8, 6)];
    const wrong = words.flatMap((word) => {
      const names = accepting(word);
      const special = names.filter((name) => !general.has(name));
      const name: string | undefined = decode(word)?.row.name;
      const isRight = special.length <= 1 && names.length - special.length <= 1 && name === names[0];
      return isRight ? [] : [`${word.toString(16)}: ${names.join(' and ')}, decoded as ${name ?? 'none'}`];
    });
    expect(wrong).toEqual([]);
  });

  it('gives the fields and the split of the case', () => {
    for (const word of tableWords(4, 7)) {
      const decoded = decode(word);
      if (decoded === undefined) continue;
      const tableCase = cases[decoded.caseId];
      expect(tableCase?.row).toBe(decoded.row);
      for (const [name, value] of Object.entries(decoded.split)) expect(decoded.fields[name]).toBe(value);
      const encoding = parseEncoding(decoded.row.encoding);
      const again = encodeFields(encoding, decoded.fields);
      expect((again ^ word) & encoding.mask).toBe(0);
      expect(fieldsOf(encoding, again)).toEqual(decoded.fields);
    }
  });

  it('has text for what it decodes, but where binutils has none either', () => {
    const printed = new Set<string>();
    const silent = new Set<string>();
    for (const word of [...tableWords(100, 8), ...anyWords(50_000, 9)]) {
      const name: string | undefined = decode(word)?.row.name;
      if (name !== undefined) (disassemble(word) === undefined ? silent : printed).add(name);
    }
    expect(rows.map(({ name }) => name).filter((name) => !printed.has(name))).toEqual([]);
    // Should-be-one bits of LDAR that are zeros, and LDPSW with registers that leave its result open: both rows say when.
    expect([...silent].toSorted()).toEqual(['LDAR, STLR', 'Load/store register pair']);
  });
});
