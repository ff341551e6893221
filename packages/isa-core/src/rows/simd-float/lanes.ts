// Lane-wise floating point: what the rows of this folder are made of. A scalar form of Advanced SIMD is one lane.

import type { Builder, Float1, Float2, Float3, Rounding } from '../../semantics/builder.ts';
import { V } from '../../semantics/operands.ts';
import type { Vreg } from '../../semantics/operands.ts';
import type { Bool, Float, Int, Vec } from '../../semantics/values.ts';

/** Bits of a lane: Armv8.0 has arithmetic on singles and doubles only. */
export type FloatLane = 32 | 64;

/** What happens to the lanes of one result: bits in, bits out. */
export type LaneFunction = (b: Builder, size: FloatLane, ...lanes: readonly Int<64>[]) => Int<64>;

/** One operation of a group of encodings. */
export interface LaneOperation {
  readonly mnemonic: string;
  readonly apply: LaneFunction;
  /** Singles, doubles or both. Default both. */
  readonly only?: 0 | 1;
}

/** An operation on the bits of one lane, with the lane's size. */
type OneLane = (b: Builder, size: FloatLane, a: Int<64>) => Int<64>;
/** The same of two lanes. */
type TwoLanes = (b: Builder, size: FloatLane, a: Int<64>, c: Int<64>) => Int<64>;

/** `Float1` on a lane. */
export const lane1 =
  (op: Float1): OneLane =>
  (b, size, a) =>
    b.floatToLane(b.float1(op, b.laneToFloat(a, size)));

/** `Float2` on two lanes. */
export const lane2 =
  (op: Float2): TwoLanes =>
  (b, size, a, c) =>
    b.floatToLane(b.float2(op, b.laneToFloat(a, size), b.laneToFloat(c, size)));

/** `Float3` on three: the accumulator comes first. */
export const lane3 =
  (op: Float3): ((b: Builder, size: FloatLane, acc: Int<64>, n: Int<64>, m: Int<64>) => Int<64>) =>
  (b, size, acc, n, m) =>
    b.floatToLane(b.float3(op, b.laneToFloat(acc, size), b.laneToFloat(n, size), b.laneToFloat(m, size)));

/** All ones where a condition holds, else zero. */
const mask = (b: Builder, c: Bool): Int<64> => b.select(c, b.int(64, -1), b.int(64, 0));

/** FCMEQ, FCMGE, FCMGT; of the absolute values: FACGE, FACGT. */
export const laneTest =
  (op: 'eq' | 'ge' | 'gt', absolute = false): TwoLanes =>
  (b, size, a, c) => {
    const number = (lane: Int<64>): Float<FloatLane> => {
      const value = b.laneToFloat(lane, size);
      return absolute ? b.float1('abs', value) : value;
    };
    return mask(b, b.floatTest(op, number(a), number(c)));
  };

/** Comparisons with zero; `swapped` puts the zero first: FCMLE is zero FCMGE the lane. */
export const laneTestZero =
  (op: 'eq' | 'ge' | 'gt', swapped = false): OneLane =>
  (b, size, a) => {
    const value = b.laneToFloat(a, size);
    const zero = b.laneToFloat(b.int(64, 0), size);
    return mask(b, swapped ? b.floatTest(op, zero, value) : b.floatTest(op, value, zero));
  };

/** FRINTx. */
export const laneRound =
  (rounding: Rounding, exact = false): OneLane =>
  (b, size, a) =>
    b.floatToLane(b.floatRound(b.laneToFloat(a, size), rounding, exact));

/** FCVTxS and FCVTxU to an integer of the lane's size. */
export const laneToInt = (
  b: Builder,
  size: FloatLane,
  a: Int<64>,
  signed: boolean,
  rounding: Rounding,
  fraction: Parameters<Builder['floatToInt']>[4] = 0,
): Int<64> =>
  size === 64
    ? b.floatToInt(b.laneToFloat(a, 64), 64, signed, rounding, fraction)
    : b.extend(b.floatToInt(b.laneToFloat(a, 32), 32, signed, rounding, fraction), 32, false, 64);

/** SCVTF and UCVTF from an integer of the lane's size. */
export const laneFromInt = (
  b: Builder,
  size: FloatLane,
  a: Int<64>,
  signed: boolean,
  fraction: Parameters<Builder['intToFloat']>[3] = 0,
): Int<64> =>
  size === 64
    ? b.floatToLane(b.intToFloat(a, 64, signed, fraction))
    : b.floatToLane(b.intToFloat(b.extend(a, 32, false, 32), 32, signed, fraction));

/** Applies a function to the lanes of some vectors. */
export const mapLanes = (
  b: Builder,
  size: FloatLane,
  count: number,
  vectors: readonly Vec[],
  apply: LaneFunction,
): Vec =>
  b.map(
    size,
    count,
    vectors.map((from) => ({ from, size, signed: false })),
    (...lanes) => apply(b, size, ...lanes),
  );

/** Lane size by `sz`. */
export const laneSize = (sz: number): FloatLane => (sz === 1 ? 64 : 32);
/** Lanes of a vector by `Q` and `sz`. */
export const laneCount = (Q: number, sz: number): number => ((Q + 1) * 64) / laneSize(sz);
/** True unless the vector would have a single double. */
export const isArrangement = (Q: number, sz: number): boolean => Q === 1 || sz === 0;

/** The decoded registers of most rows here. */
export const registersOf = (f: {
  readonly Rd: number;
  readonly Rn: number;
}): { readonly d: Vreg; readonly n: Vreg } => ({ d: V(f.Rd), n: V(f.Rn) });
