// ADD, ADDS, SUB, SUBS (immediate), ADR, ADRP (DDI 0487 C4.1.2, C6.2).

import { imm, label, signExtend, width, X, XSP } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** ADR and ADRP. */
export const pcRelative: readonly AnyRow[] = [
  row({
    name: 'ADR',
    encoding: '0 immlo:2 10000 immhi:19 Rd:5',
    asm: [{ text: 'adr <Xd>, <adr>' }],
    decode: (f) => ({ d: X(f.Rd), to: label(signExtend((f.immhi << 2) | f.immlo, 21)) }),
    execute(b, { d, to }) {
      b.setX(d, b.pc(to));
    },
  }),
  row({
    name: 'ADRP',
    encoding: '1 immlo:2 10000 immhi:19 Rd:5',
    asm: [{ text: 'adrp <Xd>, <adrp>' }],
    decode: (f) => ({ d: X(f.Rd), pages: imm(signExtend((f.immhi << 2) | f.immlo, 21)) }),
    execute(b, { d, pages }) {
      b.setX(d, b.pcPage(pages));
    },
  }),
];

/** ADD, ADDS, SUB, SUBS with a 12-bit immediate. */
export const arithmeticImmediate: readonly AnyRow[] = [
  row({
    name: 'ADD/SUB (immediate)',
    encoding: 'sf op S 100010 sh imm12:12 Rn:5 Rd:5',
    asm: [
      {
        text: 'mov <Rd|SP>, <Rn|SP>',
        set: { op: 0, S: 0, sh: 0, imm12: 0 },
        when: (f) => f.Rd === 31 || f.Rn === 31,
      },
      { text: 'cmn <Rn|SP>, <imm12sh>', set: { op: 0, S: 1, Rd: 31 } },
      { text: 'cmp <Rn|SP>, <imm12sh>', set: { op: 1, S: 1, Rd: 31 } },
      { text: 'add <Rd|SP>, <Rn|SP>, <imm12sh>', set: { op: 0, S: 0 } },
      { text: 'adds <Rd>, <Rn|SP>, <imm12sh>', set: { op: 0, S: 1 } },
      { text: 'sub <Rd|SP>, <Rn|SP>, <imm12sh>', set: { op: 1, S: 0 } },
      { text: 'subs <Rd>, <Rn|SP>, <imm12sh>', set: { op: 1, S: 1 } },
      // A negative number makes the opposite instruction.
      { text: 'cmp <Rn|SP>, <-imm12sh>', set: { op: 0, S: 1, Rd: 31 }, inputOnly: true },
      { text: 'cmn <Rn|SP>, <-imm12sh>', set: { op: 1, S: 1, Rd: 31 }, inputOnly: true },
      { text: 'sub <Rd|SP>, <Rn|SP>, <-imm12sh>', set: { op: 0, S: 0 }, inputOnly: true },
      { text: 'subs <Rd>, <Rn|SP>, <-imm12sh>', set: { op: 0, S: 1 }, inputOnly: true },
      { text: 'add <Rd|SP>, <Rn|SP>, <-imm12sh>', set: { op: 1, S: 0 }, inputOnly: true },
      { text: 'adds <Rd>, <Rn|SP>, <-imm12sh>', set: { op: 1, S: 1 }, inputOnly: true },
    ],
    split: ['sf', 'op', 'S'],
    decode: (f) => ({
      d: f.S ? X(f.Rd) : XSP(f.Rd),
      n: XSP(f.Rn),
      i: imm(f.imm12 << (f.sh ? 12 : 0)),
    }),
    execute(b, { d, n, i }, { sf, op, S }) {
      const w = width(sf);
      const x = b.x(n, w);
      const y = b.int(w, i);
      if (!S) {
        b.setX(d, op ? b.sub(x, y) : b.add(x, y));
        return;
      }
      const [value, flags] = op ? b.subs(x, y) : b.adds(x, y);
      b.setX(d, value);
      b.setFlags(flags);
    },
  }),
];
