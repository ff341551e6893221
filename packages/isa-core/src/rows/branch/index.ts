// Branches and exception generation (DDI 0487 C4.1.3).

import { cond, label, signExtend, small, width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { exceptionRows } from './exceptions.ts';

const immediate: readonly AnyRow[] = [
  row({
    name: 'B/BL',
    encoding: 'link 00101 imm26:26',
    ends: 'block',
    asm: [
      { text: 'b <label26>', set: { link: 0 } },
      { text: 'bl <label26>', set: { link: 1 } },
    ],
    split: ['link'],
    decode: (f) => ({ to: label(signExtend(f.imm26, 26) * 4) }),
    execute(b, { to }, { link }) {
      if (link) b.call(to);
      else b.jump(to);
    },
  }),
  row({
    name: 'B.cond',
    encoding: '01010100 imm19:19 0 cond:4',
    ends: 'block',
    asm: [{ text: 'b.<bcond> <label19>' }],
    split: ['cond'],
    decode: (f) => ({ c: cond(f.cond), to: label(signExtend(f.imm19, 19) * 4) }),
    execute(b, { c, to }) {
      b.jumpIf(b.holds(c), to);
    },
  }),
  row({
    name: 'CBZ/CBNZ',
    encoding: 'sf 011010 op imm19:19 Rt:5',
    ends: 'block',
    asm: [
      { text: 'cbz <Rt>, <label19>', set: { op: 0 } },
      { text: 'cbnz <Rt>, <label19>', set: { op: 1 } },
    ],
    split: ['sf', 'op'],
    decode: (f) => ({ t: X(f.Rt), to: label(signExtend(f.imm19, 19) * 4) }),
    execute(b, { t, to }, { sf, op }) {
      const zero = b.isZero(b.x(t, width(sf)));
      b.jumpIf(op ? b.invert(zero) : zero, to);
    },
  }),
  row({
    name: 'TBZ/TBNZ',
    encoding: 'b5 011011 op b40:5 imm14:14 Rt:5',
    ends: 'block',
    asm: [
      { text: 'tbz <Rt:b5>, <bit>, <label14>', set: { op: 0 } },
      { text: 'tbnz <Rt:b5>, <bit>, <label14>', set: { op: 1 } },
    ],
    split: ['op'],
    decode: (f) => ({
      t: X(f.Rt),
      n: small((f.b5 << 5) | f.b40),
      to: label(signExtend(f.imm14, 14) * 4),
    }),
    execute(b, { t, n, to }, { op }) {
      const set = b.bit(b.x(t, 64), n);
      b.jumpIf(op ? set : b.invert(set), to);
    },
  }),
];

const HOW = ['jump', 'call', 'return'] as const;

const register: AnyRow = row({
  name: 'BR/BLR/RET',
  encoding: '1101011 00 opc:2 11111 000000 Rn:5 00000',
  ends: 'block',
  asm: [
    { text: 'br <Xn>', set: { opc: 0 } },
    { text: 'blr <Xn>', set: { opc: 1 } },
    { text: 'ret', set: { opc: 2, Rn: 30 } },
    { text: 'ret <Xn>', set: { opc: 2 } },
  ],
  split: ['opc'],
  allocated: (s) => s.opc !== 3,
  decode: (f) => ({ n: X(f.Rn) }),
  execute(b, { n }, { opc }) {
    b.jumpTo(b.x(n, 64), HOW[opc as 0 | 1 | 2]);
  },
});

/** All of them. */
export const branchRows: readonly AnyRow[] = [...immediate, register, ...exceptionRows];
