// Loads and stores with an immediate offset: scaled, unscaled, post- and pre-indexed, unprivileged (DDI 0487 C4.1.88).
//
// CONSTRAINED UNPREDICTABLE: with write-back and the base among the registers that move, a load leaves the written-back
// address in it, a store stores its old value. This is what QEMU does.

import type { Builder } from '../../semantics/builder.ts';
import { imm, signExtend, V, X, XSP } from '../../semantics/operands.ts';
import type { Gpr, Imm } from '../../semantics/operands.ts';
import type { Int } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { intForms, vectorForms } from './forms.ts';
import { isIntTransfer, isVectorTransfer, transferInt, transferVector, vectorScale } from './transfer.ts';

const LOAD_STORE = ['ldr', 'str'] as const;
const UNSCALED = ['ldur', 'stur'] as const;

const offset = (b: Builder, n: Gpr, i: Imm): Int<64> => b.add(b.address(n), b.int(64, i));

const unsignedOffset = row({
  name: 'Load/store register (unsigned immediate)',
  encoding: 'size:2 111 0 01 opc:2 imm12:12 Rn:5 Rt:5',
  asm: intForms(LOAD_STORE, '[<Xn|SP>{, <pimm>}]'),
  split: ['size', 'opc'],
  allocated: isIntTransfer,
  decode: (f) => (isIntTransfer(f) ? { t: X(f.Rt), n: XSP(f.Rn), i: imm(f.imm12 << f.size) } : undefined),
  execute(b, { t, n, i }, s) {
    transferInt(b, t, offset(b, n, i), s);
  },
});

const unsignedOffsetVector = row({
  name: 'Load/store register (unsigned immediate, SIMD&FP)',
  encoding: 'size:2 111 1 01 opc:2 imm12:12 Rn:5 Rt:5',
  asm: vectorForms(LOAD_STORE, '[<Xn|SP>{, <vpimm>}]'),
  gate: 'fp',
  split: ['size', 'opc'],
  allocated: isVectorTransfer,
  decode: (f) =>
    isVectorTransfer(f) ? { t: V(f.Rt), n: XSP(f.Rn), i: imm(f.imm12 << vectorScale(f)) } : undefined,
  execute(b, { t, n, i }, s) {
    transferVector(b, t, offset(b, n, i), s);
  },
});

const unscaled = row({
  name: 'Load/store register (unscaled immediate)',
  encoding: 'size:2 111 0 00 opc:2 0 imm9:9 00 Rn:5 Rt:5',
  asm: [
    ...intForms(UNSCALED, '[<Xn|SP>{, <simm9opt>}]'),
    ...intForms(LOAD_STORE, '[<Xn|SP>, <simm9>]', { inputOnly: true }),
  ],
  split: ['size', 'opc'],
  allocated: isIntTransfer,
  decode: (f) => (isIntTransfer(f) ? { t: X(f.Rt), n: XSP(f.Rn), i: imm(signExtend(f.imm9, 9)) } : undefined),
  execute(b, { t, n, i }, s) {
    transferInt(b, t, offset(b, n, i), s);
  },
});

const unscaledVector = row({
  name: 'Load/store register (unscaled immediate, SIMD&FP)',
  encoding: 'size:2 111 1 00 opc:2 0 imm9:9 00 Rn:5 Rt:5',
  asm: [
    ...vectorForms(UNSCALED, '[<Xn|SP>{, <simm9opt>}]'),
    ...vectorForms(LOAD_STORE, '[<Xn|SP>, <simm9>]', { inputOnly: true }),
  ],
  gate: 'fp',
  split: ['size', 'opc'],
  allocated: isVectorTransfer,
  decode: (f) =>
    isVectorTransfer(f) ? { t: V(f.Rt), n: XSP(f.Rn), i: imm(signExtend(f.imm9, 9)) } : undefined,
  execute(b, { t, n, i }, s) {
    transferVector(b, t, offset(b, n, i), s);
  },
});

const unprivileged = row({
  name: 'Load/store register (unprivileged)',
  encoding: 'size:2 111 0 00 opc:2 0 imm9:9 10 Rn:5 Rt:5',
  asm: intForms(['ldtr', 'sttr'], '[<Xn|SP>{, <simm9opt>}]'),
  split: ['size', 'opc'],
  allocated: isIntTransfer,
  decode: (f) => (isIntTransfer(f) ? { t: X(f.Rt), n: XSP(f.Rn), i: imm(signExtend(f.imm9, 9)) } : undefined),
  execute(b, { t, n, i }, s) {
    transferInt(b, t, offset(b, n, i), s, { unprivileged: true });
  },
});

/** The address of an indexed access, and the base as it is written back. */
const indexed = (b: Builder, n: Gpr, i: Imm, pre: number): { va: Int<64>; moved: Int<64> } => {
  const moved = offset(b, n, i);
  return { va: pre === 1 ? moved : b.address(n), moved };
};

const preAndPost = (forms: typeof intForms): ReturnType<typeof intForms> => [
  ...forms(LOAD_STORE, '[<Xn|SP>], <simm9>').map((form) => ({ ...form, set: { ...form.set, pre: 0 } })),
  ...forms(LOAD_STORE, '[<Xn|SP>, <simm9>]!').map((form) => ({ ...form, set: { ...form.set, pre: 1 } })),
];

const indexedInt = row({
  name: 'Load/store register (immediate post- and pre-indexed)',
  encoding: 'size:2 111 0 00 opc:2 0 imm9:9 pre 1 Rn:5 Rt:5',
  asm: preAndPost(intForms),
  split: ['size', 'opc', 'pre'],
  allocated: isIntTransfer,
  decode: (f) => (isIntTransfer(f) ? { t: X(f.Rt), n: XSP(f.Rn), i: imm(signExtend(f.imm9, 9)) } : undefined),
  execute(b, { t, n, i }, s) {
    const { va, moved } = indexed(b, n, i, s.pre);
    transferInt(b, t, va, s);
    b.setX(n, moved);
  },
});

const indexedVector = row({
  name: 'Load/store register (immediate post- and pre-indexed, SIMD&FP)',
  encoding: 'size:2 111 1 00 opc:2 0 imm9:9 pre 1 Rn:5 Rt:5',
  asm: preAndPost(vectorForms),
  gate: 'fp',
  split: ['size', 'opc', 'pre'],
  allocated: isVectorTransfer,
  decode: (f) =>
    isVectorTransfer(f) ? { t: V(f.Rt), n: XSP(f.Rn), i: imm(signExtend(f.imm9, 9)) } : undefined,
  execute(b, { t, n, i }, s) {
    const { va, moved } = indexed(b, n, i, s.pre);
    transferVector(b, t, va, s);
    b.setX(n, moved);
  },
});

/** All of them. */
export const immediateRows: readonly AnyRow[] = [
  unsignedOffset,
  unsignedOffsetVector,
  unscaled,
  unscaledVector,
  unprivileged,
  indexedInt,
  indexedVector,
];
