// Moves between general and floating-point registers, and of immediates (DDI 0487 C4.1.96; C7.2: FMOV).

import { imm64, V, X } from '../../semantics/operands.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { isSingleOrDouble, precisions, widthOf } from './forms.ts';
import { expandToDouble, expandToSingle } from './immediate.ts';

const moveGeneral: AnyRow = row({
  name: 'FMOV (general)',
  encoding: 'sf 0 0 11110 0 ftype 1 00 11 toFloat 000000 Rn:5 Rd:5',
  asm: [
    { text: 'fmov <Wd>, <Sn>', set: { sf: 0, ftype: 0, toFloat: 0 } },
    { text: 'fmov <Sd>, <Wn>', set: { sf: 0, ftype: 0, toFloat: 1 } },
    { text: 'fmov <Xd>, <Dn>', set: { sf: 1, ftype: 1, toFloat: 0 } },
    { text: 'fmov <Dd>, <Xn>', set: { sf: 1, ftype: 1, toFloat: 1 } },
  ],
  gate: 'fp',
  split: ['sf', 'ftype', 'toFloat'],
  allocated: ({ sf, ftype }) => sf === ftype,
  // The general register is the one that may be the zero register.
  decode: (f) => (f.toFloat === 1 ? { v: V(f.Rd), x: X(f.Rn) } : { v: V(f.Rn), x: X(f.Rd) }),
  execute(b, { v, x }, { sf, toFloat }) {
    if (sf === 1 && toFloat === 1) b.setF(v, b.fromBits64(b.x(x, 64)));
    else if (sf === 1) b.setX(x, b.bits64(b.f(v, 64)));
    else if (toFloat === 1) b.setF(v, b.fromBits32(b.x(x, 32)));
    else b.setX(x, b.bits32(b.f(v, 32)));
  },
});

const moveTopHalf: AnyRow = row({
  name: 'FMOV (general, top half)',
  encoding: '1 0 0 11110 10 1 01 11 toFloat 000000 Rn:5 Rd:5',
  asm: [
    { text: 'fmov <Xd>, <Vn.d[1]>', set: { toFloat: 0 } },
    { text: 'fmov <Vd.d[1]>, <Xn>', set: { toFloat: 1 } },
  ],
  gate: 'fp',
  split: ['toFloat'],
  decode: (f) => (f.toFloat === 1 ? { v: V(f.Rd), x: X(f.Rn) } : { v: V(f.Rn), x: X(f.Rd) }),
  execute(b, { v, x }, { toFloat }) {
    if (toFloat === 1) b.setV(v, b.withLane(64, b.v(v), 1, b.x(x, 64)));
    else b.setX(x, b.lane(64, b.v(v), 1, false, 64));
  },
});

const moveImmediate: AnyRow = row({
  name: 'FMOV (scalar, immediate)',
  encoding: '0 0 0 11110 ftype:2 1 imm8:8 100 00000 Rd:5',
  asm: precisions('fmov <Fd>, <fimm8>'),
  gate: 'fp',
  split: ['ftype'],
  allocated: ({ ftype }) => isSingleOrDouble(ftype),
  decode: (f) => ({
    d: V(f.Rd),
    bits: f.ftype === 1 ? imm64(0, expandToDouble(f.imm8)) : imm64(expandToSingle(f.imm8), 0),
  }),
  execute(b, { d, bits }, { ftype }) {
    b.setF(d, b.laneToFloat(b.int(64, bits), widthOf(ftype)));
  },
});

/** The rows of this file. */
export const floatMoves: readonly AnyRow[] = [moveGeneral, moveTopHalf, moveImmediate];
