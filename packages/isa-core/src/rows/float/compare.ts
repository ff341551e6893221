// Scalar floating-point comparison, conditional comparison and selection (DDI 0487 C4.1.96).

import type { Builder } from '../../semantics/builder.ts';
import { cond, small, V } from '../../semantics/operands.ts';
import type { Float } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { isSingleOrDouble, precisions, widthOf } from './forms.ts';

/** Plus zero of a width. */
const zero = (b: Builder, w: 32 | 64): Float<32 | 64> => b.laneToFloat(b.int(64, 0), w);

const floatCompare: AnyRow = row({
  name: 'Floating-point compare',
  encoding: '0 0 0 11110 ftype:2 1 Rm:5 00 1000 Rn:5 signalling withZero 000',
  asm: [
    ...precisions('fcmp <Fn>, <Fm>', { signalling: 0, withZero: 0 }),
    ...precisions('fcmpe <Fn>, <Fm>', { signalling: 1, withZero: 0 }),
    ...precisions('fcmp <Fn>, <fzero>', { signalling: 0, withZero: 1 }),
    ...precisions('fcmpe <Fn>, <fzero>', { signalling: 1, withZero: 1 }),
  ],
  gate: 'fp',
  split: ['ftype', 'signalling', 'withZero'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({ n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { n, m }, { ftype, signalling, withZero }) {
    const w = widthOf(ftype);
    const second = withZero === 1 ? zero(b, w) : b.f(m, w);
    b.setFlags(b.floatCompare<32 | 64>(b.f(n, w), second, signalling === 1));
  },
});

const floatConditionalCompare: AnyRow = row({
  name: 'Floating-point conditional compare',
  encoding: '0 0 0 11110 ftype:2 1 Rm:5 cond:4 01 Rn:5 signalling nzcv:4',
  asm: [
    ...precisions('fccmp <Fn>, <Fm>, <nzcv>, <cond>', { signalling: 0 }),
    ...precisions('fccmpe <Fn>, <Fm>, <nzcv>, <cond>', { signalling: 1 }),
  ],
  gate: 'fp',
  split: ['ftype', 'signalling'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({ n: V(f.Rn), m: V(f.Rm), c: cond(f.cond), otherwise: small(f.nzcv) }),
  execute(b, { n, m, c, otherwise }, { ftype, signalling }) {
    const w = widthOf(ftype);
    const holds = b.holds(c);
    // Where the condition does not hold nothing is compared: zeros leave FPSR alone, as no comparison does.
    const first = b.select<Float<32 | 64>>(holds, b.f(n, w), zero(b, w));
    const second = b.select<Float<32 | 64>>(holds, b.f(m, w), zero(b, w));
    b.setFlags(b.select(holds, b.floatCompare(first, second, signalling === 1), b.nzcv(otherwise)));
  },
});

const floatConditionalSelect: AnyRow = row({
  name: 'Floating-point conditional select',
  encoding: '0 0 0 11110 ftype:2 1 Rm:5 cond:4 11 Rn:5 Rd:5',
  asm: precisions('fcsel <Fd>, <Fn>, <Fm>, <cond>'),
  gate: 'fp',
  split: ['ftype'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm), c: cond(f.cond) }),
  execute(b, { d, n, m, c }, { ftype }) {
    const w = widthOf(ftype);
    b.setF<32 | 64>(d, b.select<Float<32 | 64>>(b.holds(c), b.f(n, w), b.f(m, w)));
  },
});

/** The rows of this file. */
export const floatComparison: readonly AnyRow[] = [
  floatCompare,
  floatConditionalCompare,
  floatConditionalSelect,
];
