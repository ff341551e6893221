// What an instruction's `decode` hands to its `execute`: constants in a compiler, fields of a decoded record in an interpreter.

import type { Width } from './values.ts';

/** What an operand is. `x`: general register slot; `v`: vector register; `small`: unsigned 16 bits; `imm`: signed 32 bits;
 * `imm64`: 64 bits; `label`: signed byte offset from the instruction; `cond`: condition 0 to 15; `cell`: index of a plain
 * system-register cell. */
export type OperandKind = 'x' | 'v' | 'small' | 'imm' | 'imm64' | 'label' | 'cond' | 'cell';

/** An operand of one kind. Its numbers are for back ends only. */
export interface Operand<K extends OperandKind = OperandKind> {
  /** The kind, which fixes how it is stored. */
  readonly kind: K;
  /** The value; for `imm64` the low 32 bits, signed. */
  readonly value: number;
  /** For `imm64` bits 63:32, signed; else the sign of `value`. */
  readonly high: number;
}
/** A general register. */
export type Gpr = Operand<'x'>;
/** A vector register. */
export type Vreg = Operand<'v'>;
/** A constant. */
export type Imm = Operand<'small'> | Operand<'imm'> | Operand<'imm64'>;
/** A PC-relative byte offset. */
export type Label = Operand<'label'>;
/** A condition code. */
export type Cond = Operand<'cond'>;
/** A plain system-register cell. */
export type Cell = Operand<'cell'>;
/** What `decode` returns: operands by name. The order of the keys is the order of storage. */
export type Operands = Readonly<Record<string, Operand>>;

const operand = <K extends OperandKind>(kind: K, value: number, high = value < 0 ? -1 : 0): Operand<K> => ({
  kind,
  value,
  high,
});

/** Slot of the register file that reads as zero; writes to it are dropped by the back end. */
export const ZERO_SLOT = 32;
/** General register in a position where 31 is the zero register: slot 32. */
export const X = (n: number): Gpr => operand('x', n === 31 ? ZERO_SLOT : n);
/** General register in a position where 31 is the stack pointer: slot 31. */
export const XSP = (n: number): Gpr => operand('x', n);
/** Vector register 0 to 31. */
export const V = (n: number): Vreg => operand('v', n);
/** An unsigned immediate of 16 bits or less. */
export const small = (n: number): Operand<'small'> => operand('small', n);
/** A signed immediate of 32 bits. */
export const imm = (n: number): Operand<'imm'> => operand('imm', n | 0);
/** A 64-bit immediate from its halves. */
export const imm64 = (low: number, high: number): Operand<'imm64'> => operand('imm64', low | 0, high | 0);
/** A byte offset from the instruction's own address; within ±2^31. (ADRP: `pageLabel` in Builder.) */
export const label = (n: number): Label => operand('label', n | 0);
/** A condition code 0 to 15. */
export const cond = (n: number): Cond => operand('cond', n);
/** A plain system-register cell by its index. */
export const cell = (n: number): Cell => operand('cell', n);
/** The register width that an `sf` bit stands for. */
export const width = (sf: number): Width => (sf !== 0 ? 64 : 32);
/** The lowest `bits` (1 to 32) of `n` as a signed number. */
export const signExtend = (n: number, bits: number): number => (n << (32 - bits)) >> (32 - bits);
