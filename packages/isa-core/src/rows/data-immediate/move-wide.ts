// MOVN, MOVZ, MOVK (DDI 0487 C4.1.2).

import { imm64, small, width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** A 16-bit value at one of four places, as signed halves. */
const placed = (value: number, hw: number): readonly [number, number] =>
  hw < 2 ? [value << (16 * hw), 0] : [0, value << (16 * (hw - 2))];

/** MOVZ, MOVN and MOVK. */
export const moveWide: readonly AnyRow[] = [
  row({
    name: 'MOVZ/MOVN',
    encoding: 'sf opc:2 100101 hw:2 imm16:16 Rd:5',
    asm: [
      { text: 'mov <Rd>, <movz>', set: { opc: 2 }, when: (f) => !(f.imm16 === 0 && f.hw !== 0) },
      {
        text: 'mov <Rd>, <movn>',
        set: { opc: 0 },
        when: (f) => !(f.imm16 === 0 && f.hw !== 0) && !(f.sf === 0 && f.imm16 === 0xffff),
      },
      { text: 'movn <Rd>, <imm16hw>', set: { opc: 0 } },
      { text: 'movz <Rd>, <imm16hw>', set: { opc: 2 } },
    ],
    split: ['sf'],
    decode(f) {
      if ((f.sf === 0 && f.hw > 1) || (f.opc & 1) !== 0) return undefined;
      const [low, high] = placed(f.imm16, f.hw);
      return { d: X(f.Rd), i: f.opc === 0 ? imm64(~low, ~high) : imm64(low, high) };
    },
    execute(b, { d, i }, { sf }) {
      b.setX(d, b.int(width(sf), i));
    },
  }),
  row({
    name: 'MOVK',
    encoding: 'sf 11 100101 hw:2 imm16:16 Rd:5',
    asm: [{ text: 'movk <Rd>, <imm16hw>' }],
    split: ['sf'],
    decode: (f) =>
      f.sf === 0 && f.hw > 1 ? undefined : { d: X(f.Rd), i: small(f.imm16), at: small(16 * f.hw) },
    execute(b, { d, i, at }, { sf }) {
      const w = width(sf);
      const kept = b.and(b.x(d, w), b.not(b.shl(b.int(w, 0xffff), b.int(w, at))));
      b.setX(d, b.or(kept, b.shl(b.int(w, i), b.int(w, at))));
    },
  }),
];
