// Floating-point multiplication by one element of a vector (DDI 0487 C4.1.96: Advanced SIMD vector x indexed element,
// Advanced SIMD scalar x indexed element).

import type { Operand, Vreg } from '../../semantics/operands.ts';
import { small, V } from '../../semantics/operands.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { scalarForms, vectorForms } from './forms.ts';
import type { LaneOperation } from './lanes.ts';
import { isArrangement, lane2, lane3, laneCount, laneSize, mapLanes, registersOf } from './lanes.ts';

interface ByElement extends LaneOperation {
  readonly accumulates: boolean;
}

/** By `U` and bits 3:2 of the opcode (xx01). */
const operations: readonly (readonly (ByElement | undefined)[])[] = [
  [
    { mnemonic: 'fmla', apply: lane3('madd'), accumulates: true },
    { mnemonic: 'fmls', apply: lane3('msub'), accumulates: true },
    { mnemonic: 'fmul', apply: lane2('mul'), accumulates: false },
  ],
  [undefined, undefined, { mnemonic: 'fmulx', apply: lane2('mulx'), accumulates: false }],
];
const entries = operations.flatMap((ops, U) =>
  ops.flatMap((operation, op) => (operation === undefined ? [] : [{ operation, set: { U, op } }])),
);

/** The registers, and the element of `m`: `H:L` for singles, `H` for doubles, where `L` must be clear. */
const decode = (f: {
  readonly Rd: number;
  readonly Rn: number;
  readonly M: number;
  readonly Rm: number;
  readonly H: number;
  readonly L: number;
  readonly sz: number;
}): { readonly d: Vreg; readonly n: Vreg; readonly m: Vreg; readonly index: Operand<'small'> } | undefined =>
  f.sz === 1 && f.L === 1
    ? undefined
    : { ...registersOf(f), m: V(f.M * 16 + f.Rm), index: small(f.sz === 1 ? f.H : f.H * 2 + f.L) };

const vectorByElement: AnyRow = row({
  name: 'Advanced SIMD vector x indexed element (floating-point)',
  encoding: '0 Q U 01111 1 sz L M Rm:4 op:2 01 H 0 Rn:5 Rd:5',
  asm: entries.flatMap(({ operation, set }) => vectorForms(operation, '<Vd.T>, <Vn.T>, <Vm.e[index]>', set)),
  gate: 'fp',
  split: ['Q', 'U', 'sz', 'op'],
  allocated: ({ Q, U, sz, op }) => operations[U]?.[op] !== undefined && isArrangement(Q, sz),
  decode,
  execute(b, { d, n, m, index }, { Q, U, sz, op }) {
    const operation = operations[U]?.[op];
    if (operation === undefined) return;
    const size = laneSize(sz);
    const element = b.splat(size, b.lane(size, b.v(m), index, false, 64));
    const inputs = [...(operation.accumulates ? [b.v(d)] : []), b.v(n), element];
    b.setV(d, mapLanes(b, size, laneCount(Q, sz), inputs, operation.apply));
  },
});

const scalarByElement: AnyRow = row({
  name: 'Advanced SIMD scalar x indexed element (floating-point)',
  encoding: '01 U 11111 1 sz L M Rm:4 op:2 01 H 0 Rn:5 Rd:5',
  asm: entries.flatMap(({ operation, set }) => scalarForms(operation, '<Fd>, <Fn>, <Vm.e[index]>', set)),
  gate: 'fp',
  split: ['U', 'sz', 'op'],
  allocated: ({ U, op }) => operations[U]?.[op] !== undefined,
  decode,
  execute(b, { d, n, m, index }, { U, sz, op }) {
    const operation = operations[U]?.[op];
    if (operation === undefined) return;
    const size = laneSize(sz);
    const element = b.splat(size, b.lane(size, b.v(m), index, false, 64));
    const inputs = [...(operation.accumulates ? [b.v(d)] : []), b.v(n), element];
    b.setV(d, mapLanes(b, size, 1, inputs, operation.apply));
  },
});

/** The rows of this file. */
export const simdFloatByElement: readonly AnyRow[] = [vectorByElement, scalarByElement];
