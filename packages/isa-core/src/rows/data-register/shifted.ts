// ShiftReg(): a register shifted by a constant (DDI 0487, aarch64/instrs/extendreg).

import type { Builder } from '../../semantics/builder.ts';
import type { Gpr, Imm } from '../../semantics/operands.ts';
import type { Int, Width } from '../../semantics/values.ts';

/** Shifts by LSL, LSR, ASR or ROR (0 to 3). */
export function shifted<W extends Width>(b: Builder, r: Gpr, w: W, type: number, amount: Imm): Int<W> {
  const x = b.x(r, w);
  const n = b.int(w, amount);
  if (type === 0) return b.shl(x, n);
  if (type === 1) return b.shr(x, n);
  return type === 2 ? b.sar(x, n) : b.ror(x, n);
}
