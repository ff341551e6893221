// What one lane of saturating, halving, rounding and shifting instructions computes (DDI 0487, shared/functions/vector: SatQ and
// the operations of C7). Lanes come extended to 64 bits as the operation's signedness says.

import type { Builder, LaneSize } from '../../semantics/builder.ts';
import type { Bool, Int } from '../../semantics/values.ts';

type Lane = Int<64>;

/** An operation on two lanes. */
export type TwoLanes = (b: Builder, size: LaneSize, x: Lane, y: Lane) => Lane;

/** The largest value of a lane. */
const largest = (b: Builder, size: LaneSize, signed: boolean): Lane => {
  if (size === 64) return b.constant64(-1, signed ? 0x7fff_ffff : -1);
  const bits = signed ? size - 1 : size;
  return bits === 32 ? b.constant64(-1, 0) : b.constant64(bits === 31 ? 0x7fff_ffff : (1 << bits) - 1, 0);
};
/** The smallest. */
const smallest = (b: Builder, size: LaneSize, signed: boolean): Lane => {
  if (!signed) return b.int(64, 0);
  return size === 64 ? b.constant64(0, 0x8000_0000 | 0) : b.constant64(-1 << (size - 1), -1);
};

/** SatQ() of a value that 64 signed bits hold, without its flag. */
function clamped(b: Builder, value: Lane, size: LaneSize, signed: boolean): readonly [Lane, Bool] {
  const high = largest(b, size, signed);
  const low = smallest(b, size, signed);
  const over = b.less(high, value, true);
  const under = b.less(value, low, true);
  return [b.select(over, high, b.select(under, low, value)), b.either(over, under)];
}

/** SatQ() of a value that 64 signed bits hold, for lanes of up to 32 bits. */
export function saturate(b: Builder, value: Lane, size: LaneSize, signed: boolean): Lane {
  const [result, saturated] = clamped(b, value, size, signed);
  b.saturated(saturated);
  return result;
}

const negative = (b: Builder, x: Lane): Bool => b.bit(x, 63);
/** MIN for a negative, MAX for another. */
const limitBySign = (b: Builder, x: Lane): Lane =>
  b.select(negative(b, x), smallest(b, 64, true), largest(b, 64, true));

function saturated64(b: Builder, value: Lane, limit: Lane, overflow: Bool): Lane {
  b.saturated(overflow);
  return b.select(overflow, limit, value);
}

/** SQADD and UQADD. */
export const saturatingAdd =
  (signed: boolean): TwoLanes =>
  (b, size, x, y) => {
    const sum = b.add(x, y);
    if (size !== 64) return saturate(b, sum, size, signed);
    if (!signed) return saturated64(b, sum, largest(b, 64, false), b.less(sum, x, false));
    return saturated64(b, sum, limitBySign(b, x), negative(b, b.and(b.xor(x, sum), b.xor(y, sum))));
  };

/** SQSUB and UQSUB. */
export const saturatingSub =
  (signed: boolean): TwoLanes =>
  (b, size, x, y) => {
    const difference = b.sub(x, y);
    if (size !== 64) return saturate(b, difference, size, signed);
    if (!signed) return saturated64(b, difference, b.int(64, 0), b.less(x, y, false));
    const overflow = negative(b, b.and(b.xor(x, y), b.xor(x, difference)));
    return saturated64(b, difference, limitBySign(b, x), overflow);
  };

/** SUQADD: a signed and an unsigned lane to a signed one; USQADD: an unsigned and a signed one to an unsigned one. */
export const mixedAdd =
  (signed: boolean): TwoLanes =>
  (b, size, x, y) => {
    const sum = b.add(x, y);
    if (size !== 64) return saturate(b, sum, size, signed);
    // x is the destination. Signed: overflow when adding an unsigned number made it smaller.
    if (signed) return saturated64(b, sum, largest(b, 64, true), b.less(sum, x, true));
    const down = negative(b, y);
    const borrow = b.both(down, b.less(x, sum, false));
    const carry = b.both(b.invert(down), b.less(sum, x, false));
    return saturated64(b, sum, b.select(down, b.int(64, 0), largest(b, 64, false)), b.either(borrow, carry));
  };

/** SHADD and its kin, for lanes of up to 32 bits: the sum or difference, halved, `round` added before. */
export const halving =
  (op: 'add' | 'sub', round: 0 | 1): TwoLanes =>
  (b, _size, x, y) => {
    const whole = op === 'add' ? b.add(b.add(x, y), b.int(64, round)) : b.sub(x, y);
    return b.sar(whole, b.int(64, 1));
  };

/** SABD and UABD. */
export const absoluteDifference: TwoLanes = (b, _size, x, y) =>
  b.select(b.less(x, y, true), b.sub(y, x), b.sub(x, y));

/** A shift right by 1 or more, to beyond the lane; `round` adds the last bit that is shifted out. */
function shiftedRight(b: Builder, x: Lane, by: Lane, signed: boolean, round: boolean): Lane {
  const sign = signed ? b.sar(x, b.int(64, 63)) : b.int(64, 0);
  const beyond = (n: Lane): Bool => b.less(b.int(64, 63), n, true);
  const value = b.select(beyond(by), sign, signed ? b.sar(x, by) : b.shr(x, by));
  if (!round) return value;
  const last = b.sub(by, b.int(64, 1));
  const bit = b.select(beyond(last), b.and(sign, b.int(64, 1)), b.and(b.shr(x, last), b.int(64, 1)));
  return b.add(value, bit);
}

/** A shift left by 0 or more, and whether a saturating one would saturate, with the limit. */
function shiftedLeft(
  b: Builder,
  size: LaneSize,
  x: Lane,
  by: Lane,
  signed: boolean,
): readonly [Lane, Lane, Bool] {
  if (size !== 64) {
    const most = b.int(64, size);
    const value = b.shl(x, b.select(b.less(by, most, true), by, most));
    const [limit, over] = signed
      ? clamped(b, value, size, true)
      : [largest(b, size, false), b.less(largest(b, size, false), value, false)];
    return [value, limit, over];
  }
  const beyond = b.less(b.int(64, 63), by, true);
  const value = b.select(beyond, b.int(64, 0), b.shl(x, by));
  const back = signed ? b.sar(value, by) : b.shr(value, by);
  const lost = b.invert(b.equal(b.select(beyond, b.int(64, 0), back), x));
  return [value, signed ? limitBySign(b, x) : largest(b, 64, false), lost];
}

/** SSHL to UQRSHL: by the signed low byte of `y`, left where that is positive. */
export const shiftByRegister =
  (signed: boolean, round: boolean, saturating: boolean): TwoLanes =>
  (b, size, x, y) => {
    const by = b.extend(y, 8, true, 64);
    const right = negative(b, by);
    const down = shiftedRight(b, x, b.sub(b.int(64, 0), by), signed, round);
    const [up, limit, over] = shiftedLeft(b, size, x, by, signed);
    if (!saturating) return b.select(right, down, up);
    const overflow = b.both(b.invert(right), over);
    b.saturated(overflow);
    return b.select(right, down, b.select(overflow, limit, up));
  };

/** A right shift by a constant with rounding: SRSHR and URSHR. */
export const roundedRight = (b: Builder, x: Lane, by: Lane, signed: boolean): Lane =>
  shiftedRight(b, x, by, signed, true);
/** A right shift by a constant without. */
export const plainRight = (b: Builder, x: Lane, by: Lane, signed: boolean): Lane =>
  shiftedRight(b, x, by, signed, false);

/** A saturating left shift by a constant: SQSHL, UQSHL; SQSHLU has a signed input and an unsigned result. */
export function saturatingLeft(
  b: Builder,
  size: LaneSize,
  x: Lane,
  by: Lane,
  from: boolean,
  to: boolean,
): Lane {
  if (from && !to) {
    const below = negative(b, x);
    const [up, limit, over] = shiftedLeft(b, size, x, by, false);
    const overflow = b.either(below, over);
    b.saturated(overflow);
    return b.select(below, b.int(64, 0), b.select(over, limit, up));
  }
  const [up, limit, over] = shiftedLeft(b, size, x, by, from);
  b.saturated(over);
  return b.select(over, limit, up);
}

/** SQDMULH and SQRDMULH for 16 and 32 bits: the high half of the doubled product. */
export const doublingHigh =
  (round: boolean): TwoLanes =>
  (b, size, x, y) => {
    const product = b.mul(x, y);
    const rounded = round ? b.add(product, b.shl(b.int(64, 1), b.int(64, size - 2))) : product;
    return saturate(b, b.sar(rounded, b.int(64, size - 1)), size, true);
  };

/** SQDMULL: the doubled product of lanes of 16 or 32 bits, in twice the bits. */
export const doublingLong: TwoLanes = (b, size, x, y) => {
  const product = b.mul(x, y);
  const doubled = b.add(product, product);
  if (size === 16) return saturate(b, doubled, 32, true);
  // Only -2^31 times itself overflows: the product is then 2^62.
  const overflow = b.equal(product, b.constant64(0, 0x4000_0000));
  return saturated64(b, doubled, largest(b, 64, true), overflow);
};

/** PMUL and PMULL of 8 bits: a carry-less product. */
export const polynomial: TwoLanes = (b, _size, x, y) => {
  let result = b.int(64, 0);
  for (let i = 0; i < 8; i++) {
    result = b.xor(result, b.select(b.bit(y, i), b.shl(x, b.int(64, i)), b.int(64, 0)));
  }
  return result;
};
