// SYS and SYSL: cache maintenance, TLB maintenance, address translation (DDI 0487 C5.4). Cache maintenance by address is done in
// line where nothing can trap it; the handler `sys` does the rest.

import { small, X } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { idOf } from './ids.ts';
import { operationForms } from './operations.ts';

/** What the operations by address do, by op1 and CRm; op2 is 1 and CRn is 7. */
const byAddress = { '0 6': 'write', '3 5': 'fetch', '3 10': 'read', '3 11': 'read', '3 14': 'read' } as const;
const operationOf = (s: {
  readonly op1: number;
  readonly CRm: number;
}): 'read' | 'write' | 'fetch' | undefined =>
  (byAddress as Partial<Record<string, 'read' | 'write' | 'fetch'>>)[`${String(s.op1)} ${String(s.CRm)}`];

const maintenance = row({
  name: 'DC IVAC, CVAC, CVAU, CIVAC; IC IVAU',
  encoding: '1101010100001 op1:3 0111 CRm:4 001 Rt:5',
  asm: [
    { text: 'ic ivau, <Xt>', set: { op1: 3, CRm: 5 } },
    { text: 'dc ivac, <Xt>', set: { op1: 0, CRm: 6 } },
    { text: 'dc cvac, <Xt>', set: { op1: 3, CRm: 10 } },
    { text: 'dc cvau, <Xt>', set: { op1: 3, CRm: 11 } },
    { text: 'dc civac, <Xt>', set: { op1: 3, CRm: 14 } },
  ],
  split: ['op1', 'CRm'],
  allocated: (s) => operationOf(s) !== undefined,
  decode: (f) =>
    operationOf(f) === undefined
      ? undefined
      : { t: X(f.Rt), id: small(idOf(1, { op1: f.op1, CRn: 7, CRm: f.CRm, op2: 1 })) },
  execute(b, { t, id }, s) {
    const va = b.x(t, 64);
    // DC IVAC is UNDEFINED at EL0, where its encoding says EL1.
    const trapped = s.op1 === 0 ? b.either(b.cacheTrapped(), b.isZero(b.pstate('EL'))) : b.cacheTrapped();
    b.handlerIf(trapped, 'sys', id, va);
    b.cacheOp(va, operationOf(s) ?? 'read');
  },
});

const zero = row({
  name: 'DC ZVA',
  encoding: '1101010100001 011 0111 0100 001 Rt:5',
  asm: [{ text: 'dc zva, <Xt>' }],
  decode: (f) => ({ t: X(f.Rt), id: small(idOf(1, { op1: 3, CRn: 7, CRm: 4, op2: 1 })) }),
  execute(b, { t, id }) {
    const va = b.x(t, 64);
    b.handlerIf(b.cacheTrapped(), 'sys', id, va);
    b.zeroBlock(va);
  },
});

const sys = row({
  name: 'SYS',
  encoding: '1101010100001 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: [
    ...operationForms,
    { text: 'sys <op1>, <Cn>, <Cm>, <op2>', set: { Rt: 31 } },
    { text: 'sys <op1>, <Cn>, <Cm>, <op2>, <Xt>' },
  ],
  ends: 'block',
  decode: (f) => ({ t: X(f.Rt), id: small(idOf(1, f)) }),
  execute(b, { t, id }) {
    b.handler('sys', id, b.x(t, 64));
  },
});

/** Armv8.0 defines none; all are IMPLEMENTATION DEFINED or unallocated. */
const sysl = row({
  name: 'SYSL',
  encoding: '1101010100101 op1:3 CRn:4 CRm:4 op2:3 Rt:5',
  asm: [{ text: 'sysl <Xt>, <op1>, <Cn>, <Cm>, <op2>' }],
  ends: 'block',
  decode: (f) => ({ t: X(f.Rt), id: small(idOf(1, f)) }),
  execute(b, { t, id }) {
    // No register has these numbers: UNDEFINED, or trapped by HCR_EL2.TIDCP.
    b.handlerResult('mrs', t, id);
  },
});

/** All of them; the general ones come last. */
export const sysRows: readonly AnyRow[] = [maintenance, zero, sys, sysl];
