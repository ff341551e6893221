// One access between memory and a register, by the size and opc fields that most loads and stores share (DDI 0487 C4.1).

import type { Access, Builder } from '../../semantics/builder.ts';
import type { Gpr, Vreg } from '../../semantics/operands.ts';
import { intLayout, vecLayout } from '../../semantics/values.ts';
import type { Int } from '../../semantics/values.ts';

const sizes = [1, 2, 4, 8] as const;
/** Bytes of an access by its size field. */
export const bytesOf = (size: number): 1 | 2 | 4 | 8 => sizes[size] ?? 8;

/** What `size` and `opc` say: opc 0 stores, 1 zero-extends, 2 sign-extends to 64 bits, 3 to 32. */
export interface SizeAndOpc {
  readonly size: number;
  readonly opc: number;
}
/** False for the combinations that are PRFM or nothing. */
export const isIntTransfer = ({ size, opc }: SizeAndOpc): boolean => opc < 2 || size + opc < 5;
/** False for the combinations that are nothing: only opc 2 and 3 of size 0 are 128 bits. */
export const isVectorTransfer = ({ size, opc }: SizeAndOpc): boolean => opc < 2 || size === 0;
/** log2 of the bytes that a vector transfer moves. */
export const vectorScale = ({ size, opc }: SizeAndOpc): number => (opc >= 2 ? 4 : size);

/** Moves a general register. */
export const transferInt = (
  b: Builder,
  t: Gpr,
  va: Int<64>,
  { size, opc }: SizeAndOpc,
  how?: Access,
): void => {
  const bytes = bytesOf(size);
  if (opc === 0) {
    if (size === 3) b.store(va, intLayout(64), b.x(t, 64), how);
    else b.store(va, intLayout(32, bytes), b.x(t, 32), how);
  } else if (size === 3 || opc === 2) b.setX(t, b.load(va, intLayout(64, bytes, opc === 2), how));
  else b.setX(t, b.load(va, intLayout(32, bytes, opc === 3), how));
};

/** Moves a vector register. */
export const transferVector = (b: Builder, t: Vreg, va: Int<64>, s: SizeAndOpc, how?: Access): void => {
  const layout = vecLayout(s.opc >= 2 ? 16 : bytesOf(s.size));
  if ((s.opc & 1) === 0) b.store(va, layout, b.v(t), how);
  else b.setV(t, b.load(va, layout, how));
};
