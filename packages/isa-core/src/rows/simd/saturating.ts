// Lane-wise operations on three registers that need more than one vector instruction of a host: halving, saturating, absolute
// differences, shifts by register, doubling products (DDI 0487 C4.1.96, Advanced SIMD three same and scalar three same).

import type { Builder } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arranged, laneBits, laneCount, laneLetter } from './forms.ts';
import {
  absoluteDifference,
  doublingHigh,
  halving,
  polynomial,
  saturatingAdd,
  saturatingSub,
  shiftByRegister,
} from './lane-arithmetic.ts';
import type { TwoLanes } from './lane-arithmetic.ts';

interface Operation {
  readonly mnemonic: string;
  readonly sizes: readonly number[];
  readonly signed: boolean;
  readonly apply: TwoLanes;
  /** The result is added to the destination. */
  readonly accumulate?: true;
  /** Sizes of the scalar form. */
  readonly scalar?: readonly number[];
}

const ALL = [0, 1, 2, 3] as const;
const NARROW = [0, 1, 2] as const;
const code = (U: number, opcode: number): number => U * 32 + opcode;

/** S and U forms of one opcode. */
const both = (
  opcode: number,
  name: string,
  sizes: readonly number[],
  apply: (signed: boolean) => TwoLanes,
  more: Partial<Operation> = {},
): [number, Operation][] =>
  [0, 1].map((U) => [
    code(U, opcode),
    { mnemonic: name.replace('?', U ? 'u' : 's'), sizes, signed: U === 0, apply: apply(U === 0), ...more },
  ]);

const operations = new Map<number, Operation>([
  ...both(0, '?hadd', NARROW, () => halving('add', 0)),
  ...both(1, '?qadd', ALL, saturatingAdd, { scalar: ALL }),
  ...both(2, '?rhadd', NARROW, () => halving('add', 1)),
  ...both(4, '?hsub', NARROW, () => halving('sub', 0)),
  ...both(5, '?qsub', ALL, saturatingSub, { scalar: ALL }),
  ...both(8, '?shl', ALL, (s) => shiftByRegister(s, false, false), { scalar: [3] }),
  ...both(9, '?qshl', ALL, (s) => shiftByRegister(s, false, true), { scalar: ALL }),
  ...both(10, '?rshl', ALL, (s) => shiftByRegister(s, true, false), { scalar: [3] }),
  ...both(11, '?qrshl', ALL, (s) => shiftByRegister(s, true, true), { scalar: ALL }),
  ...both(14, '?abd', NARROW, () => absoluteDifference),
  ...both(15, '?aba', NARROW, () => absoluteDifference, { accumulate: true }),
  [code(1, 19), { mnemonic: 'pmul', sizes: [0], signed: false, apply: polynomial }],
  [
    code(0, 22),
    { mnemonic: 'sqdmulh', sizes: [1, 2], signed: true, apply: doublingHigh(false), scalar: [1, 2] },
  ],
  [
    code(1, 22),
    { mnemonic: 'sqrdmulh', sizes: [1, 2], signed: true, apply: doublingHigh(true), scalar: [1, 2] },
  ],
]);
const entries = [...operations].map(([key, operation]) => ({
  operation,
  set: { U: key >> 5, opcode: key & 31 },
}));

type Split = Readonly<{ U: number; opcode: number; size: number }>;

function execute(
  b: Builder,
  o: { d: ReturnType<typeof V>; n: ReturnType<typeof V>; m: ReturnType<typeof V> },
  s: Split,
  count: number,
): void {
  const operation = operations.get(code(s.U, s.opcode));
  if (operation === undefined) return;
  const size = laneBits(s.size);
  const { signed } = operation;
  const inputs = [b.v(o.n), b.v(o.m), b.v(o.d)].map((from) => ({ from, size, signed }));
  const value = b.map(size, count, operation.accumulate ? inputs : inputs.slice(0, 2), (x, y, d) => {
    const result = operation.apply(b, size, x, y);
    return operation.accumulate ? b.add(d, result) : result;
  });
  b.setV(o.d, value);
}

/** All of them. */
export const saturatingRows: readonly AnyRow[] = [
  row({
    name: 'Advanced SIMD three same (saturating, halving, shifts)',
    encoding: '0 Q U 01110 size:2 1 Rm:5 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: entries.flatMap(({ operation, set }) =>
      arranged(`${operation.mnemonic} <Vd.*>, <Vn.*>, <Vm.*>`, operation.sizes, set),
    ),
    split: ['Q', 'U', 'size', 'opcode'],
    allocated: (s) =>
      operations.get(code(s.U, s.opcode))?.sizes.includes(s.size) === true && !(s.size === 3 && s.Q === 0),
    decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
    execute(b, o, s) {
      execute(b, o, s, laneCount(s.size, s.Q));
    },
  }),
  row({
    name: 'Advanced SIMD scalar three same (saturating, shifts)',
    encoding: '01 U 11110 size:2 1 Rm:5 opcode:5 1 Rn:5 Rd:5',
    gate: 'fp',
    asm: entries.flatMap(({ operation, set }) =>
      (operation.scalar ?? []).map((size) => {
        const r = laneLetter(size).toUpperCase();
        return { text: `${operation.mnemonic} <${r}d>, <${r}n>, <${r}m>`, set: { ...set, size } };
      }),
    ),
    split: ['U', 'size', 'opcode'],
    allocated: (s) => operations.get(code(s.U, s.opcode))?.scalar?.includes(s.size) === true,
    decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
    execute(b, o, s) {
      execute(b, o, s, 1);
    },
  }),
];
