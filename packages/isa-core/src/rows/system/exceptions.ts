// ERET, and what exists in Debug state only (DDI 0487 C4.1.64, H2).

import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const debug = row({
  name: 'DCPS1, DCPS2, DCPS3',
  encoding: '11010100 101 imm16:16 000 LL:2',
  asm: [1, 2, 3].flatMap((LL) => [
    { text: `dcps${String(LL)}`, set: { LL, imm16: 0 } },
    { text: `dcps${String(LL)} <imm16>`, set: { LL } },
  ]),
  ends: 'block',
  decode: (f) => (f.LL === 0 ? undefined : {}),
  execute(b) {
    // This CPU never enters Debug state.
    b.raise('undefined', 0);
  },
});

const eret = row({
  name: 'ERET',
  encoding: '11010110100 11111 000000 11111 00000',
  asm: [{ text: 'eret' }],
  ends: 'block',
  decode: () => ({}),
  execute(b) {
    b.handler('eret');
  },
});

const drps = row({
  name: 'DRPS',
  encoding: '11010110101 11111 000000 11111 00000',
  asm: [{ text: 'drps' }],
  ends: 'block',
  decode: () => ({}),
  execute(b) {
    b.raise('undefined', 0);
  },
});

/** All of them. */
export const exceptionRows: readonly AnyRow[] = [debug, eret, drps];
