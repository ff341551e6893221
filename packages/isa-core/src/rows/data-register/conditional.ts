// Conditional compare and conditional select (DDI 0487 C4.1.5).

import { cond, small, width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const invertible = (f: { cond: number }): boolean => f.cond < 14;

/** CCMN, CCMP, CSEL and its kin. */
export const conditionalRows: readonly AnyRow[] = [
  row({
    name: 'CCMN/CCMP (register)',
    encoding: 'sf op 111010010 Rm:5 cond:4 00 Rn:5 0 nzcv:4',
    asm: [
      { text: 'ccmn <Rn>, <Rm>, <nzcv>, <cond>', set: { op: 0 } },
      { text: 'ccmp <Rn>, <Rm>, <nzcv>, <cond>', set: { op: 1 } },
    ],
    split: ['sf', 'op'],
    decode: (f) => ({ n: X(f.Rn), m: X(f.Rm), flags: small(f.nzcv), c: cond(f.cond) }),
    execute(b, { n, m, flags, c }, { sf, op }) {
      const w = width(sf);
      const x = b.x(n, w);
      const y = b.x(m, w);
      const [, compared] = op ? b.subs(x, y) : b.adds(x, y);
      b.setFlags(b.select(b.holds(c), compared, b.nzcv(flags)));
    },
  }),
  row({
    name: 'CCMN/CCMP (immediate)',
    encoding: 'sf op 111010010 imm5:5 cond:4 10 Rn:5 0 nzcv:4',
    asm: [
      { text: 'ccmn <Rn>, <imm5>, <nzcv>, <cond>', set: { op: 0 } },
      { text: 'ccmp <Rn>, <imm5>, <nzcv>, <cond>', set: { op: 1 } },
    ],
    split: ['sf', 'op'],
    decode: (f) => ({ n: X(f.Rn), i: small(f.imm5), flags: small(f.nzcv), c: cond(f.cond) }),
    execute(b, { n, i, flags, c }, { sf, op }) {
      const w = width(sf);
      const x = b.x(n, w);
      const y = b.int(w, i);
      const [, compared] = op ? b.subs(x, y) : b.adds(x, y);
      b.setFlags(b.select(b.holds(c), compared, b.nzcv(flags)));
    },
  }),
  row({
    name: 'CSEL/CSINC/CSINV/CSNEG',
    encoding: 'sf inverted 011010100 Rm:5 cond:4 0 increment Rn:5 Rd:5',
    asm: [
      { text: 'cset <Rd>, <invcond>', set: { inverted: 0, increment: 1, Rn: 31, Rm: 31 }, when: invertible },
      { text: 'csetm <Rd>, <invcond>', set: { inverted: 1, increment: 0, Rn: 31, Rm: 31 }, when: invertible },
      {
        text: 'cinc <Rd>, <Rn=Rm>, <invcond>',
        set: { inverted: 0, increment: 1 },
        when: (f) => invertible(f) && f.Rn === f.Rm && f.Rn !== 31,
      },
      {
        text: 'cinv <Rd>, <Rn=Rm>, <invcond>',
        set: { inverted: 1, increment: 0 },
        when: (f) => invertible(f) && f.Rn === f.Rm && f.Rn !== 31,
      },
      {
        text: 'cneg <Rd>, <Rn=Rm>, <invcond>',
        set: { inverted: 1, increment: 1 },
        when: (f) => invertible(f) && f.Rn === f.Rm,
      },
      { text: 'csel <Rd>, <Rn>, <Rm>, <cond>', set: { inverted: 0, increment: 0 } },
      { text: 'csinc <Rd>, <Rn>, <Rm>, <cond>', set: { inverted: 0, increment: 1 } },
      { text: 'csinv <Rd>, <Rn>, <Rm>, <cond>', set: { inverted: 1, increment: 0 } },
      { text: 'csneg <Rd>, <Rn>, <Rm>, <cond>', set: { inverted: 1, increment: 1 } },
    ],
    split: ['sf', 'inverted', 'increment'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), c: cond(f.cond) }),
    execute(b, { d, n, m, c }, { sf, inverted, increment }) {
      const w = width(sf);
      const y = b.x(m, w);
      const z = inverted ? b.not(y) : y;
      b.setX(d, b.select(b.holds(c), b.x(n, w), increment ? b.add(z, b.int(w, 1)) : z));
    },
  }),
];
