// Instructions that generate an exception, and returns from one (DDI 0487 C4.1.64).

import { imm } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** What opc:LL asks for. DCPSn is UNDEFINED outside Debug state. */
const kinds = {
  1: { what: 'svc', text: 'svc <imm16>' },
  2: { what: 'hvc', text: 'hvc <imm16>' },
  3: { what: 'smc', text: 'smc <imm16>' },
  4: { what: 'brk', text: 'brk <imm16>' },
  8: { what: 'hlt', text: 'hlt <imm16>' },
  21: { what: 'undefined', text: 'dcps1{ <imm16opt>}' },
  22: { what: 'undefined', text: 'dcps2{ <imm16opt>}' },
  23: { what: 'undefined', text: 'dcps3{ <imm16opt>}' },
} as const;
const kindOf = (s: {
  readonly opc: number;
  readonly LL: number;
}): (typeof kinds)[keyof typeof kinds] | undefined =>
  (kinds as Partial<Record<number, (typeof kinds)[keyof typeof kinds]>>)[(s.opc << 2) | s.LL];

const generation = row({
  name: 'Exception generation',
  encoding: '11010100 opc:3 imm16:16 000 LL:2',
  asm: Object.entries(kinds).map(([key, { text }]) => ({
    text,
    set: { opc: Number(key) >> 2, LL: Number(key) & 3 },
  })),
  ends: 'block',
  split: ['opc', 'LL'],
  allocated: (s) => kindOf(s) !== undefined,
  decode: (f) => (kindOf(f) === undefined ? undefined : { i: imm(f.imm16) }),
  execute(b, { i }, s) {
    b.raise(kindOf(s)?.what ?? 'undefined', i);
  },
});

const udf = row({
  name: 'UDF',
  encoding: '0000000000000000 imm16:16',
  asm: [{ text: 'udf <udf16>' }],
  ends: 'block',
  decode: () => ({}),
  execute(b) {
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

/** Only in Debug state, which this CPU never enters. */
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
export const exceptionRows: readonly AnyRow[] = [generation, udf, eret, drps];
