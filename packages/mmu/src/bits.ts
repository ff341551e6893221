// Bit fields of 64-bit values that travel as two 32-bit halves, and of addresses that travel as doubles.

/** 2^32, the weight of a high half. */
export const WORD = 0x1_0000_0000;

/** A table is quicker than the operator. */
const POWER_OF_TWO: Float64Array = Float64Array.from({ length: 64 }, (_, n) => 2 ** n);

/** `2^n` for n of 0 to 63. */
export const power = (n: number): number => POWER_OF_TWO[n] ?? 0;

/** The field of `width` (1 to 31) bits that starts at bit `lsb` (0 to 63) of `hi:lo`. */
export function bits(lo: number, hi: number, lsb: number, width: number): number {
  const mask = (1 << width) - 1;
  if (lsb >= 32) return (hi >>> (lsb - 32)) & mask;
  if (lsb + width <= 32) return (lo >>> lsb) & mask;
  return ((lo >>> lsb) | (hi << (32 - lsb))) & mask;
}

/** The low `count` (0 to 52) bits of `hi:lo`, as a double. */
export function lowBits(lo: number, hi: number, count: number): number {
  if (count >= 32) return (lo >>> 0) + (count === 32 ? 0 : hi & ((1 << (count - 32)) - 1)) * WORD;
  return (lo & ((1 << count) - 1)) >>> 0;
}

/** Bits 47:`shift` of `hi:lo`, in place, as a double. */
export function addressBits(lo: number, hi: number, shift: number): number {
  if (shift >= 32) return (hi & 0xffff & -(1 << (shift - 32))) * WORD;
  return (hi & 0xffff) * WORD + ((lo & -(1 << shift)) >>> 0);
}

/** True when bits `top`:`bottom` of `hi:lo` (`bottom` at most `top`, `top` at least 32) all equal `ones`. */
export function allBits(lo: number, hi: number, top: number, bottom: number, ones: boolean): boolean {
  const l = ones ? ~lo : lo;
  const h = ones ? ~hi : hi;
  // Bits above `top` fall out on the left.
  const high = h << (63 - top);
  if (bottom >= 32) return high >>> (63 - top + (bottom - 32)) === 0;
  return high === 0 && l >>> bottom === 0;
}

/** The bytes of a 32-bit value in the other order. */
export function swap32(x: number): number {
  return ((x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24)) >>> 0;
}
