// MSR (immediate): fields of PSTATE (DDI 0487 C6.2.229). The handler `msrImmediate` gets op1:op2 and CRm.

import { small } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/** op1:op2 of the fields, in six bits. */
const Field = { UAO: 0x03, PAN: 0x04, SPSel: 0x05, DAIFSet: 0x1e, DAIFClr: 0x1f } as const;

const daif = row({
  name: 'MSR DAIFSet, DAIFClr',
  encoding: '1101010100000 011 0100 CRm:4 11 clear 11111',
  asm: [
    { text: 'msr daifset, <CRm>', set: { clear: 0 } },
    { text: 'msr daifclr, <CRm>', set: { clear: 1 } },
  ],
  ends: 'block',
  split: ['clear'],
  decode: (f) => ({ bits: small(f.CRm), field: small(f.clear === 1 ? Field.DAIFClr : Field.DAIFSet) }),
  execute(b, { bits, field }, { clear }) {
    // EL0 needs SCTLR_EL1.UMA. The handler looks.
    b.handlerIf(b.isZero(b.pstate('EL')), 'msrImmediate', field, bits);
    const old = b.pstate('DAIF');
    const mask = b.int(32, bits);
    b.setDaif(clear === 1 ? b.and(old, b.not(mask)) : b.or(old, mask));
  },
});

const field = (name: string, encoding: string, text: string, code: number, feature?: string): AnyRow =>
  row({
    name,
    encoding: encoding as '1101010100000 000 0100 CRm:4 000 11111',
    // binutils has no name for other values.
    asm: [{ text, when: (f) => f.CRm < 2 }, { text: `msr s0_0_c4_c<CRm:digits>_${String(code & 7)}, xzr` }],
    ...(feature !== undefined && { feature }),
    ends: 'block',
    decode: (f) => ({ field: small(code), bits: small(f.CRm) }),
    execute(b, o) {
      b.handler('msrImmediate', o.field, o.bits);
    },
  });

/** All of them. */
export const pstateRows: readonly AnyRow[] = [
  daif,
  field('MSR SPSel', '1101010100000 000 0100 CRm:4 101 11111', 'msr spsel, <CRm>', Field.SPSel),
  field('MSR PAN', '1101010100000 000 0100 CRm:4 100 11111', 'msr pan, <CRm>', Field.PAN, 'pan'),
  field('MSR UAO', '1101010100000 000 0100 CRm:4 011 11111', 'msr uao, <CRm>', Field.UAO, 'uao'),
];
