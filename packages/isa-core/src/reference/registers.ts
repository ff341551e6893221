// Registers and constants of the reference engine.

import { Layout } from '../cpu/layout.ts';
import type { Builder, PstateField } from '../semantics/builder.ts';
import type { Imm } from '../semantics/operands.ts';
import type { ReferenceHost } from './host.ts';
import type { Transaction } from './transaction.ts';
import { big, float, floatOf, int32, int64, intOf, num, vec, vecOf, wide } from './values.ts';

const pstateOffsets: Readonly<Record<PstateField, number>> = {
  EL: Layout.el,
  SP: Layout.sp,
  DAIF: Layout.daif,
  PAN: Layout.pan,
  UAO: Layout.uao,
  IL: Layout.il,
  SS: Layout.ss,
};

/** The slot of the current stack pointer. */
const SP_SLOT = 31;

/** A constant's value: a number is sign-extended. */
export const constantOf = (value: Imm | number): bigint => {
  if (typeof value === 'number') return BigInt(value);
  if (value.kind === 'imm64') return (BigInt(value.high) << 32n) | BigInt(value.value >>> 0);
  return BigInt(value.value);
};

type RegisterPart = Pick<
  Builder,
  | 'int'
  | 'constant64'
  | 'x'
  | 'address'
  | 'setX'
  | 'f'
  | 'setF'
  | 'v'
  | 'setV'
  | 'cell'
  | 'setCell'
  | 'pstate'
  | 'setDaif'
  | 'fpsr'
  | 'setFpsr'
  | 'fpcr'
  | 'setFpcr'
>;

/** The methods that read and write registers. */
export const registerPart = (host: ReferenceHost, effects: Transaction): RegisterPart => {
  const { state } = host;
  const vector = (n: number): bigint => {
    const at = (Layout.v >> 3) + 2 * n;
    return ((state.u64[at + 1] ?? 0n) << 64n) | (state.u64[at] ?? 0n);
  };
  return {
    int: (w, value) => intOf(w, constantOf(value)),
    constant64: (low, high) => int64((BigInt(high) << 32n) | BigInt(low >>> 0)),
    x: (r, w) => intOf(w, state.x(r.value)),
    address: (r) => {
      if (r.value === SP_SLOT) host.checkSp();
      return int64(state.x(r.value));
    },
    setX: (r, value) => {
      effects.setX(r.value, wide(value));
    },
    f: (r, w) => floatOf(w, BigInt.asUintN(w, vector(r.value))),
    setF: (r, value) => {
      effects.setV(r.value, float(value).bits);
    },
    v: (r) => vecOf(vector(r.value)),
    setV: (r, value) => {
      effects.setV(r.value, vec(value));
    },
    cell: (c) => int64(state.cell(c.value)),
    setCell: (c, value) => {
      effects.setWord(Layout.cells + 8 * c.value, big(value));
    },
    pstate: (field) => int32(state.word(pstateOffsets[field])),
    setDaif: (value) => {
      effects.setDaif(num(value));
    },
    fpsr: () => int64(state.u64[Layout.fpsr >> 3] ?? 0n),
    setFpsr: (value) => {
      effects.setWord(Layout.fpsr, big(value));
    },
    fpcr: () => int64(state.u64[Layout.fpcr >> 3] ?? 0n),
    setFpcr: (value) => {
      effects.setWord(Layout.fpcr, big(value));
    },
  };
};
