// Vectors of the reference engine: 128 bits in a bigint, taken apart lane by lane.

import type { Builder, LaneOp1, LaneOp2, LaneSize } from '../semantics/builder.ts';
import { reverseBits } from './integer.ts';
import { constantOf } from './registers.ts';
import type { Transaction } from './transaction.ts';
import { big, int64, intOf, MASK128, MASK64, truth, vec, vecOf } from './values.ts';

type VectorPart = Pick<
  Builder,
  | 'vzero'
  | 'vconst'
  | 'lowHalf'
  | 'lanes2'
  | 'lanes1'
  | 'laneShift'
  | 'vand'
  | 'vor'
  | 'vxor'
  | 'splat'
  | 'lane'
  | 'withLane'
  | 'shuffle'
  | 'extract'
  | 'tableLookup'
  | 'map'
  | 'saturated'
>;

/** One lane, zero-extended. */
const laneOf = (v: bigint, size: number, index: number): bigint =>
  BigInt.asUintN(size, v >> BigInt(size * index));

/** The vector whose lane `i` is `of(i)` modulo 2^size. */
const build = (size: number, count: number, of: (i: number) => bigint): bigint => {
  let result = 0n;
  for (let i = 0; i < count; i++) result |= BigInt.asUintN(size, of(i)) << BigInt(size * i);
  return result;
};

const ones = (c: boolean): bigint => (c ? -1n : 0n);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

type On2 = (a: bigint, b: bigint) => bigint;
/** Two-operand operations: on unsigned lanes, and on signed ones. */
const unsigned2: Readonly<Partial<Record<LaneOp2, On2>>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  eq: (a, b) => ones(a === b),
  tst: (a, b) => ones((a & b) !== 0n),
  gtu: (a, b) => ones(a > b),
  geu: (a, b) => ones(a >= b),
  minu: smaller,
  maxu: larger,
};
const signed2: Readonly<Partial<Record<LaneOp2, On2>>> = {
  gts: (a, b) => ones(a > b),
  ges: (a, b) => ones(a >= b),
  mins: smaller,
  maxs: larger,
};

const countOnes = (a: bigint): bigint => {
  let n = 0n;
  for (let rest = a; rest !== 0n; rest &= rest - 1n) n++;
  return n;
};
const leadingZeros = (a: bigint, size: number): bigint => {
  let n = size;
  for (let rest = a; rest !== 0n; rest >>= 1n) n--;
  return BigInt(n);
};
const lane1 = (op: LaneOp1, a: bigint, size: number): bigint => {
  switch (op) {
    case 'neg':
      return -a;
    case 'abs':
      return BigInt.asIntN(size, a) < 0n ? -a : a;
    case 'not':
      return ~a;
    case 'cnt':
      return countOnes(a);
    case 'clz':
      return leadingZeros(a, size);
    case 'rbit':
      return reverseBits(a, size);
  }
};

const laneShift = (op: 'shl' | 'shr' | 'sar', a: bigint, size: number, n: bigint): bigint => {
  if (op === 'shl') return a << n;
  return op === 'shr' ? a >> n : BigInt.asIntN(size, a) >> n;
};

const lanesIn = (size: LaneSize): number => 128 / size;

/** FPSR.QC. */
const QC = 1 << 27;

/** The methods about vectors. */
export const vectorPart = (effects: Transaction): VectorPart => ({
  vzero: () => vecOf(0n),
  vconst: (low, high) =>
    vecOf((BigInt.asUintN(64, constantOf(high)) << 64n) | BigInt.asUintN(64, constantOf(low))),
  lowHalf: (a) => vecOf(vec(a) & MASK64),
  lanes2: (op, size, a, b) => {
    const x = vec(a);
    const y = vec(b);
    const onSigned = signed2[op];
    const onUnsigned = unsigned2[op];
    return vecOf(
      build(size, lanesIn(size), (i) => {
        const m = laneOf(x, size, i);
        const n = laneOf(y, size, i);
        if (onSigned !== undefined) return onSigned(BigInt.asIntN(size, m), BigInt.asIntN(size, n));
        return onUnsigned?.(m, n) ?? 0n;
      }),
    );
  },
  lanes1: (op, size, a) => vecOf(build(size, lanesIn(size), (i) => lane1(op, laneOf(vec(a), size, i), size))),
  laneShift: (op, size, a, amount) => {
    const n = constantOf(amount);
    return vecOf(build(size, lanesIn(size), (i) => laneShift(op, laneOf(vec(a), size, i), size, n)));
  },
  vand: (a, b) => vecOf(vec(a) & vec(b)),
  vor: (a, b) => vecOf(vec(a) | vec(b)),
  vxor: (a, b) => vecOf(vec(a) ^ vec(b)),
  splat: (size, a) => vecOf(build(size, lanesIn(size), () => big(a))),
  lane: (size, a, index, signed, w) => {
    const bits = laneOf(vec(a), size, Number(constantOf(index)));
    return intOf(w, signed ? BigInt.asIntN(size, bits) : bits);
  },
  withLane: (size, a, index, value) => {
    const at = BigInt(size) * constantOf(index);
    const mask = ((1n << BigInt(size)) - 1n) << at;
    return vecOf((vec(a) & (MASK128 ^ mask)) | (BigInt.asUintN(size, big(value)) << at));
  },
  shuffle: (a, b, indices) => {
    const both = vec(a) | (vec(b) << 128n);
    return vecOf(build(8, 16, (i) => laneOf(both, 8, indices[i] ?? 0)));
  },
  extract: (a, b, start) => vecOf(((vec(a) | (vec(b) << 128n)) >> (8n * constantOf(start))) & MASK128),
  tableLookup: (table, index, otherwise) => {
    const whole = table.reduce((all, v, i) => all | (vec(v) << BigInt(128 * i)), 0n);
    return vecOf(
      build(8, 16, (i) => {
        const at = Number(laneOf(vec(index), 8, i));
        return at < 16 * table.length ? laneOf(whole, 8, at) : laneOf(vec(otherwise), 8, i);
      }),
    );
  },
  map: (size, count, inputs, each) =>
    vecOf(
      build(size, count, (i) => {
        const lanes = inputs.map(({ from, size: element, signed, first = 0, step = 1 }) => {
          const bits = laneOf(vec(from), element, first + i * step);
          return int64(signed ? BigInt.asIntN(element, bits) : bits);
        });
        return big(each(...lanes));
      }),
    ),
  saturated: (c) => {
    if (truth(c)) effects.env.fpsr |= QC;
  },
});
