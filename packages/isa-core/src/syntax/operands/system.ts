// Operands of system instructions, as binutils prints them.

import { at, immediate, NUMBER, numberOf } from '../format.ts';
import type { OperandFormat } from '../format.ts';
import { systemRegisterId, systemRegisterName } from './sysreg-names.ts';
import type { Direction } from './sysreg-names.ts';

const systemRegister = (direction: Direction): OperandFormat => ({
  pattern: '[a-z][a-z0-9_]*',
  print: (f) =>
    systemRegisterName(
      ((2 + at(f, 'o0')) << 14) |
        (at(f, 'op1') << 11) |
        (at(f, 'CRn') << 7) |
        (at(f, 'CRm') << 3) |
        at(f, 'op2'),
      direction,
    ),
  parse(text) {
    const id = systemRegisterId(text);
    if (id === undefined) return undefined;
    return {
      o0: (id >>> 14) - 2,
      op1: (id >>> 11) & 7,
      CRn: (id >>> 7) & 15,
      CRm: (id >>> 3) & 15,
      op2: id & 7,
    };
  },
});

const barriers = [
  undefined,
  'oshld',
  'oshst',
  'osh',
  undefined,
  'nshld',
  'nshst',
  'nsh',
  undefined,
  'ishld',
  'ishst',
  'ish',
  undefined,
  'ld',
  'st',
  'sy',
] as const;

/** `ish`, or a number for a domain that has no name. */
const barrier: OperandFormat = {
  pattern: `${barriers.filter((name) => name !== undefined).join('|')}|${NUMBER}`,
  print: (f) => barriers[at(f, 'CRm')] ?? `#0x${at(f, 'CRm').toString(16).padStart(2, '0')}`,
  parse(text) {
    const named = (barriers as readonly (string | undefined)[]).indexOf(text);
    const n = named >= 0 ? named : Number(numberOf(text));
    return n >= 0 && n < 16 ? { CRm: n } : undefined;
  },
};

/** `C7`. */
const control = (field: string): OperandFormat => ({
  pattern: 'c(?:1[0-5]|\\d)',
  print: (f) => `C${String(at(f, field))}`,
  parse: (text) => ({ [field]: Number(text.slice(1)) }),
});

/** A number without a sign, inside a name. */
const digits: OperandFormat = {
  pattern: '1[0-5]|\\d',
  print: (f) => String(at(f, 'CRm')),
  parse: (text) => ({ CRm: Number(text) }),
};

/** By the names that templates use. */
export const systemFormats: Readonly<Record<string, OperandFormat>> = {
  'sysreg:read': systemRegister('read'),
  'sysreg:write': systemRegister('write'),
  barrier,
  'CRm:digits': digits,
  CRm: immediate('CRm', 4, 16),
  hint: immediate('hint', 7, 16),
  op1: immediate('op1', 3, 10),
  op2: immediate('op2', 3, 10),
  Cn: control('CRn'),
  Cm: control('CRm'),
};
