// UDIV, SDIV, variable shifts, CRC32 (DDI 0487 C4.1.5).

import { width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const CRC_BYTES = [1, 2, 4, 8] as const;

/** Data processing with two sources. */
export const twoSource: readonly AnyRow[] = [
  row({
    name: 'UDIV/SDIV',
    encoding: 'sf 0 0 11010110 Rm:5 00001 signed Rn:5 Rd:5',
    asm: [
      { text: 'udiv <Rd>, <Rn>, <Rm>', set: { signed: 0 } },
      { text: 'sdiv <Rd>, <Rn>, <Rm>', set: { signed: 1 } },
    ],
    split: ['sf', 'signed'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm) }),
    execute(b, { d, n, m }, { sf, signed }) {
      const w = width(sf);
      b.setX(d, b.div(b.x(n, w), b.x(m, w), signed === 1));
    },
  }),
  row({
    name: 'LSLV/LSRV/ASRV/RORV',
    encoding: 'sf 0 0 11010110 Rm:5 0010 op2:2 Rn:5 Rd:5',
    asm: [
      { text: 'lsl <Rd>, <Rn>, <Rm>', set: { op2: 0 } },
      { text: 'lslv <Rd>, <Rn>, <Rm>', set: { op2: 0 }, inputOnly: true },
      { text: 'lsr <Rd>, <Rn>, <Rm>', set: { op2: 1 } },
      { text: 'lsrv <Rd>, <Rn>, <Rm>', set: { op2: 1 }, inputOnly: true },
      { text: 'asr <Rd>, <Rn>, <Rm>', set: { op2: 2 } },
      { text: 'asrv <Rd>, <Rn>, <Rm>', set: { op2: 2 }, inputOnly: true },
      { text: 'ror <Rd>, <Rn>, <Rm>', set: { op2: 3 } },
      { text: 'rorv <Rd>, <Rn>, <Rm>', set: { op2: 3 }, inputOnly: true },
    ],
    split: ['sf', 'op2'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm) }),
    execute(b, { d, n, m }, { sf, op2 }) {
      const w = width(sf);
      const x = b.x(n, w);
      const by = b.x(m, w);
      b.setX(
        d,
        op2 === 0 ? b.shl(x, by) : op2 === 1 ? b.shr(x, by) : op2 === 2 ? b.sar(x, by) : b.ror(x, by),
      );
    },
  }),
  row({
    name: 'CRC32',
    encoding: 'sf 0 0 11010110 Rm:5 010 C sz:2 Rn:5 Rd:5',
    feature: 'crc32',
    asm: [
      { text: 'crc32b <Wd>, <Wn>, <Wm>', set: { C: 0, sz: 0 } },
      { text: 'crc32h <Wd>, <Wn>, <Wm>', set: { C: 0, sz: 1 } },
      { text: 'crc32w <Wd>, <Wn>, <Wm>', set: { C: 0, sz: 2 } },
      { text: 'crc32x <Wd>, <Wn>, <Xm>', set: { sf: 1, C: 0, sz: 3 } },
      { text: 'crc32cb <Wd>, <Wn>, <Wm>', set: { C: 1, sz: 0 } },
      { text: 'crc32ch <Wd>, <Wn>, <Wm>', set: { C: 1, sz: 1 } },
      { text: 'crc32cw <Wd>, <Wn>, <Wm>', set: { C: 1, sz: 2 } },
      { text: 'crc32cx <Wd>, <Wn>, <Xm>', set: { sf: 1, C: 1, sz: 3 } },
    ],
    split: ['sf', 'C', 'sz'],
    allocated: (s) => (s.sf === 1) === (s.sz === 3),
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm) }),
    execute(b, { d, n, m }, { C, sz }) {
      const bytes = CRC_BYTES[sz as 0 | 1 | 2 | 3];
      b.setX(d, b.crc32(b.x(n, 32), b.x(m, 64), bytes, C === 1));
    },
  }),
];
