// Condition flags of the reference engine: AddWithCarry() and ConditionHolds() (DDI 0487 J1).

import type { Builder } from '../semantics/builder.ts';
import type { Flags, Int, Width } from '../semantics/values.ts';
import type { ReferenceHost } from './host.ts';
import type { Transaction } from './transaction.ts';
import { big, bool, flags, int64, intOf, nibble, wide, widthOf } from './values.ts';

const N = 8;
const Z = 4;
const C = 2;
const V = 1;

/** AddWithCarry(). */
const addWithCarry = <W extends Width>(a: Int<W>, y: bigint, carry: bigint): readonly [Int<W>, Flags] => {
  const w = widthOf(a);
  const x = wide(a);
  const unsigned = x + y + carry;
  const signed = BigInt.asIntN(w, x) + BigInt.asIntN(w, y) + carry;
  const result = BigInt.asUintN(w, unsigned);
  const nzcv =
    (result >> BigInt(w - 1) === 1n ? N : 0) |
    (result === 0n ? Z : 0) |
    (result === unsigned ? 0 : C) |
    (BigInt.asIntN(w, result) === signed ? 0 : V);
  return [intOf(w, result), flags(nzcv)];
};

const complement = <W extends Width>(a: Int<W>): bigint => BigInt.asUintN(widthOf(a), ~wide(a));

/** ConditionHolds(). */
const conditionHolds = (condition: number, nzcv: number): boolean => {
  const n = (nzcv & N) !== 0;
  const z = (nzcv & Z) !== 0;
  const c = (nzcv & C) !== 0;
  const v = (nzcv & V) !== 0;
  const base = [z, c, n, v, c && !z, n === v, n === v && !z, true][condition >> 1] ?? true;
  return (condition & 1) === 1 && condition !== 15 ? !base : base;
};

type FlagPart = Pick<
  Builder,
  'adds' | 'subs' | 'addCarry' | 'logical' | 'nzcv' | 'nzcvFrom' | 'nzcvBits' | 'setFlags' | 'holds'
>;

/** The methods about NZCV. */
export const flagPart = (host: ReferenceHost, effects: Transaction): FlagPart => {
  const current = (): number => host.state.nzcv >>> 28;
  return {
    adds: (a, b) => addWithCarry(a, wide(b), 0n),
    subs: (a, b) => addWithCarry(a, complement(b), 1n),
    addCarry: (a, b) => addWithCarry(a, wide(b), (current() & C) === 0 ? 0n : 1n),
    logical(a) {
      const value = wide(a);
      return flags((value >> BigInt(widthOf(a) - 1) === 1n ? N : 0) | (value === 0n ? Z : 0));
    },
    nzcv: (value) => flags((typeof value === 'number' ? value : value.value) & 15),
    nzcvFrom: (value) => flags(Number((big(value) >> 28n) & 15n)),
    nzcvBits: () => int64(BigInt(current()) << 28n),
    setFlags: (f) => {
      effects.setFlags(nibble(f));
    },
    holds: (c) => bool(conditionHolds(c.value, current())),
  };
};
