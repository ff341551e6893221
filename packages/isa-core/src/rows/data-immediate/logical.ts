// AND, ORR, EOR, ANDS (immediate) (DDI 0487 C4.1.2).

import { imm64, width, X, XSP } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { decodeBitMasks } from './bit-masks.ts';

/**
 * True where MOVZ or MOVN makes the same constant, so that MOV means one of these: at most one halfword is not zero, or not all
 * ones. (MoveWidePreferred() has it so for MOVZ; of MOVN it leaves out some, which assemblers do not.)
 */
function moveWidePreferred(f: { sf: number; N: number; immr: number; imms: number }): boolean {
  const mask = decodeBitMasks(f.sf, f.N, f.immr, f.imms);
  if (mask === undefined) return false;
  const words = f.sf ? [mask.low, mask.high] : [mask.low];
  const halfwords = words.flatMap((word) => [word & 0xffff, word >>> 16]);
  return [0, 0xffff].some((rest) => halfwords.filter((halfword) => halfword !== rest).length <= 1);
}

/** AND, ORR, EOR, ANDS with a bitmask immediate. */
export const logicalImmediate: AnyRow = row({
  name: 'Logical (immediate)',
  encoding: 'sf opc:2 100100 N immr:6 imms:6 Rn:5 Rd:5',
  asm: [
    // MOVZ and MOVN have no SP.
    {
      text: 'mov <Rd|SP>, <bitmask>',
      set: { opc: 1, Rn: 31 },
      when: (f) => f.Rd === 31 || !moveWidePreferred(f),
    },
    { text: 'tst <Rn>, <bitmask>', set: { opc: 3, Rd: 31 } },
    { text: 'and <Rd|SP>, <Rn>, <bitmask>', set: { opc: 0 } },
    { text: 'orr <Rd|SP>, <Rn>, <bitmask>', set: { opc: 1 } },
    { text: 'eor <Rd|SP>, <Rn>, <bitmask>', set: { opc: 2 } },
    { text: 'ands <Rd>, <Rn>, <bitmask>', set: { opc: 3 } },
  ],
  split: ['sf', 'opc'],
  decode(f) {
    const mask = decodeBitMasks(f.sf, f.N, f.immr, f.imms);
    return mask && { d: f.opc === 3 ? X(f.Rd) : XSP(f.Rd), n: X(f.Rn), i: imm64(mask.low, mask.high) };
  },
  execute(b, { d, n, i }, { sf, opc }) {
    const w = width(sf);
    const x = b.x(n, w);
    const y = b.int(w, i);
    const value = opc === 1 ? b.or(x, y) : opc === 2 ? b.xor(x, y) : b.and(x, y);
    b.setX(d, value);
    if (opc === 3) b.setFlags(b.logical(value));
  },
});
