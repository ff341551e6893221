// PMULL and PMULL2 of 64 bits (DDI 0487 C7.2, J1 PolynomialMult(), shared/functions/vector).

import type { Builder } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Int } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';

/**
 * Bits 63:0 of a product without carries, by integer products of numbers that have one bit in four: a sum of at most 15 such
 * bits does not reach the next bit that counts, and the sixteenth term comes in bits 63:60 only, where it leaves the 64 bits.
 */
function lowProduct(b: Builder, x: Int<64>, y: Int<64>): Int<64> {
  const masks = [0x1111_1111, 0x2222_2222, 0x4444_4444, 0x8888_8888].map((m) => b.constant64(m, m));
  const sparse = (v: Int<64>): Int<64>[] => masks.map((m) => b.and(v, m));
  const [xs, ys] = [sparse(x), sparse(y)];
  return masks
    .map((mask, i) => {
      const products = xs.flatMap((part, j) => {
        const other = ys[(i - j) & 3];
        return other === undefined ? [] : [b.mul(part, other)];
      });
      return b.and(
        products.reduce((p, q) => b.xor(p, q)),
        mask,
      );
    })
    .reduce((p, q) => b.or(p, q));
}

/** PMULL and PMULL2 of doublewords; those of bytes are with the other long operations. */
export const polynomialRows: readonly AnyRow[] = [
  row({
    name: 'PMULL, PMULL2 (1Q)',
    encoding: '0 Q 001110 11 1 Rm:5 1110 00 Rn:5 Rd:5',
    feature: 'crypto',
    gate: 'fp',
    asm: [
      { text: 'pmull <Vd.1q>, <Vn.1d>, <Vm.1d>', set: { Q: 0 } },
      { text: 'pmull2 <Vd.1q>, <Vn.2d>, <Vm.2d>', set: { Q: 1 } },
    ],
    split: ['Q'],
    decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
    execute(b, { d, n, m }, { Q }) {
      const x = b.lane(64, b.v(n), Q, false, 64);
      const y = b.lane(64, b.v(m), Q, false, 64);
      // The product of the reversed factors is the reversed product: its low half has bits 126:63.
      const reversed = lowProduct(b, b.reverseBits(x), b.reverseBits(y));
      const high = b.shr(b.reverseBits(reversed), b.int(64, 1));
      b.setV(d, b.withLane(64, b.lowHalf(b.splat(64, lowProduct(b, x, y))), 1, high));
    },
  }),
];
