// Operands of Advanced SIMD on integers: elements, lists, shifts, modified immediates (as binutils prints them).

import { at, hexImmediate, immediate, NUMBER, numberOf } from '../format.ts';
import type { OperandFormat } from '../format.ts';
import { REGISTER_NUMBER } from './vector.ts';

/** An element's number has no `#`. */
const INDEX = '(?:0x[0-9a-f]+|\\d+)';

const LETTERS = ['b', 'h', 's', 'd'] as const;

/** `v1.s[2]` where imm5 or imm4 gives the index, above the size's bit of imm5. */
function element(register: string, size: number, field: 'imm5' | 'imm4'): OperandFormat {
  const letter = LETTERS[size as 0 | 1 | 2 | 3];
  const shift = field === 'imm5' ? size + 1 : size;
  return {
    pattern: `v${REGISTER_NUMBER}\\.${letter}\\[${INDEX}\\]`,
    print: (f) => `v${at(f, register)}.${letter}[${at(f, field) >> shift}]`,
    parse(text) {
      const [name = '', index = ''] = text.split(/[[\]]/);
      const i = Number(numberOf(index));
      if (i < 0 || i >= 16 >> size) return undefined;
      const value = field === 'imm5' ? (i << shift) | (1 << size) : i << shift;
      return { [register]: Number.parseInt(name.slice(1), 10), [field]: value };
    },
  };
}

/** A right or left shift by immh:immb. */
const shiftBy = (size: number, left: boolean): OperandFormat => {
  const bits = 8 << size;
  const all = (amount: number): number => (left ? bits + amount : 2 * bits - amount);
  return {
    pattern: NUMBER,
    print(f) {
      const value = (at(f, 'immh') << 3) | at(f, 'immb');
      return `#${left ? value - bits : 2 * bits - value}`;
    },
    parse(text) {
      const n = Number(numberOf(text));
      if (left ? n < 0 || n >= bits : n < 1 || n > bits) return undefined;
      return { immh: all(n) >> 3, immb: all(n) & 7 };
    },
  };
};

/** `{v0.16b-v3.16b}` or `{v0.16b, v1.16b}` of consecutive registers from `field`. */
function registerList(field: string, arrangement: string, count: number): OperandFormat {
  const one = `v${REGISTER_NUMBER}\\.${arrangement}`;
  const pattern = `\\{${one}(?:[,-]${one}){0,3}\\}`;
  return {
    pattern,
    print(f) {
      const first = at(f, field);
      const name = (i: number): string => `v${(first + i) & 31}.${arrangement}`;
      if (count > 2 && first + count <= 32) return `{${name(0)}-${name(count - 1)}}`;
      return `{${Array.from({ length: count }, (_, i) => name(i)).join(', ')}}`;
    },
    parse(text) {
      const numbers = [...text.matchAll(/v(\d+)/g)].map((m) => Number(m[1]));
      const first = numbers[0] ?? 0;
      const length = text.includes('-') ? (((numbers[1] ?? 0) - first) & 31) + 1 : numbers.length;
      const consecutive = text.includes('-') || numbers.every((n, i) => n === ((first + i) & 31));
      return length === count && consecutive ? { [field]: first } : undefined;
    },
  };
}

/** `{v0.s, v1.s}[2]`: the index from Q, S and size. */
function elementList(field: string, letter: string, count: number): OperandFormat {
  const size = (LETTERS as readonly string[]).indexOf(letter);
  const registers = registerList(field, letter, count);
  return {
    pattern: `${registers.pattern}\\[${INDEX}\\]`,
    print(f) {
      const all = (at(f, 'Q') << 3) | (at(f, 'S') << 2) | at(f, 'size');
      return `${registers.print(f, 0) ?? ''}[${all >> size}]`;
    },
    parse(text, pc, known) {
      const open = text.lastIndexOf('[');
      const list = registers.parse(text.slice(0, open), pc, known);
      const index = Number(numberOf(text.slice(open + 1, -1)));
      if (list === undefined || index < 0 || index >= 16 >> size) return undefined;
      const all = (index << size) | (size === 3 ? 1 : 0);
      return { ...list, Q: all >> 3, S: (all >> 2) & 1, size: all & 3 };
    },
  };
}

/** `v2.h[3]` or `v2.s[1]` of a by-element form: the register in M:Rm or Rm, the index in H:L:M or H:L. */
const byElement = (letter: 'h' | 's'): OperandFormat => ({
  pattern: `v${REGISTER_NUMBER}\\.${letter}\\[${INDEX}\\]`,
  print(f) {
    const m = at(f, 'M');
    const index = letter === 'h' ? (at(f, 'H') << 2) | (at(f, 'L') << 1) | m : (at(f, 'H') << 1) | at(f, 'L');
    return `v${letter === 'h' ? at(f, 'Rm') : (m << 4) | at(f, 'Rm')}.${letter}[${index}]`;
  },
  parse(text) {
    const [name = '', digits = ''] = text.split(/[[\]]/);
    const register = Number.parseInt(name.slice(1), 10);
    const index = Number(numberOf(digits));
    if (index < 0 || index > (letter === 'h' ? 7 : 3) || (letter === 'h' && register > 15)) return undefined;
    return letter === 'h'
      ? { Rm: register, H: index >> 2, L: (index >> 1) & 1, M: index & 1 }
      : { Rm: register & 15, M: register >> 4, H: index >> 1, L: index & 1 };
  },
});

/** abc:defgh as a number, which may have a sign when it is written. */
const immediate8: OperandFormat = {
  pattern: NUMBER,
  print: (f) => hexImmediate((at(f, 'abc') << 5) | at(f, 'defgh')),
  parse(text) {
    const n = Number(numberOf(text));
    return n >= -128 && n < 256 ? { abc: (n & 255) >> 5, defgh: n & 31 } : undefined;
  },
};

/** abc:defgh with each bit a byte of ones. */
const byteMask: OperandFormat = {
  pattern: NUMBER,
  print(f) {
    const bits = (at(f, 'abc') << 5) | at(f, 'defgh');
    let value = 0n;
    for (let i = 7; i >= 0; i--) value = (value << 8n) | ((bits >> i) & 1 ? 0xffn : 0n);
    return hexImmediate(value);
  },
  parse(text) {
    const value = BigInt.asUintN(64, numberOf(text));
    let bits = 0;
    for (let i = 0; i < 8; i++) {
      const byte = (value >> BigInt(8 * i)) & 0xffn;
      if (byte === 0xffn) bits |= 1 << i;
      else if (byte !== 0n) return undefined;
    }
    return { abc: bits >> 5, defgh: bits & 31 };
  },
};

/** One register for two equal fields. */
const both = (arrangement: string): OperandFormat => ({
  pattern: `v${REGISTER_NUMBER}\\.${arrangement}`,
  print: (f) => `v${at(f, 'Rn')}.${arrangement}`,
  parse(text) {
    const n = Number.parseInt(text.slice(1), 10);
    return { Rn: n, Rm: n };
  },
});

const elements = Object.fromEntries(
  LETTERS.flatMap((letter, size) => [
    [`Vn.${letter}[imm5]`, element('Rn', size, 'imm5')],
    [`Vd.${letter}[imm5]`, element('Rd', size, 'imm5')],
    [`Vn.${letter}[imm4]`, element('Rn', size, 'imm4')],
    [`lshift${size}`, shiftBy(size, true)],
    [`rshift${size}`, shiftBy(size, false)],
  ]),
) as Readonly<Record<string, OperandFormat>>;

/** By the names that templates use. */
export const simdFormats: Readonly<Record<string, OperandFormat>> = {
  ...elements,
  'Vm.h[HLM]': byElement('h'),
  'Vm.s[HLM]': byElement('s'),
  'Vn=Vm.8b': both('8b'),
  'Vn=Vm.16b': both('16b'),
  zero: { pattern: '#0(?:x0)?', print: () => '#0', parse: () => ({}) },
  vimm8: immediate8,
  vmask: byteMask,
  extindex: immediate('imm4', 4, 10),
};

/** `{Vt.16b}*2` and `{Vt.s}*2[single]`, or undefined where a name is none of these. */
export function listFormat(name: string): OperandFormat | undefined {
  const parts = /^\{V([a-z])\.(\w+)\}\*(\d)(\[single\])?$/.exec(name);
  if (parts === null) return undefined;
  const [, suffix = '', arrangement = '', count = '', single] = parts;
  return single === undefined
    ? registerList(`R${suffix}`, arrangement, Number(count))
    : elementList(`R${suffix}`, arrangement, Number(count));
}
