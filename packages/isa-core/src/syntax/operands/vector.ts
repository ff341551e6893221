// Vector registers with an arrangement, and elements of them (DDI 0487 C1.2.6): `<Vd.4s>` is the field Rd, `<Vd.d[1]>` its
// element 1.

import { at } from '../format.ts';
import type { OperandFormat } from '../format.ts';

/** A register number. */
export const REGISTER_NUMBER = '(?:[12]?\\d|3[01])';

/** `v3.4s`, the register in a field. */
const arranged = (field: string, arrangement: string): OperandFormat => ({
  pattern: `v${REGISTER_NUMBER}\\.${arrangement}`,
  print: (f) => `v${at(f, field)}.${arrangement}`,
  parse: (text) => ({ [field]: Number.parseInt(text.slice(1), 10) }),
});

/** `v3.d[1]`, the register in a field, the element always the same. */
const fixedElement = (field: string, letter: string, index: string): OperandFormat => ({
  pattern: `v${REGISTER_NUMBER}\\.${letter}\\[${index}\\]`,
  print: (f) => `v${at(f, field)}.${letter}[${index}]`,
  parse: (text) => ({ [field]: Number.parseInt(text.slice(1), 10) }),
});

/** The format of a name such as `Vd.4s` or `Vn.d[1]`, or undefined where it is none of these. */
export function vectorFormat(name: string): OperandFormat | undefined {
  const parts = /^V([a-z]\d?)\.(\d+)?([bhsdq])(?:\[(\d+)\])?$/.exec(name);
  if (parts === null) return undefined;
  const [, suffix = '', count, letter = '', index] = parts;
  if (count !== undefined) return arranged(`R${suffix}`, `${count}${letter}`);
  return index === undefined ? undefined : fixedElement(`R${suffix}`, letter, index);
}
