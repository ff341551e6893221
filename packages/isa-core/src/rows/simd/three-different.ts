// Long, wide and narrowing operations (DDI 0487 C4.1.96, Advanced SIMD three different and scalar three different).

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arrangement, laneBits, laneLetter } from './forms.ts';
import {
  absoluteDifference,
  doublingLong,
  polynomial,
  saturatingAdd,
  saturatingSub,
} from './lane-arithmetic.ts';
import type { TwoLanes } from './lane-arithmetic.ts';
import { narrowed } from './two-registers.ts';

/** How the registers are arranged: both inputs narrow, the first wide, or both wide and the result narrow. */
type Kind = 'long' | 'wide' | 'narrow';
interface Operation {
  readonly mnemonic: string;
  readonly kind: Kind;
  readonly sizes: readonly number[];
  readonly signed: boolean;
  readonly apply: TwoLanes;
  /** What becomes of the destination and the result: nothing unless given. */
  readonly accumulate?: TwoLanes;
}

const plain =
  (op: 'add' | 'sub' | 'mul'): TwoLanes =>
  (b, _size, x, y) =>
    b[op](x, y);
/** The high half of a sum or difference of wide lanes, rounded or not. */
const high =
  (op: 'add' | 'sub', round: boolean): TwoLanes =>
  (b, size, x, y) => {
    const whole = b[op](x, y);
    const rounded = round ? b.add(whole, b.shl(b.int(64, 1), b.int(64, size - 1))) : whole;
    return b.shr(rounded, b.int(64, size));
  };

const code = (U: number, opcode: number): number => U * 16 + opcode;
const NARROW = [0, 1, 2] as const;
const both = (
  opcode: number,
  name: string,
  kind: Kind,
  apply: TwoLanes,
  accumulate?: TwoLanes,
): [number, Operation][] =>
  [0, 1].map((U) => [
    code(U, opcode),
    {
      mnemonic: `${U ? 'u' : 's'}${name}`,
      kind,
      sizes: NARROW,
      signed: U === 0,
      apply,
      ...(accumulate && { accumulate }),
    },
  ]);
const doubling = (opcode: number, mnemonic: string, accumulate?: TwoLanes): [number, Operation] => [
  code(0, opcode),
  {
    mnemonic,
    kind: 'long',
    sizes: [1, 2],
    signed: true,
    apply: doublingLong,
    ...(accumulate && { accumulate }),
  },
];
const narrow = (U: number, opcode: number, mnemonic: string, apply: TwoLanes): [number, Operation] => [
  code(U, opcode),
  { mnemonic, kind: 'narrow', sizes: NARROW, signed: false, apply },
];

const operations = new Map<number, Operation>([
  ...both(0, 'addl', 'long', plain('add')),
  ...both(1, 'addw', 'wide', plain('add')),
  ...both(2, 'subl', 'long', plain('sub')),
  ...both(3, 'subw', 'wide', plain('sub')),
  narrow(0, 4, 'addhn', high('add', false)),
  narrow(1, 4, 'raddhn', high('add', true)),
  ...both(5, 'abal', 'long', absoluteDifference, plain('add')),
  narrow(0, 6, 'subhn', high('sub', false)),
  narrow(1, 6, 'rsubhn', high('sub', true)),
  ...both(7, 'abdl', 'long', absoluteDifference),
  ...both(8, 'mlal', 'long', plain('mul'), plain('add')),
  doubling(9, 'sqdmlal', saturatingAdd(true)),
  ...both(10, 'mlsl', 'long', plain('mul'), plain('sub')),
  doubling(11, 'sqdmlsl', saturatingSub(true)),
  ...both(12, 'mull', 'long', plain('mul')),
  doubling(13, 'sqdmull'),
  [code(0, 14), { mnemonic: 'pmull', kind: 'long', sizes: [0], signed: false, apply: polynomial }],
]);
const entries = [...operations].map(([key, operation]) => ({
  operation,
  set: { U: key >> 4, opcode: key & 15 },
}));

/** Long operations on `count` lanes from lane `first` of the narrow inputs. */
export function longLanes(
  b: Builder,
  operation: Pick<Operation, 'signed' | 'apply' | 'accumulate' | 'kind'>,
  size: LaneSize,
  wide: LaneSize,
  at: {
    readonly first: number;
    readonly count: number;
    readonly n: Vec;
    readonly m: Vec;
    readonly d: Vec;
    readonly element?: true;
  },
): Vec {
  const { signed, apply, accumulate } = operation;
  const n =
    operation.kind === 'wide'
      ? { from: at.n, size: wide, signed }
      : { from: at.n, size, signed, first: at.first };
  const m = {
    from: at.m,
    size,
    signed,
    first: at.element ? 0 : at.first,
    step: at.element ? (0 as const) : (1 as const),
  };
  const d = { from: at.d, size: wide, signed };
  return b.map(wide, at.count, accumulate ? [n, m, d] : [n, m], (x, y, acc) => {
    const result = apply(b, size, x, y);
    return accumulate ? accumulate(b, wide, acc, result) : result;
  });
}

function forms(
  operation: Operation,
  set: Readonly<Record<string, number>>,
): { text: string; set: Record<string, number> }[] {
  return operation.sizes.flatMap((size) =>
    [0, 1].map((Q) => {
      const small = arrangement(size, Q);
      const big = arrangement(size + 1, 1);
      const [d, n, m] =
        operation.kind === 'long'
          ? [big, small, small]
          : operation.kind === 'wide'
            ? [big, big, small]
            : [small, big, big];
      return {
        text: `${operation.mnemonic}${Q ? '2' : ''} <Vd.${d}>, <Vn.${n}>, <Vm.${m}>`,
        set: { ...set, size, Q },
      };
    }),
  );
}

const vector: AnyRow = row({
  name: 'Advanced SIMD three different',
  encoding: '0 Q U 01110 size:2 1 Rm:5 opcode:4 00 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.flatMap(({ operation, set }) => forms(operation, set)),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) => operations.get(code(s.U, s.opcode))?.sizes.includes(s.size) === true,
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { Q, U, size, opcode }) {
    const operation = operations.get(code(U, opcode));
    if (operation === undefined) return;
    const bits = laneBits(size);
    const wide = laneBits(size + 1);
    const count = 64 / bits;
    if (operation.kind !== 'narrow') {
      b.setV(
        d,
        longLanes(b, operation, bits, wide, { first: Q * count, count, n: b.v(n), m: b.v(m), d: b.v(d) }),
      );
      return;
    }
    const inputs = [b.v(n), b.v(m)].map((from) => ({ from, size: wide, signed: false }));
    const halves = b.map(wide, count, inputs, (x, y) => operation.apply(b, bits, x, y));
    b.setV(d, narrowed(b, bits, halves, b.v(d), Q));
  },
});

/** SQDMLAL, SQDMLSL and SQDMULL have scalar forms. */
const SCALAR = [9, 11, 13];
const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar three different',
  encoding: '01 011110 size:2 1 Rm:5 opcode:4 00 Rn:5 Rd:5',
  gate: 'fp',
  asm: SCALAR.flatMap((opcode) =>
    [1, 2].map((size) => {
      const small = laneLetter(size).toUpperCase();
      const big = laneLetter(size + 1).toUpperCase();
      return {
        text: `${operations.get(opcode)?.mnemonic ?? ''} <${big}d>, <${small}n>, <${small}m>`,
        set: { size, opcode },
      };
    }),
  ),
  split: ['size', 'opcode'],
  allocated: (s) => SCALAR.includes(s.opcode) && (s.size === 1 || s.size === 2),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(f.Rm) }),
  execute(b, { d, n, m }, { size, opcode }) {
    const operation = operations.get(opcode);
    if (operation === undefined) return;
    const at = { first: 0, count: 1, n: b.v(n), m: b.v(m), d: b.v(d) };
    b.setV(d, longLanes(b, operation, laneBits(size), laneBits(size + 1), at));
  },
});

/** All of them. */
export const threeDifferent: readonly AnyRow[] = [vector, scalar];
