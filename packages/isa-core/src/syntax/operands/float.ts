// Operands of floating-point instructions, scalar and vector (DDI 0487 C7.2, as binutils prints them).

import { immediateValue } from '../../rows/float/immediate.ts';
import { at, NUMBER, numberOf } from '../format.ts';
import type { FieldValues, OperandFormat } from '../format.ts';
import { REGISTER_NUMBER } from './vector.ts';

const DECIMAL = '#?[-+]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:e[-+]?\\d+)?';
const decimalOf = (text: string): number => Number(text.replace('#', ''));

/** `#0.0`, of comparisons with zero. */
const zero: OperandFormat = {
  pattern: '#?0(?:\\.0*)?(?:e[-+]?\\d+)?',
  print: () => '#0.0',
  parse: () => ({}),
};

/** A number as C's `%.18e` has it: two digits of exponent at least. */
const exponential = (n: number): string => n.toExponential(18).replace(/e([-+])(\d)$/, 'e$10$2');

/** The 8-bit immediate of FMOV, spread over fields in one of two ways. */
const immediate8 = (imm8: (f: FieldValues) => number, fields: (n: number) => FieldValues): OperandFormat => ({
  pattern: DECIMAL,
  print: (f) => `#${exponential(immediateValue(imm8(f)))}`,
  parse(text) {
    const value = decimalOf(text);
    for (let n = 0; n < 256; n++) if (Object.is(immediateValue(n), value)) return fields(n);
    return undefined;
  },
});

/** The number of fraction bits of a fixed-point number, in a field as 64 less that. */
const fractionBits = (field: string): OperandFormat => ({
  pattern: NUMBER,
  print: (f) => `#${64 - at(f, field)}`,
  parse(text) {
    const n = Number(numberOf(text));
    return n >= 1 && n <= 64 ? { [field]: 64 - n } : undefined;
  },
});

/** The element of a multiplication: register `M:Rm`, index `H:L` of singles or `H` of doubles. */
const element = (letter: 's' | 'd'): OperandFormat => ({
  pattern: `v${REGISTER_NUMBER}\\.${letter}\\[[0-3]\\]`,
  print(f) {
    const index = letter === 's' ? at(f, 'H') * 2 + at(f, 'L') : at(f, 'H');
    return `v${at(f, 'M') * 16 + at(f, 'Rm')}.${letter}[${index}]`;
  },
  parse(text) {
    const register = Number.parseInt(text.slice(1), 10);
    const index = Number(text.at(-2));
    const place = letter === 's' ? { H: index >> 1, L: index & 1 } : { H: index, L: 0 };
    return place.H > 1 ? undefined : { M: register >> 4, Rm: register & 15, ...place };
  },
});

/** By the names that templates use. */
export const floatFormats: Readonly<Record<string, OperandFormat>> = {
  fzero: zero,
  fimm8: immediate8(
    (f) => at(f, 'imm8'),
    (n) => ({ imm8: n }),
  ),
  fimm8v: immediate8(
    (f) => at(f, 'abc') * 32 + at(f, 'defgh'),
    (n) => ({ abc: n >> 5, defgh: n & 31 }),
  ),
  fbits: fractionBits('scale'),
  vfbits: fractionBits('imm'),
  'Vm.s[index]': element('s'),
  'Vm.d[index]': element('d'),
};
