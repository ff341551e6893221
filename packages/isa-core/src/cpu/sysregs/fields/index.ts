// The fields of every system register: names, bits, and what each does here. For users who read a register's value, and for the table
// of what is implemented and tested (`docs/coverage.md`).

import { debugFields } from './debug.ts';
import { el1Fields } from './el1.ts';
import { el2Fields } from './el2.ts';
import { identificationFields } from './identification.ts';
import { interruptFields } from './interrupts.ts';
import { parseBlocks } from './notation.ts';
import type { RegisterField } from './notation.ts';

export type { FieldKind, RegisterField } from './notation.ts';

const sources = [el1Fields, el2Fields, identificationFields, debugFields, interruptFields];
const byName: ReadonlyMap<string, readonly RegisterField[]> = new Map(sources.flatMap(parseBlocks));

/** Names with `<n>` and `<m>` for the numbers in them. */
const families: readonly (readonly [RegExp, readonly RegisterField[]])[] = [...byName]
  .filter(([name]) => name.includes('<'))
  .map(([name, fields]) => [new RegExp(`^${name.replace(/<\w>/g, '\\d+')}$`), fields]);

/** The fields of a register, highest bits first, or undefined where no register has the name. Bits without a field are RES0. */
export function registerFields(name: string): readonly RegisterField[] | undefined {
  const found = byName.get(name) ?? families.find(([pattern]) => pattern.test(name))?.[1];
  return found === undefined ? undefined : [...found].sort((a, b) => b.low - a.low);
}

/** A field with its value. */
export interface FieldValue extends RegisterField {
  /** The field's bits, from 0. */
  readonly value: bigint;
}

const valueOf = (value: bigint, { high, low }: { readonly high: number; readonly low: number }): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

/**
 * A register's value, field by field, highest bits first. Bits that no field has and that are set come last, as one field `RES0`
 * whose value is the bits in their places. Undefined where no register has the name.
 *
 * @param name - architectural name, such as `HCR_EL2` or `DBGBCR3_EL1`
 * @param value - the register's 64 bits
 */
export function describeRegister(name: string, value: bigint): readonly FieldValue[] | undefined {
  const fields = registerFields(name);
  if (fields === undefined) return undefined;
  const values = fields.map((field): FieldValue => ({ ...field, value: valueOf(value, field) }));
  const known = values.reduce((sum, field) => sum | (field.value << BigInt(field.low)), 0n);
  const rest = BigInt.asUintN(64, value) & ~known;
  if (rest === 0n) return values;
  return [
    ...values,
    { name: 'RES0', high: 63, low: 0, kind: 'raz', text: 'bits without a field', value: rest },
  ];
}
