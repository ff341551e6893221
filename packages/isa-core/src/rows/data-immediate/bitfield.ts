// SBFM, BFM, UBFM, EXTR (DDI 0487 C4.1.2).

import { imm64, small, width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** `count` ones from bit `at` up, as signed halves. */
function ones(count: number, at: number): readonly [number, number] {
  const mask = ((1n << BigInt(count)) - 1n) << BigInt(at);
  return [Number(mask & 0xffff_ffffn) | 0, Number((mask >> 32n) & 0xffff_ffffn) | 0];
}

const reserved = (f: { sf: number; N: number; immr: number; imms: number }): boolean =>
  f.N !== f.sf || (f.sf === 0 && (f.immr > 31 || f.imms > 31));

const top = (f: { sf: number }): number => (f.sf ? 63 : 31);

/** SBFM and UBFM, BFM, EXTR. */
export const bitfieldRows: readonly AnyRow[] = [
  row({
    name: 'SBFM/UBFM',
    encoding: 'sf unsigned 0 100110 N immr:6 imms:6 Rn:5 Rd:5',
    asm: [
      { text: 'asr <Rd>, <Rn>, <immr>', set: { unsigned: 0 }, when: (f) => f.imms === top(f) },
      { text: 'sxtb <Wd>, <Wn>', set: { sf: 0, unsigned: 0, N: 0, immr: 0, imms: 7 } },
      { text: 'sxth <Wd>, <Wn>', set: { sf: 0, unsigned: 0, N: 0, immr: 0, imms: 15 } },
      { text: 'sxtb <Xd>, <Wn>', set: { sf: 1, unsigned: 0, N: 1, immr: 0, imms: 7 } },
      { text: 'sxth <Xd>, <Wn>', set: { sf: 1, unsigned: 0, N: 1, immr: 0, imms: 15 } },
      { text: 'sxtw <Xd>, <Wn>', set: { sf: 1, unsigned: 0, N: 1, immr: 0, imms: 31 } },
      { text: 'sbfiz <Rd>, <Rn>, <bfiz>', set: { unsigned: 0 }, when: (f) => f.imms < f.immr },
      { text: 'sbfx <Rd>, <Rn>, <bfx>', set: { unsigned: 0 }, when: (f) => f.imms >= f.immr },
      {
        text: 'lsl <Rd>, <Rn>, <lslshift>',
        set: { unsigned: 1 },
        when: (f) => f.imms !== top(f) && f.imms + 1 === f.immr,
      },
      {
        text: 'lsl <Rd>, <Rn>, <lslshift>',
        set: { unsigned: 1, immr: 0 },
        when: (f) => f.imms === top(f),
        inputOnly: true,
      },
      { text: 'lsr <Rd>, <Rn>, <immr>', set: { unsigned: 1 }, when: (f) => f.imms === top(f) },
      { text: 'uxtb <Wd>, <Wn>', set: { sf: 0, unsigned: 1, N: 0, immr: 0, imms: 7 } },
      { text: 'uxth <Wd>, <Wn>', set: { sf: 0, unsigned: 1, N: 0, immr: 0, imms: 15 } },
      { text: 'ubfiz <Rd>, <Rn>, <bfiz>', set: { unsigned: 1 }, when: (f) => f.imms < f.immr },
      { text: 'ubfx <Rd>, <Rn>, <bfx>', set: { unsigned: 1 }, when: (f) => f.imms >= f.immr },
    ],
    split: ['sf', 'unsigned'],
    decode(f) {
      if (reserved(f)) return undefined;
      const up = top(f) - f.imms;
      const down = f.imms >= f.immr ? up + f.immr : f.immr - f.imms - 1;
      return { d: X(f.Rd), n: X(f.Rn), up: small(up), down: small(down) };
    },
    execute(b, { d, n, up, down }, { sf, unsigned }) {
      const w = width(sf);
      const high = b.shl(b.x(n, w), b.int(w, up));
      const k = b.int(w, down);
      b.setX(d, unsigned ? b.shr(high, k) : b.sar(high, k));
    },
  }),
  row({
    name: 'BFM',
    encoding: 'sf 01 100110 N immr:6 imms:6 Rn:5 Rd:5',
    asm: [
      { text: 'bfi <Rd>, <Rn>, <bfiz>', when: (f) => f.imms < f.immr && f.Rn !== 31 },
      { text: 'bfc <Rd>, <bfiz>', set: { Rn: 31 }, when: (f) => f.imms < f.immr },
      { text: 'bfxil <Rd>, <Rn>, <bfx>', when: (f) => f.imms >= f.immr },
    ],
    split: ['sf'],
    decode(f) {
      if (reserved(f)) return undefined;
      const w = top(f) + 1;
      const insert = f.imms < f.immr;
      const [low, high] = insert ? ones(f.imms + 1, w - f.immr) : ones(f.imms - f.immr + 1, 0);
      return { d: X(f.Rd), n: X(f.Rn), turn: small(f.immr), mask: imm64(low, high) };
    },
    execute(b, { d, n, turn, mask }, { sf }) {
      const w = width(sf);
      const m = b.int(w, mask);
      const moved = b.ror(b.x(n, w), b.int(w, turn));
      b.setX(d, b.or(b.and(b.x(d, w), b.not(m)), b.and(moved, m)));
    },
  }),
  row({
    name: 'EXTR',
    encoding: 'sf 00 100111 N 0 Rm:5 imms:6 Rn:5 Rd:5',
    asm: [
      { text: 'ror <Rd>, <Rn=Rm>, <lsb>', when: (f) => f.Rn === f.Rm },
      { text: 'extr <Rd>, <Rn>, <Rm>, <lsb>' },
    ],
    split: ['sf'],
    decode(f) {
      if (f.N !== f.sf || (f.sf === 0 && f.imms > 31)) return undefined;
      // A shift by the whole width is one by less and then by one: n << 1 << (w - 1 - lsb).
      return { d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), lsb: small(f.imms), up: small(top(f) - f.imms) };
    },
    execute(b, { d, n, m, lsb, up }, { sf }) {
      const w = width(sf);
      const high = b.shl(b.shl(b.x(n, w), b.int(w, 1)), b.int(w, up));
      b.setX(d, b.or(high, b.shr(b.x(m, w), b.int(w, lsb))));
    },
  }),
];
