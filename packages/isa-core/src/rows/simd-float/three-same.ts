// Floating point on three registers of one kind, vectors and scalars, and pairwise (DDI 0487 C4.1.96: Advanced SIMD three
// same, Advanced SIMD scalar three same, Advanced SIMD scalar pairwise).

import type { Builder, Float2 } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { scalarForms, vectorForms } from './forms.ts';
import type { FloatLane, LaneOperation } from './lanes.ts';
import {
  isArrangement,
  lane2,
  lane3,
  laneCount,
  laneSize,
  laneTest,
  mapLanes,
  registersOf,
} from './lanes.ts';

interface ThreeSame extends LaneOperation {
  /** `pairs`: neighbouring lanes of the second register after the first; `accumulate`: the destination is the first input. */
  readonly kind?: 'pairs' | 'accumulate';
  /** There is a scalar form. */
  readonly scalar?: true;
}

const plain = (op: Float2): ThreeSame => ({ mnemonic: `f${op}`, apply: lane2(op) });
const pairwise = (op: Float2): ThreeSame => ({
  mnemonic: `f${op}p`,
  apply: lane2(op),
  kind: 'pairs',
});
const comparison = (mnemonic: string, op: 'eq' | 'ge' | 'gt', absolute = false): ThreeSame => ({
  mnemonic,
  apply: laneTest(op, absolute),
  scalar: true,
});

/** `U:a` and the low three bits of the opcode, as one number. */
const code = (U: number, a: number, op: number): number => U * 16 + a * 8 + op;

/** By `code`. */
const operations: Readonly<Record<number, ThreeSame>> = {
  [code(0, 0, 0)]: plain('maxnm'),
  [code(0, 0, 1)]: { mnemonic: 'fmla', apply: lane3('madd'), kind: 'accumulate' },
  [code(0, 0, 2)]: plain('add'),
  [code(0, 0, 3)]: { ...plain('mulx'), scalar: true },
  [code(0, 0, 4)]: comparison('fcmeq', 'eq'),
  [code(0, 0, 6)]: plain('max'),
  [code(0, 0, 7)]: { ...plain('recps'), scalar: true },
  [code(0, 1, 0)]: plain('minnm'),
  [code(0, 1, 1)]: { mnemonic: 'fmls', apply: lane3('msub'), kind: 'accumulate' },
  [code(0, 1, 2)]: plain('sub'),
  [code(0, 1, 6)]: plain('min'),
  [code(0, 1, 7)]: { ...plain('rsqrts'), scalar: true },
  [code(1, 0, 0)]: pairwise('maxnm'),
  [code(1, 0, 2)]: pairwise('add'),
  [code(1, 0, 3)]: plain('mul'),
  [code(1, 0, 4)]: comparison('fcmge', 'ge'),
  [code(1, 0, 5)]: comparison('facge', 'ge', true),
  [code(1, 0, 6)]: pairwise('max'),
  [code(1, 0, 7)]: plain('div'),
  [code(1, 1, 0)]: pairwise('minnm'),
  [code(1, 1, 2)]: { ...plain('abd'), scalar: true },
  [code(1, 1, 4)]: comparison('fcmgt', 'gt'),
  [code(1, 1, 5)]: comparison('facgt', 'gt', true),
  [code(1, 1, 6)]: pairwise('min'),
};
const entries = Object.entries(operations).map(([key, operation]) => {
  const n = Number(key);
  return { operation, set: { U: n >> 4, a: (n >> 3) & 1, op: n & 7 } };
});

/** The even (0) or odd (1) elements of `a` followed by those of `c`, of the low `count` lanes of each. */
const everySecond = (b: Builder, size: FloatLane, count: number, a: Vec, c: Vec, odd: number): Vec => {
  const bytes = size / 8;
  const indices = Array.from({ length: 16 }, (_, i) => {
    const element = (Math.floor(i / bytes) % count) * 2 + odd;
    const start = element < count ? element * bytes : 16 + (element - count) * bytes;
    return start + (i % bytes);
  });
  return b.shuffle(a, c, indices);
};

const vectorThreeSame: AnyRow = row({
  name: 'Advanced SIMD three same (floating-point)',
  encoding: '0 Q U 01110 a sz 1 Rm:5 11 op:3 1 Rn:5 Rd:5',
  asm: entries.flatMap(({ operation, set }) => vectorForms(operation, '<Vd.T>, <Vn.T>, <Vm.T>', set)),
  gate: 'fp',
  split: ['Q', 'U', 'a', 'sz', 'op'],
  allocated: ({ Q, U, a, sz, op }) => code(U, a, op) in operations && isArrangement(Q, sz),
  decode: (f) => ({ ...registersOf(f), m: V(f.Rm) }),
  execute(b, { d, n, m }, { Q, U, a, sz, op }) {
    const operation = operations[code(U, a, op)];
    if (operation === undefined) return;
    const { kind, apply } = operation;
    const size = laneSize(sz);
    const count = laneCount(Q, sz);
    const [first, second] = [b.v(n), b.v(m)];
    const inputs =
      kind === 'pairs'
        ? [everySecond(b, size, count, first, second, 0), everySecond(b, size, count, first, second, 1)]
        : kind === 'accumulate'
          ? [b.v(d), first, second]
          : [first, second];
    b.setV(d, mapLanes(b, size, count, inputs, apply));
  },
});

const scalarThreeSame: AnyRow = row({
  name: 'Advanced SIMD scalar three same (floating-point)',
  encoding: '01 U 11110 a sz 1 Rm:5 11 op:3 1 Rn:5 Rd:5',
  asm: entries
    .filter(({ operation }) => operation.scalar)
    .flatMap(({ operation, set }) => scalarForms(operation, '<Fd>, <Fn>, <Fm>', set)),
  gate: 'fp',
  split: ['U', 'a', 'sz', 'op'],
  allocated: ({ U, a, op }) => operations[code(U, a, op)]?.scalar === true,
  decode: (f) => ({ ...registersOf(f), m: V(f.Rm) }),
  execute(b, { d, n, m }, { U, a, sz, op }) {
    const operation = operations[code(U, a, op)];
    if (operation === undefined) return;
    b.setV(d, mapLanes(b, laneSize(sz), 1, [b.v(n), b.v(m)], operation.apply));
  },
});

/** By `a`, and bits 1:0 of the opcode (011xx). */
const pairs: readonly (readonly (Float2 | undefined)[])[] = [
  ['maxnm', 'add', undefined, 'max'],
  ['minnm', undefined, undefined, 'min'],
];

const scalarPairwise: AnyRow = row({
  name: 'Advanced SIMD scalar pairwise (floating-point)',
  encoding: '01 1 11110 a sz 11000 011 op:2 10 Rn:5 Rd:5',
  asm: pairs.flatMap((ops, a) =>
    ops.flatMap((name, op) =>
      name === undefined
        ? []
        : [
            { text: `f${name}p <Sd>, <Vn.2s>`, set: { a, op, sz: 0 } },
            { text: `f${name}p <Dd>, <Vn.2d>`, set: { a, op, sz: 1 } },
          ],
    ),
  ),
  gate: 'fp',
  split: ['a', 'sz', 'op'],
  allocated: ({ a, op }) => pairs[a]?.[op] !== undefined,
  decode: registersOf,
  execute(b, { d, n }, { a, sz, op }) {
    const size = laneSize(sz);
    const element = (index: number): ReturnType<typeof b.laneToFloat<FloatLane>> =>
      b.laneToFloat(b.lane(size, b.v(n), index, false, 64), size);
    b.setF(d, b.float2(pairs[a]?.[op] ?? 'add', element(0), element(1)));
  },
});

/** The rows of this file. */
export const simdFloatThreeSame: readonly AnyRow[] = [vectorThreeSame, scalarThreeSame, scalarPairwise];
