// Operations with one element of the second register (DDI 0487 C4.1.96, Advanced SIMD vector x indexed element and scalar x
// indexed element). The element is copied to all lanes; then they are what the forms with three registers are.

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import { small, V } from '../../semantics/operands.ts';
import type { Imm, Vreg } from '../../semantics/operands.ts';
import type { Vec } from '../../semantics/values.ts';
import { row } from '../../table/row.ts';
import type { AnyRow } from '../../table/row.ts';
import { arrangement, laneBits, laneCount, laneLetter } from './forms.ts';
import { doublingHigh, doublingLong, saturatingAdd, saturatingSub } from './lane-arithmetic.ts';
import type { TwoLanes } from './lane-arithmetic.ts';
import { longLanes } from './three-different.ts';

interface Operation {
  readonly mnemonic: string;
  readonly long: boolean;
  readonly signed: boolean;
  readonly apply: TwoLanes;
  readonly accumulate?: TwoLanes;
  readonly scalar?: true;
}

const mul: TwoLanes = (b, _size, x, y) => b.mul(x, y);
const add: TwoLanes = (b, _size, x, y) => b.add(x, y);
const sub: TwoLanes = (b, _size, x, y) => b.sub(x, y);
const same = (mnemonic: string, apply: TwoLanes, more: Partial<Operation> = {}): Operation => ({
  mnemonic,
  long: false,
  signed: true,
  apply,
  ...more,
});
const long = (
  mnemonic: string,
  signed: boolean,
  apply: TwoLanes,
  more: Partial<Operation> = {},
): Operation => ({
  mnemonic,
  long: true,
  signed,
  apply,
  ...more,
});

const code = (U: number, opcode: number): number => U * 16 + opcode;
const operations: Readonly<Record<number, Operation>> = {
  [code(1, 0)]: same('mla', mul, { accumulate: add }),
  [code(1, 4)]: same('mls', mul, { accumulate: sub }),
  [code(0, 8)]: same('mul', mul),
  [code(0, 12)]: same('sqdmulh', doublingHigh(false), { scalar: true }),
  [code(0, 13)]: same('sqrdmulh', doublingHigh(true), { scalar: true }),
  [code(0, 2)]: long('smlal', true, mul, { accumulate: add }),
  [code(1, 2)]: long('umlal', false, mul, { accumulate: add }),
  [code(0, 6)]: long('smlsl', true, mul, { accumulate: sub }),
  [code(1, 6)]: long('umlsl', false, mul, { accumulate: sub }),
  [code(0, 10)]: long('smull', true, mul),
  [code(1, 10)]: long('umull', false, mul),
  [code(0, 3)]: long('sqdmlal', true, doublingLong, { accumulate: saturatingAdd(true), scalar: true }),
  [code(0, 7)]: long('sqdmlsl', true, doublingLong, { accumulate: saturatingSub(true), scalar: true }),
  [code(0, 11)]: long('sqdmull', true, doublingLong, { scalar: true }),
};
const entries = Object.entries(operations).map(([key, operation]) => ({
  operation,
  set: { U: Number(key) >> 4, opcode: Number(key) & 15 },
}));

interface ElementFields {
  readonly size: number;
  readonly L: number;
  readonly M: number;
  readonly H: number;
  readonly Rm: number;
}
const indexOf = (f: ElementFields): number =>
  f.size === 1 ? (f.H << 2) | (f.L << 1) | f.M : (f.H << 1) | f.L;
const registerOf = (f: ElementFields): number => (f.size === 1 ? f.Rm : (f.M << 4) | f.Rm);

interface Operands {
  readonly d: Vreg;
  readonly n: Vreg;
  readonly m: Vreg;
  readonly i: Imm;
}

/** All lanes are one element of `m`. */
function run(b: Builder, operation: Operation, size: LaneSize, Q: number, lanes: number, o: Operands): Vec {
  const m = b.splat(size, b.lane(size, b.v(o.m), o.i, false, 64));
  const [n, d] = [b.v(o.n), b.v(o.d)];
  if (operation.long) {
    const wide = (size * 2) as LaneSize;
    return longLanes(b, { ...operation, kind: 'long' }, size, wide, {
      first: Q * lanes,
      count: lanes,
      n,
      m,
      d,
    });
  }
  const inputs = [n, m, d].map((from) => ({ from, size, signed: operation.signed }));
  const { accumulate } = operation;
  return b.map(size, lanes, accumulate ? inputs : inputs.slice(0, 2), (x, y, acc) => {
    const result = operation.apply(b, size, x, y);
    return accumulate ? accumulate(b, size, acc, result) : result;
  });
}

const vector: AnyRow = row({
  name: 'Advanced SIMD vector x indexed element (integer)',
  encoding: '0 Q U 01111 size:2 L M Rm:4 opcode:4 H 0 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries.flatMap(({ operation, set }) =>
    [1, 2].flatMap((size) =>
      [0, 1].map((Q) => {
        const t = arrangement(size, Q);
        const d = operation.long ? arrangement(size + 1, 1) : t;
        const name = `${operation.mnemonic}${operation.long && Q ? '2' : ''}`;
        return {
          text: `${name} <Vd.${d}>, <Vn.${t}>, <Vm.${laneLetter(size)}[HLM]>`,
          set: { ...set, size, Q },
        };
      }),
    ),
  ),
  split: ['Q', 'U', 'size', 'opcode'],
  allocated: (s) => operations[code(s.U, s.opcode)] !== undefined && (s.size === 1 || s.size === 2),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(registerOf(f)), i: small(indexOf(f)) }),
  execute(b, o, { Q, U, size, opcode }) {
    const operation = operations[code(U, opcode)];
    if (operation === undefined) return;
    const lanes = operation.long ? 64 / laneBits(size) : laneCount(size, Q);
    b.setV(o.d, run(b, operation, laneBits(size), Q, lanes, o));
  },
});

const scalar: AnyRow = row({
  name: 'Advanced SIMD scalar x indexed element (integer)',
  encoding: '01 011111 size:2 L M Rm:4 opcode:4 H 0 Rn:5 Rd:5',
  gate: 'fp',
  asm: entries
    .filter(({ operation }) => operation.scalar)
    .flatMap(({ operation, set }) =>
      [1, 2].map((size) => {
        const n = laneLetter(size).toUpperCase();
        const d = operation.long ? laneLetter(size + 1).toUpperCase() : n;
        return {
          text: `${operation.mnemonic} <${d}d>, <${n}n>, <Vm.${laneLetter(size)}[HLM]>`,
          set: { opcode: set.opcode, size },
        };
      }),
    ),
  split: ['size', 'opcode'],
  allocated: (s) => operations[code(0, s.opcode)]?.scalar === true && (s.size === 1 || s.size === 2),
  decode: (f) => ({ d: V(f.Rd), n: V(f.Rn), m: V(registerOf(f)), i: small(indexOf(f)) }),
  execute(b, o, { size, opcode }) {
    const operation = operations[code(0, opcode)];
    if (operation) b.setV(o.d, run(b, operation, laneBits(size), 0, 1, o));
  },
});

/** All of them. */
export const byElement: readonly AnyRow[] = [vector, scalar];
