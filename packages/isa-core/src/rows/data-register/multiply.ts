// Data processing with three sources: MADD, MSUB, the long forms, SMULH, UMULH (DDI 0487 C4.1.5).

import { width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** All of them. */
export const multiplyRows: readonly AnyRow[] = [
  row({
    name: 'MADD/MSUB',
    encoding: 'sf 00 11011 000 Rm:5 o0 Ra:5 Rn:5 Rd:5',
    asm: [
      { text: 'mul <Rd>, <Rn>, <Rm>', set: { o0: 0, Ra: 31 } },
      { text: 'mneg <Rd>, <Rn>, <Rm>', set: { o0: 1, Ra: 31 } },
      { text: 'madd <Rd>, <Rn>, <Rm>, <Ra>', set: { o0: 0 } },
      { text: 'msub <Rd>, <Rn>, <Rm>, <Ra>', set: { o0: 1 } },
    ],
    split: ['sf', 'o0'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), a: X(f.Ra) }),
    execute(b, { d, n, m, a }, { sf, o0 }) {
      const w = width(sf);
      const product = b.mul(b.x(n, w), b.x(m, w));
      b.setX(d, o0 ? b.sub(b.x(a, w), product) : b.add(b.x(a, w), product));
    },
  }),
  row({
    name: 'SMADDL/UMADDL/SMSUBL/UMSUBL',
    encoding: '1 00 11011 U 01 Rm:5 o0 Ra:5 Rn:5 Rd:5',
    asm: [
      { text: 'smull <Xd>, <Wn>, <Wm>', set: { U: 0, o0: 0, Ra: 31 } },
      { text: 'smnegl <Xd>, <Wn>, <Wm>', set: { U: 0, o0: 1, Ra: 31 } },
      { text: 'smaddl <Xd>, <Wn>, <Wm>, <Xa>', set: { U: 0, o0: 0 } },
      { text: 'smsubl <Xd>, <Wn>, <Wm>, <Xa>', set: { U: 0, o0: 1 } },
      { text: 'umull <Xd>, <Wn>, <Wm>', set: { U: 1, o0: 0, Ra: 31 } },
      { text: 'umnegl <Xd>, <Wn>, <Wm>', set: { U: 1, o0: 1, Ra: 31 } },
      { text: 'umaddl <Xd>, <Wn>, <Wm>, <Xa>', set: { U: 1, o0: 0 } },
      { text: 'umsubl <Xd>, <Wn>, <Wm>, <Xa>', set: { U: 1, o0: 1 } },
    ],
    split: ['U', 'o0'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm), a: X(f.Ra) }),
    execute(b, { d, n, m, a }, { U, o0 }) {
      const x = b.extend(b.x(n, 32), 32, U === 0, 64);
      const product = b.mul(x, b.extend(b.x(m, 32), 32, U === 0, 64));
      b.setX(d, o0 ? b.sub(b.x(a, 64), product) : b.add(b.x(a, 64), product));
    },
  }),
  row({
    name: 'SMULH/UMULH',
    encoding: '1 00 11011 U 10 Rm:5 0 Ra:5 Rn:5 Rd:5',
    asm: [
      // Ra should be ones, and is so when assembled.
      { text: 'smulh <Xd>, <Xn>, <Xm>', set: { U: 0, Ra: 31 } },
      { text: 'smulh <Xd>, <Xn>, <Xm>', set: { U: 0 } },
      { text: 'umulh <Xd>, <Xn>, <Xm>', set: { U: 1, Ra: 31 } },
      { text: 'umulh <Xd>, <Xn>, <Xm>', set: { U: 1 } },
    ],
    split: ['U'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn), m: X(f.Rm) }),
    execute(b, { d, n, m }, { U }) {
      b.setX(d, b.mulHigh(b.x(n, 64), b.x(m, 64), U === 0));
    },
  }),
];
