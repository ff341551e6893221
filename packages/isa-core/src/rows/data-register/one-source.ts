// RBIT, REV16, REV32, REV, CLZ, CLS (DDI 0487 C4.1.5).

import { width, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** Data processing with one source. */
export const oneSource: readonly AnyRow[] = [
  row({
    name: 'RBIT/REV',
    encoding: 'sf 1 0 11010110 00000 0000 opc:2 Rn:5 Rd:5',
    asm: [
      { text: 'rbit <Rd>, <Rn>', set: { opc: 0 } },
      { text: 'rev16 <Rd>, <Rn>', set: { opc: 1 } },
      { text: 'rev <Rd>, <Rn>', set: { opc: 2, sf: 0 } },
      { text: 'rev32 <Rd>, <Rn>', set: { opc: 2, sf: 1 } },
      { text: 'rev <Rd>, <Rn>', set: { opc: 3, sf: 1 } },
    ],
    split: ['sf', 'opc'],
    allocated: (s) => s.sf === 1 || s.opc !== 3,
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn) }),
    execute(b, { d, n }, { sf, opc }) {
      const w = width(sf);
      const x = b.x(n, w);
      b.setX(d, opc === 0 ? b.reverseBits(x) : b.reverseBytes(x, opc === 1 ? 16 : opc === 2 ? 32 : 64));
    },
  }),
  row({
    name: 'CLZ/CLS',
    encoding: 'sf 1 0 11010110 00000 00010 signs Rn:5 Rd:5',
    asm: [
      { text: 'clz <Rd>, <Rn>', set: { signs: 0 } },
      { text: 'cls <Rd>, <Rn>', set: { signs: 1 } },
    ],
    split: ['sf', 'signs'],
    decode: (f) => ({ d: X(f.Rd), n: X(f.Rn) }),
    execute(b, { d, n }, { sf, signs }) {
      const w = width(sf);
      const x = b.x(n, w);
      if (!signs) {
        b.setX(d, b.clz(x));
        return;
      }
      // Bits that differ from the one below the sign; the sign itself never does.
      b.setX(d, b.sub(b.clz(b.xor(x, b.sar(x, b.int(w, 1)))), b.int(w, 1)));
    },
  }),
];
