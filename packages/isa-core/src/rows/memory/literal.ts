// Loads of a literal (DDI 0487 C4.1.88, Load register (literal)).

import { label, signExtend, V, X } from '../../semantics/operands.ts';
import { intLayout, vecLayout } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

const literal = row({
  name: 'Load register (literal)',
  encoding: 'opc:2 011 0 00 imm19:19 Rt:5',
  asm: [
    { text: 'ldr <Wt>, <label19>', set: { opc: 0 } },
    { text: 'ldr <Xt>, <label19>', set: { opc: 1 } },
    { text: 'ldrsw <Xt>, <label19>', set: { opc: 2 } },
  ],
  split: ['opc'],
  allocated: (s) => s.opc !== 3,
  decode: (f) => (f.opc === 3 ? undefined : { t: X(f.Rt), at: label(signExtend(f.imm19, 19) * 4) }),
  execute(b, { t, at }, { opc }) {
    const va = b.pc(at);
    if (opc === 0) b.setX(t, b.load(va, intLayout(32)));
    else b.setX(t, b.load(va, opc === 1 ? intLayout(64) : intLayout(64, 4, true)));
  },
});

const literalBytes = [4, 8, 16] as const;

const literalVector = row({
  name: 'Load register (literal, SIMD&FP)',
  encoding: 'opc:2 011 1 00 imm19:19 Rt:5',
  asm: [
    { text: 'ldr <St>, <label19>', set: { opc: 0 } },
    { text: 'ldr <Dt>, <label19>', set: { opc: 1 } },
    { text: 'ldr <Qt>, <label19>', set: { opc: 2 } },
  ],
  gate: 'fp',
  split: ['opc'],
  allocated: (s) => s.opc !== 3,
  decode: (f) => (f.opc === 3 ? undefined : { t: V(f.Rt), at: label(signExtend(f.imm19, 19) * 4) }),
  execute(b, { t, at }, { opc }) {
    b.setV(t, b.load(b.pc(at), vecLayout(literalBytes[opc] ?? 16)));
  },
});

/** All of them. */
export const literalRows: readonly AnyRow[] = [literal, literalVector];
