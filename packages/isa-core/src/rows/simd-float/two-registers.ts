// Floating point on one source, vectors and scalars (DDI 0487 C4.1.96: Advanced SIMD two-register miscellaneous, Advanced SIMD
// scalar two-register miscellaneous), where source and result have lanes of one size.

import type { Rounding } from '../../semantics/builder.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { scalarForms, vectorForms } from './forms.ts';
import type { LaneOperation } from './lanes.ts';
import {
  isArrangement,
  lane1,
  laneCount,
  laneFromInt,
  laneRound,
  laneSize,
  laneTestZero,
  laneToInt,
  mapLanes,
  registersOf,
} from './lanes.ts';

/** In which forms an operation exists. */
type Forms = 'vector' | 'scalar' | 'both';
interface TwoRegisters extends LaneOperation {
  readonly forms: Forms;
  /** A third operand, `#0.0`. */
  readonly withZero?: true;
}

const rounded = (letter: string, rounding: Rounding, exact = false): TwoRegisters => ({
  mnemonic: `frint${letter}`,
  apply: laneRound(rounding, exact),
  forms: 'vector',
});
const toInt = (letter: string, rounding: Rounding, signed: boolean): TwoRegisters => ({
  mnemonic: `fcvt${letter}${signed ? 's' : 'u'}`,
  apply: (b, size, a) => laneToInt(b, size, a, signed, rounding),
  forms: 'both',
});
const fromInt = (mnemonic: string, signed: boolean): TwoRegisters => ({
  mnemonic,
  apply: (b, size, a) => laneFromInt(b, size, a, signed),
  forms: 'both',
});
const withZero = (mnemonic: string, op: 'eq' | 'ge' | 'gt', swapped = false): TwoRegisters => ({
  mnemonic,
  apply: laneTestZero(op, swapped),
  forms: 'both',
  withZero: true,
});
const one = (mnemonic: string, op: Parameters<typeof lane1>[0], forms: Forms): TwoRegisters => ({
  mnemonic,
  apply: lane1(op),
  forms,
});
const estimate = (op: 'urecpe' | 'ursqrte'): TwoRegisters => ({
  mnemonic: op,
  apply: (b, _, a) => b.intEstimate(op, a),
  forms: 'vector',
  only: 0,
});

/** `U:a:opcode` as one number. */
const code = (U: number, a: number, opcode: number): number => U * 64 + a * 32 + opcode;

/** By `code`. */
const operations: Readonly<Record<number, TwoRegisters>> = {
  [code(0, 0, 0b11000)]: rounded('n', 'even'),
  [code(0, 0, 0b11001)]: rounded('m', 'minus'),
  [code(0, 0, 0b11010)]: toInt('n', 'even', true),
  [code(0, 0, 0b11011)]: toInt('m', 'minus', true),
  [code(0, 0, 0b11100)]: toInt('a', 'away', true),
  [code(0, 0, 0b11101)]: fromInt('scvtf', true),
  [code(0, 1, 0b01100)]: withZero('fcmgt', 'gt'),
  [code(0, 1, 0b01101)]: withZero('fcmeq', 'eq'),
  [code(0, 1, 0b01110)]: withZero('fcmlt', 'gt', true),
  [code(0, 1, 0b01111)]: one('fabs', 'abs', 'vector'),
  [code(0, 1, 0b11000)]: rounded('p', 'plus'),
  [code(0, 1, 0b11001)]: rounded('z', 'zero'),
  [code(0, 1, 0b11010)]: toInt('p', 'plus', true),
  [code(0, 1, 0b11011)]: toInt('z', 'zero', true),
  [code(0, 1, 0b11100)]: estimate('urecpe'),
  [code(0, 1, 0b11101)]: one('frecpe', 'recpe', 'both'),
  [code(0, 1, 0b11111)]: one('frecpx', 'recpx', 'scalar'),
  [code(1, 0, 0b11000)]: rounded('a', 'away'),
  [code(1, 0, 0b11001)]: rounded('x', 'fpcr', true),
  [code(1, 0, 0b11010)]: toInt('n', 'even', false),
  [code(1, 0, 0b11011)]: toInt('m', 'minus', false),
  [code(1, 0, 0b11100)]: toInt('a', 'away', false),
  [code(1, 0, 0b11101)]: fromInt('ucvtf', false),
  [code(1, 1, 0b01100)]: withZero('fcmge', 'ge'),
  [code(1, 1, 0b01101)]: withZero('fcmle', 'ge', true),
  [code(1, 1, 0b01111)]: one('fneg', 'neg', 'vector'),
  [code(1, 1, 0b11001)]: rounded('i', 'fpcr'),
  [code(1, 1, 0b11010)]: toInt('p', 'plus', false),
  [code(1, 1, 0b11011)]: toInt('z', 'zero', false),
  [code(1, 1, 0b11100)]: estimate('ursqrte'),
  [code(1, 1, 0b11101)]: one('frsqrte', 'rsqrte', 'both'),
  [code(1, 1, 0b11111)]: one('fsqrt', 'sqrt', 'vector'),
};
const entries = Object.entries(operations).map(([key, operation]) => {
  const n = Number(key);
  return { operation, set: { U: n >> 6, a: (n >> 5) & 1, opcode: n & 0b11111 } };
});
const zeroOperand = (operation: TwoRegisters): string => (operation.withZero ? ', <fzero>' : '');

/** True if the operation exists in a form and for a lane size. */
const exists = (operation: TwoRegisters | undefined, form: Forms, sz: number): boolean =>
  operation !== undefined &&
  (operation.forms === 'both' || operation.forms === form) &&
  (operation.only === undefined || operation.only === sz);

const vectorTwoRegisters: AnyRow = row({
  name: 'Advanced SIMD two-register miscellaneous (floating-point)',
  encoding: '0 Q U 01110 a sz 10000 opcode:5 10 Rn:5 Rd:5',
  asm: entries
    .filter(({ operation }) => operation.forms !== 'scalar')
    .flatMap(({ operation, set }) => vectorForms(operation, `<Vd.T>, <Vn.T>${zeroOperand(operation)}`, set)),
  gate: 'fp',
  split: ['Q', 'U', 'a', 'sz', 'opcode'],
  allocated: ({ Q, U, a, sz, opcode }) =>
    exists(operations[code(U, a, opcode)], 'vector', sz) && isArrangement(Q, sz),
  decode: registersOf,
  execute(b, { d, n }, { Q, U, a, sz, opcode }) {
    const operation = operations[code(U, a, opcode)];
    if (operation === undefined) return;
    b.setV(d, mapLanes(b, laneSize(sz), laneCount(Q, sz), [b.v(n)], operation.apply));
  },
});

const scalarTwoRegisters: AnyRow = row({
  name: 'Advanced SIMD scalar two-register miscellaneous (floating-point)',
  encoding: '01 U 11110 a sz 10000 opcode:5 10 Rn:5 Rd:5',
  asm: entries
    .filter(({ operation }) => operation.forms !== 'vector')
    .flatMap(({ operation, set }) => scalarForms(operation, `<Fd>, <Fn>${zeroOperand(operation)}`, set)),
  gate: 'fp',
  split: ['U', 'a', 'sz', 'opcode'],
  allocated: ({ U, a, sz, opcode }) => exists(operations[code(U, a, opcode)], 'scalar', sz),
  decode: registersOf,
  execute(b, { d, n }, { U, a, sz, opcode }) {
    const operation = operations[code(U, a, opcode)];
    if (operation === undefined) return;
    b.setV(d, mapLanes(b, laneSize(sz), 1, [b.v(n)], operation.apply));
  },
});

/** The rows of this file. */
export const simdFloatTwoRegisters: readonly AnyRow[] = [vectorTwoRegisters, scalarTwoRegisters];
