// All operand formats by the names that templates use, and the registers, whose names say what they are.

import type { FieldValues, OperandFormat } from './format.ts';
import { at } from './format.ts';
import { floatFormats } from './operands/float.ts';
import { integerFormats } from './operands/integer.ts';
import { memoryFormats } from './operands/memory.ts';
import { listFormat, simdFormats } from './operands/simd.ts';
import { systemFormats } from './operands/system.ts';
import { vectorFormat } from './operands/vector.ts';

const formats = new Map<string, OperandFormat>(
  [integerFormats, memoryFormats, systemFormats, floatFormats, simdFormats].flatMap((f) => Object.entries(f)),
);

/** `<Xd>` and `<Wd>`: the field Rd. `<Rd>`: X or W by the field sf. `|SP`: 31 is the stack pointer. */
function general(kind: string, field: string, sp: boolean): OperandFormat {
  const wide = (f: FieldValues): boolean => kind === 'X' || (kind === 'R' && at(f, 'sf') !== 0);
  const letters = kind === 'X' ? 'x' : kind === 'W' ? 'w' : '[xw]';
  return {
    pattern: `${letters}(?:\\d|[12]\\d|30|zr)|w?sp|lr`,
    print(f) {
      const n = at(f, field);
      if (n < 31) return `${wide(f) ? 'x' : 'w'}${n}`;
      if (sp) return wide(f) ? 'sp' : 'wsp';
      return wide(f) ? 'xzr' : 'wzr';
    },
    parse(text) {
      const isSp = text.endsWith('sp');
      const isZero = text.endsWith('zr');
      if ((isSp && !sp) || (isZero && sp)) return undefined;
      const is64 = text === 'sp' || text === 'lr' || text.startsWith('x');
      if ((kind === 'X' && !is64) || (kind === 'W' && is64)) return undefined;
      const n = isSp || isZero ? 31 : text === 'lr' ? 30 : Number(text.slice(1));
      return kind === 'R' ? { [field]: n, sf: is64 ? 1 : 0 } : { [field]: n };
    },
  };
}

/** `<Bt>` to `<Qt>`: a scalar SIMD and FP register, the field Rt. */
function scalar(letter: string, field: string): OperandFormat {
  const name = letter.toLowerCase();
  return {
    pattern: `${name}(?:[12]?\\d|3[01])`,
    print: (f) => `${name}${at(f, field)}`,
    parse: (text) => ({ [field]: Number(text.slice(1)) }),
  };
}

/** The format of a name, or undefined where there is none. */
export function formatOf(name: string): OperandFormat | undefined {
  const listed = formats.get(name);
  if (listed !== undefined) return listed;
  const register = /^([XWRBHSDQ])([a-z]\d?)(\|SP)?$/.exec(name);
  if (register === null) return vectorFormat(name) ?? listFormat(name);
  const [, kind = '', suffix = '', sp] = register;
  return /[XWR]/.test(kind) ? general(kind, `R${suffix}`, sp !== undefined) : scalar(kind, `R${suffix}`);
}
