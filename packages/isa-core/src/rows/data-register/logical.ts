// Logical (shifted register) (DDI 0487 C4.1.5).

import { small, width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { shifted } from './shifted.ts';

/** AND, BIC, ORR, ORN, EOR, EON, ANDS, BICS. */
export const logicalShifted: AnyRow = row({
  name: 'Logical (shifted register)',
  encoding: 'sf opc:2 01010 shift:2 N Rm:5 imm6:6 Rn:5 Rd:5',
  asm: [
    { text: 'mov <Rd>, <Rm>', set: { opc: 1, N: 0, shift: 0, imm6: 0, Rn: 31 } },
    { text: 'mvn <Rd>, <Rm><shift>', set: { opc: 1, N: 1, Rn: 31 } },
    { text: 'tst <Rn>, <Rm><shift>', set: { opc: 3, N: 0, Rd: 31 } },
    { text: 'and <Rd>, <Rn>, <Rm><shift>', set: { opc: 0, N: 0 } },
    { text: 'bic <Rd>, <Rn>, <Rm><shift>', set: { opc: 0, N: 1 } },
    { text: 'orr <Rd>, <Rn>, <Rm><shift>', set: { opc: 1, N: 0 } },
    { text: 'orn <Rd>, <Rn>, <Rm><shift>', set: { opc: 1, N: 1 } },
    { text: 'eor <Rd>, <Rn>, <Rm><shift>', set: { opc: 2, N: 0 } },
    { text: 'eon <Rd>, <Rn>, <Rm><shift>', set: { opc: 2, N: 1 } },
    { text: 'ands <Rd>, <Rn>, <Rm><shift>', set: { opc: 3, N: 0 } },
    { text: 'bics <Rd>, <Rn>, <Rm><shift>', set: { opc: 3, N: 1 } },
  ],
  split: ['sf', 'opc', 'shift', 'N'],
  decode: (f) =>
    f.sf === 0 && f.imm6 > 31 ? undefined : { d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), by: small(f.imm6) },
  execute(b, { d, n, m, by }, { sf, opc, shift, N }) {
    const w = width(sf);
    const x = b.x(n, w);
    const plain = shifted(b, m, w, shift, by);
    const y = N ? b.not(plain) : plain;
    const value = opc === 1 ? b.or(x, y) : opc === 2 ? b.xor(x, y) : b.and(x, y);
    b.setX(d, value);
    if (opc === 3) b.setFlags(b.logical(value));
  },
});
