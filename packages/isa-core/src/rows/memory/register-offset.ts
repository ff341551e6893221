// Loads and stores with a register offset (DDI 0487 C4.1.88).

import type { Builder } from '../../semantics/builder.ts';
import { small, V, X, XSP } from '../../semantics/operands.ts';
import type { Gpr, Imm } from '../../semantics/operands.ts';
import type { Int } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { intForms, vectorForms } from './forms.ts';
import { isIntTransfer, isVectorTransfer, transferInt, transferVector, vectorScale } from './transfer.ts';

const LOAD_STORE = ['ldr', 'str'] as const;

/** Base plus ExtendReg(): option is 2 UXTW, 3 LSL, 6 SXTW or 7 SXTX. */
const address = (b: Builder, o: { n: Gpr; m: Gpr; shift: Imm }, option: number): Int<64> => {
  const m = b.x(o.m, 64);
  const index = (option & 1) === 1 ? m : b.extend(m, 32, option >= 4, 64);
  return b.add(b.address(o.n), b.shl(index, b.int(64, o.shift)));
};
/** Smaller extensions are unallocated. */
const isExtend = ({ option }: { readonly option: number }): boolean => (option & 2) !== 0;

const registerOffset = row({
  name: 'Load/store register (register offset)',
  encoding: 'size:2 111 0 00 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5',
  asm: intForms(LOAD_STORE, '[<Xn|SP>, <index>]'),
  split: ['size', 'opc', 'option'],
  allocated: (s) => isIntTransfer(s) && isExtend(s),
  decode: (f) =>
    isIntTransfer(f) && isExtend(f)
      ? { t: X(f.Rt), n: XSP(f.Rn), m: X(f.Rm), shift: small(f.S === 1 ? f.size : 0) }
      : undefined,
  execute(b, o, s) {
    transferInt(b, o.t, address(b, o, s.option), s);
  },
});

const registerOffsetVector = row({
  name: 'Load/store register (register offset, SIMD&FP)',
  encoding: 'size:2 111 1 00 opc:2 1 Rm:5 option:3 S 10 Rn:5 Rt:5',
  asm: vectorForms(LOAD_STORE, '[<Xn|SP>, <vindex>]'),
  gate: 'fp',
  split: ['size', 'opc', 'option'],
  allocated: (s) => isVectorTransfer(s) && isExtend(s),
  decode: (f) =>
    isVectorTransfer(f) && isExtend(f)
      ? { t: V(f.Rt), n: XSP(f.Rn), m: X(f.Rm), shift: small(f.S === 1 ? vectorScale(f) : 0) }
      : undefined,
  execute(b, o, s) {
    transferVector(b, o.t, address(b, o, s.option), s);
  },
});

/** All of them. */
export const registerOffsetRows: readonly AnyRow[] = [registerOffset, registerOffsetVector];
