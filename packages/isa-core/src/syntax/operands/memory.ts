// Operands of loads and stores (DDI 0487 C1.3.3, as binutils prints them). A name with `v` scales by a vector's size; one with `opt`
// prints nothing for an offset of zero.

import { at, NUMBER, numberOf, signedImmediate } from '../format.ts';
import type { FieldValues, OperandFormat } from '../format.ts';

type Scale = (f: FieldValues) => number;
/** log2 of the bytes that move. */
const intScale: Scale = (f) => at(f, 'size');
const vectorScale: Scale = (f) => (at(f, 'opc') >= 2 ? 4 : at(f, 'size'));
const eight: Scale = () => 3;
const pairScale: Scale = (f) => (at(f, 'opc') === 2 ? 3 : 2);
const vectorPairScale: Scale = (f) => 2 + at(f, 'opc');

/** The form's `set` fixes size and opc, so that parsing knows the scale. */
const scaled = (format: (units: number) => OperandFormat, scale: Scale): OperandFormat => ({
  pattern: NUMBER,
  print: (f, pc) => format(2 ** scale(f)).print(f, pc),
  parse: (text, pc, known) => format(2 ** scale(known)).parse(text, pc, known),
});

/** The same, silent where the field is zero. */
const optional = (field: string, format: OperandFormat): OperandFormat => ({
  ...format,
  print: (f, pc) => (at(f, field) === 0 ? undefined : format.print(f, pc)),
});

const unsigned12 = (units: number): OperandFormat => ({
  pattern: NUMBER,
  print: (f) => `#${String(at(f, 'imm12') * units)}`,
  parse(text) {
    const n = Number(numberOf(text)) / units;
    return Number.isInteger(n) && n >= 0 && n < 4096 ? { imm12: n } : undefined;
  },
});
const signed7 = (units: number): OperandFormat => signedImmediate('imm7', 7, units);
const simm9 = signedImmediate('imm9', 9);

const EXTENDS = [undefined, undefined, 'uxtw', 'lsl', undefined, undefined, 'sxtw', 'sxtx'] as const;

/** `x2`, `x2, lsl #3`, `w2, sxtw`: option and S. */
const index = (scale: Scale): OperandFormat => ({
  pattern: `[xw](?:[12]?\\d|30|zr)(?:,(?:lsl|uxtw|sxtw|sxtx)(?: ${NUMBER})?)?`,
  print(f) {
    const option = at(f, 'option');
    const m = at(f, 'Rm');
    const register = `${(option & 1) === 1 ? 'x' : 'w'}${m === 31 ? 'zr' : String(m)}`;
    const extend = EXTENDS[option] ?? '';
    if (at(f, 'S') === 1) return `${register}, ${extend} #${String(scale(f))}`;
    return extend === 'lsl' ? register : `${register}, ${extend}`;
  },
  parse(text, _pc, known) {
    const [register = '', extension] = text.split(',');
    const [name = 'lsl', amount] = extension?.split(' ') ?? [];
    const option = (EXTENDS as readonly (string | undefined)[]).indexOf(name);
    if (option < 0 || register.startsWith('x') !== ((option & 1) === 1)) return undefined;
    if (extension === 'lsl') return undefined;
    const Rm = register.endsWith('zr') ? 31 : Number(register.slice(1));
    if (amount === undefined) return { Rm, option, S: 0 };
    const n = Number(numberOf(amount));
    // A byte's amount of zero is written where S is 1. For larger sizes zero is no shift.
    if (n === scale(known)) return { Rm, option, S: 1 };
    return n === 0 ? { Rm, option, S: 0 } : undefined;
  },
});

const TYPES = ['pld', 'pli', 'pst'] as const;
const prefetchNames = Array.from({ length: 32 }, (_, n) => {
  const type = TYPES[n >> 3];
  const level = ((n >> 1) & 3) + 1;
  return type === undefined || level === 4
    ? undefined
    : `${type}l${String(level)}${(n & 1) === 1 ? 'strm' : 'keep'}`;
});

/** `pldl1keep`, or a number for an operation that has no name. */
const prfop: OperandFormat = {
  pattern: `p(?:ld|li|st)l[123](?:keep|strm)|${NUMBER}`,
  print: (f) => prefetchNames[at(f, 'prfop')] ?? `#0x${at(f, 'prfop').toString(16).padStart(2, '0')}`,
  parse(text) {
    const n = text.startsWith('p') ? prefetchNames.indexOf(text) : Number(numberOf(text));
    return n >= 0 && n < 32 ? { prfop: n } : undefined;
  },
};

const pimm = scaled(unsigned12, intScale);
const vpimm = scaled(unsigned12, vectorScale);
const pimm8 = scaled(unsigned12, eight);
const simm7 = scaled(signed7, pairScale);
const vsimm7 = scaled(signed7, vectorPairScale);

/** By the names that templates use. */
export const memoryFormats: Readonly<Record<string, OperandFormat>> = {
  pimm: optional('imm12', pimm),
  vpimm: optional('imm12', vpimm),
  pimm8: optional('imm12', pimm8),
  simm9,
  simm9opt: optional('imm9', simm9),
  simm7,
  simm7opt: optional('imm7', simm7),
  vsimm7,
  vsimm7opt: optional('imm7', vsimm7),
  index: index(intScale),
  vindex: index(vectorScale),
  index8: index(eight),
  prfop,
};
