// Where control goes after an instruction, as far as its encoding says.

import type { decode } from '../isa.ts';
import type { Operands } from '../isa.ts';

/** A decoded instruction. */
export type Decoded = NonNullable<ReturnType<typeof decode>>;

/** What follows an instruction. Targets are relative to it, in bytes. */
export type Flow =
  | { readonly kind: 'next' | 'callRegister' | 'jumpRegister' | 'return' }
  | { readonly kind: 'jump' | 'branch' | 'call'; readonly to: number }
  /** The reference engine executes it; `resumes` if it is worth to be ready for the instruction after it. */
  | { readonly kind: 'stop'; readonly resumes: boolean };

/** Rows whose next instruction is seldom the one after them. */
const NO_RETURN = new Set(['ERET', 'DRPS', 'BRK', 'HLT', 'UDF', 'DCPS1, DCPS2, DCPS3']);

const labelOf = (operands: Operands): number => operands['to']?.value ?? 0;

/**
 * The flow of a decoded instruction.
 *
 * @param hasCode - whether a case has code, by its number
 */
export function flowOf(decoded: Decoded, hasCode: (caseId: number) => boolean): Flow {
  const { row, operands, split, caseId } = decoded;
  switch (row.name) {
    case 'B/BL':
      return { kind: split['link'] === 1 ? 'call' : 'jump', to: labelOf(operands) };
    case 'B.cond':
      if ((split['cond'] ?? 0) >= 14) return { kind: 'jump', to: labelOf(operands) };
      return { kind: 'branch', to: labelOf(operands) };
    case 'CBZ/CBNZ':
    case 'TBZ/TBNZ':
      return { kind: 'branch', to: labelOf(operands) };
    case 'BR/BLR/RET': {
      const kinds = ['jumpRegister', 'callRegister', 'return'] as const;
      return { kind: kinds[split['opc'] ?? 0] ?? 'return' };
    }
    default:
      return hasCode(caseId) ? { kind: 'next' } : { kind: 'stop', resumes: !NO_RETURN.has(row.name) };
  }
}
