// ADD, ADDS, SUB, SUBS (shifted and extended register), ADC, ADCS, SBC, SBCS (DDI 0487 C4.1.5).

import { small, width, X, XSP } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { shifted } from './shifted.ts';

/** ADD, ADDS, SUB, SUBS with a shifted register. */
export const addSubShifted: AnyRow = row({
  name: 'ADD/SUB (shifted register)',
  encoding: 'sf op S 01011 shift:2 0 Rm:5 imm6:6 Rn:5 Rd:5',
  asm: [
    { text: 'cmn <Rn>, <Rm><shift>', set: { op: 0, S: 1, Rd: 31 } },
    { text: 'cmp <Rn>, <Rm><shift>', set: { op: 1, S: 1, Rd: 31 } },
    { text: 'neg <Rd>, <Rm><shift>', set: { op: 1, S: 0, Rn: 31 } },
    { text: 'negs <Rd>, <Rm><shift>', set: { op: 1, S: 1, Rn: 31 } },
    { text: 'add <Rd>, <Rn>, <Rm><shift>', set: { op: 0, S: 0 } },
    { text: 'adds <Rd>, <Rn>, <Rm><shift>', set: { op: 0, S: 1 } },
    { text: 'sub <Rd>, <Rn>, <Rm><shift>', set: { op: 1, S: 0 } },
    { text: 'subs <Rd>, <Rn>, <Rm><shift>', set: { op: 1, S: 1 } },
  ],
  split: ['sf', 'op', 'S', 'shift'],
  allocated: (s) => s.shift !== 3,
  decode: (f) =>
    f.sf === 0 && f.imm6 > 31 ? undefined : { d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), by: small(f.imm6) },
  execute(b, { d, n, m, by }, { sf, op, S, shift }) {
    const w = width(sf);
    const x = b.x(n, w);
    const y = shifted(b, m, w, shift, by);
    if (!S) {
      b.setX(d, op ? b.sub(x, y) : b.add(x, y));
      return;
    }
    const [value, flags] = op ? b.subs(x, y) : b.adds(x, y);
    b.setX(d, value);
    b.setFlags(flags);
  },
});

const EXTENDED_BITS = [8, 16, 32, 64] as const;

/** ADD, ADDS, SUB, SUBS with an extended register. */
export const addSubExtended: AnyRow = row({
  name: 'ADD/SUB (extended register)',
  encoding: 'sf op S 01011 001 Rm:5 option:3 imm3:3 Rn:5 Rd:5',
  asm: [
    { text: 'cmn <Rn|SP>, <extended>', set: { op: 0, S: 1, Rd: 31 } },
    { text: 'cmp <Rn|SP>, <extended>', set: { op: 1, S: 1, Rd: 31 } },
    { text: 'add <Rd|SP>, <Rn|SP>, <extended>', set: { op: 0, S: 0 } },
    { text: 'adds <Rd>, <Rn|SP>, <extended>', set: { op: 0, S: 1 } },
    { text: 'sub <Rd|SP>, <Rn|SP>, <extended>', set: { op: 1, S: 0 } },
    { text: 'subs <Rd>, <Rn|SP>, <extended>', set: { op: 1, S: 1 } },
  ],
  split: ['sf', 'op', 'S', 'option'],
  decode: (f) =>
    f.imm3 > 4 ? undefined : { d: f.S ? X(f.Rd) : XSP(f.Rd), n: XSP(f.Rn), m: X(f.Rm), by: small(f.imm3) },
  execute(b, { d, n, m, by }, { sf, op, S, option }) {
    const w = width(sf);
    const x = b.x(n, w);
    const bits = EXTENDED_BITS[(option & 3) as 0 | 1 | 2 | 3];
    const narrow = w === 32 && bits === 64 ? 32 : bits;
    const y = b.shl(b.extend(b.x(m, w), narrow, (option & 4) !== 0, w), b.int(w, by));
    if (!S) {
      b.setX(d, op ? b.sub(x, y) : b.add(x, y));
      return;
    }
    const [value, flags] = op ? b.subs(x, y) : b.adds(x, y);
    b.setX(d, value);
    b.setFlags(flags);
  },
});

/** ADC, ADCS, SBC, SBCS. */
export const addSubWithCarry: AnyRow = row({
  name: 'ADC/SBC',
  encoding: 'sf op S 11010000 Rm:5 000000 Rn:5 Rd:5',
  asm: [
    { text: 'ngc <Rd>, <Rm>', set: { op: 1, S: 0, Rn: 31 } },
    { text: 'ngcs <Rd>, <Rm>', set: { op: 1, S: 1, Rn: 31 } },
    { text: 'adc <Rd>, <Rn>, <Rm>', set: { op: 0, S: 0 } },
    { text: 'adcs <Rd>, <Rn>, <Rm>', set: { op: 0, S: 1 } },
    { text: 'sbc <Rd>, <Rn>, <Rm>', set: { op: 1, S: 0 } },
    { text: 'sbcs <Rd>, <Rn>, <Rm>', set: { op: 1, S: 1 } },
  ],
  split: ['sf', 'op', 'S'],
  decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm) }),
  execute(b, { d, n, m }, { sf, op, S }) {
    const w = width(sf);
    const y = b.x(m, w);
    const [value, flags] = b.addCarry(b.x(n, w), op ? b.not(y) : y);
    b.setX(d, value);
    if (S) b.setFlags(flags);
  },
});
