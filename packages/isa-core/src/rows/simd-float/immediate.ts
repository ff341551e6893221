// FMOV of an immediate to all lanes (DDI 0487 C4.1.96: Advanced SIMD modified immediate, cmode 1111).

import { imm64, V } from '../../semantics/operands.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { expandToDouble, expandToSingle } from '../float/immediate.ts';
import { fit } from '../simd/forms.ts';

const moveVectorImmediate: AnyRow = row({
  name: 'FMOV (vector, immediate)',
  encoding: '0 Q double 0111100000 abc:3 1111 0 1 defgh:5 Rd:5',
  asm: [
    { text: 'fmov <Vd.2s>, <fimm8v>', set: { Q: 0, double: 0 } },
    { text: 'fmov <Vd.4s>, <fimm8v>', set: { Q: 1, double: 0 } },
    { text: 'fmov <Vd.2d>, <fimm8v>', set: { Q: 1, double: 1 } },
  ],
  gate: 'fp',
  split: ['Q'],
  decode(f) {
    if (f.Q === 0 && f.double === 1) return undefined;
    const imm8 = f.abc * 32 + f.defgh;
    const single = expandToSingle(imm8);
    return { d: V(f.Rd), i: f.double === 1 ? imm64(0, expandToDouble(imm8)) : imm64(single, single) };
  },
  execute(b, { d, i }, { Q }) {
    b.setV(d, fit(b, b.vconst(i, i), Q));
  },
});

/** The rows of this file. */
export const simdFloatImmediate: readonly AnyRow[] = [moveVectorImmediate];
