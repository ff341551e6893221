// Conversions of Advanced SIMD that change the lanes' size, and to and from fixed point (DDI 0487 C7.2: FCVTL, FCVTN, FCVTXN;
// C4.1.96: Advanced SIMD shift by immediate, Advanced SIMD scalar shift by immediate).

import type { Builder, Rounding } from '../../semantics/builder.ts';
import type { Operand, Vreg } from '../../semantics/operands.ts';
import { small } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import type { Form } from './forms.ts';
import { laneFromInt, laneToInt, registersOf } from './lanes.ts';

/** The short and long arrangements by `sz`: halves and singles, singles and doubles. */
const sizes = [
  { short: 16, long: 32, shorts: ['4h', '8h'], longs: '4s' },
  { short: 32, long: 64, shorts: ['2s', '4s'], longs: '2d' },
] as const;
const sizesOf = (sz: number): (typeof sizes)[number] => sizes[sz === 1 ? 1 : 0];

const convertLong: AnyRow = row({
  name: 'FCVTL, FCVTL2',
  encoding: '0 Q 0 01110 0 sz 10000 10111 10 Rn:5 Rd:5',
  asm: sizes.flatMap(({ shorts, longs }, sz): readonly Form[] => [
    { text: `fcvtl <Vd.${longs}>, <Vn.${shorts[0]}>`, set: { Q: 0, sz } },
    { text: `fcvtl2 <Vd.${longs}>, <Vn.${shorts[1]}>`, set: { Q: 1, sz } },
  ]),
  gate: 'fp',
  split: ['Q', 'sz'],
  decode: registersOf,
  execute(b, { d, n }, { Q, sz }) {
    const { short, long } = sizesOf(sz);
    const count = 128 / long;
    const input = { from: b.v(n), size: short, signed: false, first: Q * count };
    b.setV(
      d,
      b.map(long, count, [input], (a) => b.floatToLane(b.floatConvert(b.laneToFloat(a, short), long))),
    );
  },
});

/** Narrows all lanes of `n` into the low half (`Q` 0, the rest cleared) or the high half (the rest kept) of `d`. */
const narrow = (b: Builder, d: Vreg, n: Vreg, Q: number, sz: number, rounding: Rounding): Vec => {
  const { short, long } = sizesOf(sz);
  const input = { from: b.v(n), size: long, signed: false };
  const narrowed = b.map(short, 128 / long, [input], (a) =>
    b.floatToLane(b.floatConvert(b.laneToFloat(a, long), short, rounding)),
  );
  return Q === 0 ? narrowed : b.withLane(64, b.v(d), 1, b.lane(64, narrowed, 0, false, 64));
};

const convertNarrow: AnyRow = row({
  name: 'FCVTN, FCVTN2',
  encoding: '0 Q 0 01110 0 sz 10000 10110 10 Rn:5 Rd:5',
  asm: sizes.flatMap(({ shorts, longs }, sz): readonly Form[] => [
    { text: `fcvtn <Vd.${shorts[0]}>, <Vn.${longs}>`, set: { Q: 0, sz } },
    { text: `fcvtn2 <Vd.${shorts[1]}>, <Vn.${longs}>`, set: { Q: 1, sz } },
  ]),
  gate: 'fp',
  split: ['Q', 'sz'],
  decode: registersOf,
  execute(b, { d, n }, { Q, sz }) {
    b.setV(d, narrow(b, d, n, Q, sz, 'fpcr'));
  },
});

const convertNarrowOdd: AnyRow = row({
  name: 'FCVTXN, FCVTXN2 (vector)',
  encoding: '0 Q 1 01110 0 1 10000 10110 10 Rn:5 Rd:5',
  asm: [
    { text: 'fcvtxn <Vd.2s>, <Vn.2d>', set: { Q: 0 } },
    { text: 'fcvtxn2 <Vd.4s>, <Vn.2d>', set: { Q: 1 } },
  ],
  gate: 'fp',
  split: ['Q'],
  decode: registersOf,
  execute(b, { d, n }, { Q }) {
    b.setV(d, narrow(b, d, n, Q, 1, 'odd'));
  },
});

const convertNarrowOddScalar: AnyRow = row({
  name: 'FCVTXN (scalar)',
  encoding: '01 1 11110 0 1 10000 10110 10 Rn:5 Rd:5',
  asm: [{ text: 'fcvtxn <Sd>, <Dn>' }],
  gate: 'fp',
  decode: registersOf,
  execute(b, { d, n }) {
    b.setF(d, b.floatConvert(b.f(n, 64), 32, 'odd'));
  },
});

/** `immh<3>`: lanes of 64 bits; else `immh<2>` must be set. The number of fraction bits is twice the lane less `immh:immb`. */
const decodeFixed = (f: {
  readonly Rd: number;
  readonly Rn: number;
  readonly wide: number;
  readonly imm: number;
}): { readonly d: Vreg; readonly n: Vreg; readonly fraction: Operand<'small'> } | undefined =>
  f.wide === 0 && f.imm < 32 ? undefined : { ...registersOf(f), fraction: small(64 - f.imm) };

/** By `op` and `U`. */
const fixedMnemonics = [
  { op: 0b00, names: ['scvtf', 'ucvtf'] },
  { op: 0b11, names: ['fcvtzs', 'fcvtzu'] },
] as const;
const isFixedOp = (op: number): boolean => op === 0b00 || op === 0b11;
const fixedForms = (
  operands: readonly { readonly text: string; readonly set: Readonly<Record<string, number>> }[],
): readonly Form[] =>
  fixedMnemonics.flatMap(({ op, names }) =>
    names.flatMap((name, U) =>
      operands.map(({ text, set }) => ({ text: `${name} ${text}, <vfbits>`, set: { ...set, op, U } })),
    ),
  );

/** Converts `count` lanes to or from fixed point. */
const fixedPoint = (
  b: Builder,
  n: Vreg,
  count: number,
  fraction: Operand<'small'>,
  { U, wide, op }: { readonly U: number; readonly wide: number; readonly op: number },
): Vec => {
  const size = wide === 1 ? 64 : 32;
  return b.map(size, count, [{ from: b.v(n), size, signed: false }], (a) =>
    op === 0b11
      ? laneToInt(b, size, a, U === 0, 'zero', fraction)
      : laneFromInt(b, size, a, U === 0, fraction),
  );
};

const vectorFixed: AnyRow = row({
  name: 'Advanced SIMD shift by immediate (fixed-point conversions)',
  encoding: '0 Q U 011110 wide imm:6 111 op:2 1 Rn:5 Rd:5',
  asm: fixedForms([
    { text: '<Vd.2s>, <Vn.2s>', set: { Q: 0, wide: 0 } },
    { text: '<Vd.4s>, <Vn.4s>', set: { Q: 1, wide: 0 } },
    { text: '<Vd.2d>, <Vn.2d>', set: { Q: 1, wide: 1 } },
  ]),
  gate: 'fp',
  split: ['Q', 'U', 'wide', 'op'],
  allocated: ({ Q, wide, op }) => isFixedOp(op) && (Q === 1 || wide === 0),
  decode: decodeFixed,
  execute(b, { d, n, fraction }, s) {
    b.setV(d, fixedPoint(b, n, ((s.Q + 1) * 64) / (s.wide === 1 ? 64 : 32), fraction, s));
  },
});

const scalarFixed: AnyRow = row({
  name: 'Advanced SIMD scalar shift by immediate (fixed-point conversions)',
  encoding: '01 U 111110 wide imm:6 111 op:2 1 Rn:5 Rd:5',
  asm: fixedForms([
    { text: '<Sd>, <Sn>', set: { wide: 0 } },
    { text: '<Dd>, <Dn>', set: { wide: 1 } },
  ]),
  gate: 'fp',
  split: ['U', 'wide', 'op'],
  allocated: ({ op }) => isFixedOp(op),
  decode: decodeFixed,
  execute(b, { d, n, fraction }, s) {
    b.setV(d, fixedPoint(b, n, 1, fraction, s));
  },
});

/** The rows of this file. */
export const simdFloatConversions: readonly AnyRow[] = [
  convertLong,
  convertNarrow,
  convertNarrowOdd,
  convertNarrowOddScalar,
  vectorFixed,
  scalarFixed,
];
