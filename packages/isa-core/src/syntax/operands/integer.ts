// Operands of data processing and branches (DDI 0487 C3, as binutils prints them).

import { decodeBitMasks, encodeBitMasks } from '../../rows/data-immediate/bit-masks.ts';
import { at, hexImmediate, immediate, NUMBER, numberOf, word } from '../format.ts';
import type { FieldValues, OperandFormat } from '../format.ts';

const CONDITIONS = [
  'eq',
  'ne',
  'cs',
  'cc',
  'mi',
  'pl',
  'vs',
  'vc',
  'hi',
  'ls',
  'ge',
  'lt',
  'gt',
  'le',
  'al',
  'nv',
] as const;
const ALIASES: Readonly<Record<string, string>> = { hs: 'cs', lo: 'cc' };
const CONDITION = `${CONDITIONS.join('|')}|hs|lo`;

const conditionOf = (text: string): number =>
  (CONDITIONS as readonly string[]).indexOf(ALIASES[text] ?? text);

/** A condition, or its inverse (CSET and its kin). */
const condition = (flip: 0 | 1): OperandFormat => ({
  pattern: CONDITION,
  print: (f) => CONDITIONS[at(f, 'cond') ^ flip],
  parse: (text) => ({ cond: conditionOf(text) ^ flip }),
});

/** A PC-relative target: `bits` of an offset in units of 4 bytes. */
const label = (field: string, bits: number): OperandFormat => ({
  pattern: NUMBER,
  print(f, pc) {
    const n = at(f, field);
    const offset = (n >= 2 ** (bits - 1) ? n - 2 ** bits : n) * 4;
    return `0x${BigInt.asUintN(64, BigInt(pc) + BigInt(offset)).toString(16)}`;
  },
  parse(text, pc) {
    const offset = Number(BigInt.asIntN(64, numberOf(text) - BigInt(pc))) / 4;
    if (!Number.isInteger(offset) || Math.abs(offset + 0.5) > 2 ** (bits - 1)) return undefined;
    return { [field]: offset < 0 ? offset + 2 ** bits : offset };
  },
});

/** ADR and ADRP: immhi:immlo, in bytes or pages. */
const pcRelative = (shift: 0 | 12): OperandFormat => ({
  pattern: NUMBER,
  print(f, pc) {
    const n = (at(f, 'immhi') << 2) | at(f, 'immlo');
    const offset = BigInt((n << 11) >> 11) << BigInt(shift);
    const base = shift === 0 ? BigInt(pc) : BigInt(pc) & ~0xfffn;
    return `0x${BigInt.asUintN(64, base + offset).toString(16)}`;
  },
  parse(text, pc) {
    const base = shift === 0 ? BigInt(pc) : BigInt(pc) & ~0xfffn;
    const distance = BigInt.asIntN(64, numberOf(text) - base);
    if (shift === 12 && (distance & 0xfffn) !== 0n) return undefined;
    const n = Number(distance >> BigInt(shift));
    if (n < -(2 ** 20) || n >= 2 ** 20) return undefined;
    return { immhi: (n >> 2) & 0x7_ffff, immlo: n & 3 };
  },
});

const SHIFTS = ['lsl', 'lsr', 'asr', 'ror'] as const;
const EXTENDS = ['uxtb', 'uxth', 'uxtw', 'uxtx', 'sxtb', 'sxth', 'sxtw', 'sxtx'] as const;

/** `, lsr #3` after a register, or nothing. */
const shift: OperandFormat = {
  pattern: `(?:,(?:lsl|lsr|asr|ror) ${NUMBER})?`,
  print(f) {
    const amount = at(f, 'imm6');
    const type = at(f, 'shift');
    return amount === 0 && type === 0 ? '' : `, ${SHIFTS[type as 0 | 1 | 2 | 3]} #${amount}`;
  },
  parse(text) {
    if (text === '') return { shift: 0, imm6: 0 };
    const [name = '', amount = ''] = text.slice(1).split(' ');
    const n = Number(numberOf(amount));
    return n >= 0 && n < 64 ? { shift: (SHIFTS as readonly string[]).indexOf(name), imm6: n } : undefined;
  },
};

/** `w1, uxtb #2`: where SP takes part, UXTX (UXTW for 32 bits) is written LSL. */
const extended: OperandFormat = {
  // LSL has an amount, the extensions may leave theirs out.
  pattern: `[xw](?:[12]?\\d|30|zr)(?:,(?:lsl ${NUMBER}|[us]xt[bhwx](?: ${NUMBER})?))?`,
  print(f) {
    const option = at(f, 'option');
    const amount = at(f, 'imm3');
    const sf = at(f, 'sf');
    const wide = sf === 1 && (option & 3) === 3;
    const m = at(f, 'Rm');
    const register = `${wide ? 'x' : 'w'}${m === 31 ? 'zr' : m}`;
    const usesSp = at(f, 'Rn') === 31 || (at(f, 'Rd') === 31 && at(f, 'S') === 0);
    const name = usesSp && option === (sf ? 3 : 2) ? 'lsl' : EXTENDS[option as 0];
    if (name === 'lsl' && amount === 0) return register;
    return `${register}, ${name}${amount === 0 ? '' : ` #${amount}`}`;
  },
  parse(text, _pc, known) {
    const [register = '', rest] = text.split(',');
    const m = register.endsWith('zr') ? 31 : Number(register.slice(1));
    const is64 = register.startsWith('x');
    const sf = at(known, 'sf');
    const [name = 'lsl', amount = '#0'] = rest?.split(' ') ?? [];
    const option = name === 'lsl' ? (sf ? 3 : 2) : (EXTENDS as readonly string[]).indexOf(name);
    if (is64 !== (sf === 1 && (option & 3) === 3)) return undefined;
    if (name === 'lsl' && at(known, 'Rn') !== 31 && !(known['Rd'] === 31 && at(known, 'S') === 0))
      return undefined;
    const n = Number(numberOf(amount));
    return n <= 4 ? { Rm: m, option, imm3: n } : undefined;
  },
};

/** `#0x10` or `#0x10, lsl #12`. */
const imm12sh: OperandFormat = {
  pattern: `${NUMBER}(?:,lsl #(?:0|12))?`,
  print: (f) => `${hexImmediate(at(f, 'imm12'))}${at(f, 'sh') ? ', lsl #12' : ''}`,
  parse(text) {
    const [number = '', shifted] = text.split(',');
    const n = Number(numberOf(number));
    if (shifted === 'lsl #12') return n >= 0 && n < 4096 ? { imm12: n, sh: 1 } : undefined;
    if (n >= 0 && n < 4096) return { imm12: n, sh: 0 };
    if (shifted !== undefined) return undefined;
    return n % 4096 === 0 && n > 0 && n < 2 ** 24 ? { imm12: n / 4096, sh: 1 } : undefined;
  },
};

/** `#-16`: what `imm12sh` says of 16. */
const negativeImm12sh: OperandFormat = {
  ...imm12sh,
  parse: (text, pc, known) =>
    /^#?-/.test(text) ? imm12sh.parse(text.replace('-', ''), pc, known) : undefined,
};

/** A constant of the register's width, written with or without its sign; undefined where it does not fit. */
function constantOf(text: string, sf: number): bigint | undefined {
  const n = numberOf(text);
  const bits = sf ? 64 : 32;
  return n === BigInt.asIntN(bits, n) || n === BigInt.asUintN(bits, n) ? BigInt.asUintN(bits, n) : undefined;
}

const bitmask: OperandFormat = {
  pattern: NUMBER,
  print(f) {
    const mask = decodeBitMasks(at(f, 'sf'), at(f, 'N'), at(f, 'immr'), at(f, 'imms'));
    return mask && hexImmediate((BigInt(mask.high >>> 0) << 32n) | BigInt(mask.low >>> 0));
  },
  parse(text, _pc, known) {
    const value = constantOf(text, at(known, 'sf'));
    return value === undefined ? undefined : encodeBitMasks(at(known, 'sf'), value);
  },
};

/** MOV of a wide immediate: the value that MOVZ or MOVN leaves. */
const moveWide = (inverted: boolean): OperandFormat => ({
  pattern: NUMBER,
  print(f) {
    const value = BigInt(at(f, 'imm16')) << BigInt(16 * at(f, 'hw'));
    return hexImmediate(BigInt.asUintN(at(f, 'sf') ? 64 : 32, inverted ? ~value : value));
  },
  parse(text, _pc, known) {
    const sf = at(known, 'sf');
    const constant = constantOf(text, sf);
    if (constant === undefined) return undefined;
    const value = BigInt.asUintN(sf ? 64 : 32, inverted ? ~constant : constant);
    for (let hw = 0; hw < (sf ? 4 : 2); hw++) {
      const piece = (value >> BigInt(16 * hw)) & 0xffffn;
      if (piece << BigInt(16 * hw) === value) return { hw, imm16: Number(piece) };
    }
    return undefined;
  },
});

const imm16hw: OperandFormat = {
  pattern: `${NUMBER}(?:,lsl #(?:0|16|32|48))?`,
  print: (f) => `${hexImmediate(at(f, 'imm16'))}${at(f, 'hw') ? `, lsl #${16 * at(f, 'hw')}` : ''}`,
  parse(text) {
    const [number = '', shifted = 'lsl #0'] = text.split(',');
    const n = Number(numberOf(number));
    return n >= 0 && n < 65536 ? { imm16: n, hw: Number(shifted.slice(5)) / 16 } : undefined;
  },
};

const width = (f: FieldValues): number => (at(f, 'sf') ? 64 : 32);

/** `#lsb, #width` of the bit-field aliases. */
const field = (insert: boolean): OperandFormat => ({
  pattern: `${NUMBER},${NUMBER}`,
  print(f) {
    const lsb = insert ? (width(f) - at(f, 'immr')) % width(f) : at(f, 'immr');
    return `#${lsb}, #${insert ? at(f, 'imms') + 1 : at(f, 'imms') - at(f, 'immr') + 1}`;
  },
  parse(text, _pc, known) {
    const [lsb = 0, count = 0] = text.split(',').map((t) => Number(numberOf(t)));
    const w = width(known);
    if (lsb < 0 || count < 1 || lsb + count > w) return undefined;
    if (insert) return { immr: (w - lsb) % w, imms: count - 1, N: at(known, 'sf') };
    return { immr: lsb, imms: lsb + count - 1, N: at(known, 'sf') };
  },
});

/** ASR and LSR by a constant: immr, with imms all ones. */
const immr: OperandFormat = {
  pattern: NUMBER,
  print: (f) => `#${at(f, 'immr')}`,
  parse(text, _pc, known) {
    const n = Number(numberOf(text));
    return n >= 0 && n < width(known) ? { immr: n, imms: width(known) - 1, N: at(known, 'sf') } : undefined;
  },
};

const lslShift: OperandFormat = {
  pattern: NUMBER,
  print: (f) => `#${width(f) - 1 - at(f, 'imms')}`,
  parse(text, _pc, known) {
    const n = Number(numberOf(text));
    const w = width(known);
    return n >= 0 && n < w ? { immr: (w - n) % w, imms: w - 1 - n, N: at(known, 'sf') } : undefined;
  },
};

const lsb: OperandFormat = {
  pattern: NUMBER,
  print: (f) => `#${at(f, 'imms')}`,
  parse(text, _pc, known) {
    const n = Number(numberOf(text));
    return n >= 0 && n < width(known) ? { imms: n, N: at(known, 'sf') } : undefined;
  },
};

/** A register that stands for two equal fields. */
const both: OperandFormat = {
  pattern: '[xw](?:[12]?\\d|30|zr)',
  print: (f) => `${at(f, 'sf') ? 'x' : 'w'}${at(f, 'Rn') === 31 ? 'zr' : at(f, 'Rn')}`,
  parse(text) {
    const n = text.endsWith('zr') ? 31 : Number(text.slice(1));
    return { Rn: n, Rm: n, sf: text.startsWith('x') ? 1 : 0 };
  },
};

/** TBZ's register: W below bit 32. */
const testRegister: OperandFormat = {
  pattern: '[xw](?:[12]?\\d|30|zr)',
  print: (f) => `${at(f, 'b5') ? 'x' : 'w'}${at(f, 'Rt') === 31 ? 'zr' : at(f, 'Rt')}`,
  parse: (text) => ({
    Rt: text.endsWith('zr') ? 31 : Number(text.slice(1)),
    ...(text.startsWith('w') && { b5: 0 }),
  }),
};
const testBit: OperandFormat = {
  pattern: NUMBER,
  print: (f) => `#${(at(f, 'b5') << 5) | at(f, 'b40')}`,
  parse(text) {
    const n = Number(numberOf(text));
    return n >= 0 && n < 64 ? { b5: n >> 5, b40: n & 31 } : undefined;
  },
};

/** A number without `#`, in decimal (UDF as binutils prints it). */
const plainDecimal: OperandFormat = {
  pattern: NUMBER,
  print: (f) => `#${at(f, 'imm16')}`,
  parse(text) {
    const n = Number(numberOf(text));
    return n >= 0 && n < 65536 ? { imm16: n } : undefined;
  },
};

/** By the names that templates use. */
export const integerFormats: Readonly<Record<string, OperandFormat>> = {
  cond: condition(0),
  invcond: condition(1),
  bcond: condition(0),
  label26: label('imm26', 26),
  label19: label('imm19', 19),
  label14: label('imm14', 14),
  adr: pcRelative(0),
  adrp: pcRelative(12),
  shift,
  extended,
  imm12sh,
  '-imm12sh': negativeImm12sh,
  bitmask,
  movz: moveWide(false),
  movn: moveWide(true),
  imm16hw,
  bfiz: field(true),
  bfx: field(false),
  immr,
  lslshift: lslShift,
  lsb,
  'Rn=Rm': both,
  'Rt:b5': testRegister,
  bit: testBit,
  nzcv: immediate('nzcv', 4, 16),
  imm5: immediate('imm5', 5, 16),
  imm16: immediate('imm16', 16, 16),
  'imm16:dec': plainDecimal,
  flag: word('flag', ['0', '1']),
};
