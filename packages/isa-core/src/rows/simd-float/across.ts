// Floating-point extremes across the lanes of a vector (DDI 0487 C4.1.96: Advanced SIMD across lanes; C7.2: FMAXV …).

import type { Float2 } from '../../semantics/builder.ts';
import type { Float } from '../../semantics/values.ts';
import type { AnyRow } from '../../table/row.ts';
import { row } from '../../table/row.ts';
import { registersOf } from './lanes.ts';

/** By `a` and `plain`. */
const operations: readonly (readonly [Float2, Float2])[] = [
  ['maxnm', 'max'],
  ['minnm', 'min'],
];

const acrossLanes: AnyRow = row({
  name: 'Advanced SIMD across lanes (floating-point)',
  encoding: '0 1 1 01110 a 0 11000 011 op:2 10 Rn:5 Rd:5',
  asm: operations.flatMap(([number, plain], a) => [
    { text: `f${number}v <Sd>, <Vn.4s>`, set: { a, op: 0b00 } },
    { text: `f${plain}v <Sd>, <Vn.4s>`, set: { a, op: 0b11 } },
  ]),
  gate: 'fp',
  split: ['a', 'op'],
  allocated: ({ op }) => op === 0b00 || op === 0b11,
  decode: registersOf,
  execute(b, { d, n }, { a, op }) {
    const operation = operations[a]?.[op === 0b11 ? 1 : 0] ?? 'max';
    const element = (index: number): Float<32> => b.laneToFloat(b.lane(32, b.v(n), index, false, 64), 32);
    // Reduce() goes by halves; with NaNs the order shows.
    const low = b.float2(operation, element(0), element(1));
    const high = b.float2(operation, element(2), element(3));
    b.setF(d, b.float2(operation, low, high));
  },
});

/** The rows of this file. */
export const simdFloatAcross: readonly AnyRow[] = [acrossLanes];
