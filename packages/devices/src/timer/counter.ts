// The system counter as a function of virtual time, exactly: no rounding for any time below 2^53 (DDI 0487 D11.1.2).

import type { Word64 } from '@worldswitch/platform';

const nanosecondsPerSecond = 1_000_000_000;
const twoTo32 = 0x1_0000_0000;
const half = 0x8000;

/** A counter of a frequency. Counts stay below 2^53, as frequencies are at most 1 GHz. */
export interface Counter {
  /** `floor(now * frequency / 10^9)`. */
  at(now: number): number;
  /** The first nanosecond at which the counter is `count` or more; `Infinity` beyond 2^53. */
  reaches(count: number): number;
}

/** Makes one of an integer frequency of 1 to 10^9 hertz. */
export function counter(frequency: number): Counter {
  // Reduced: 62.5 MHz is 1/16, for which both ways are one division.
  const common = gcd(frequency, nanosecondsPerSecond);
  const ticks = frequency / common;
  const nanoseconds = nanosecondsPerSecond / common;
  return {
    at: (now) => (ticks === 1 ? Math.floor(now / nanoseconds) : scale(now, ticks, nanoseconds, false)),
    reaches: (count) => scale(count, nanoseconds, ticks, true),
  };
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * `n * by / of`, rounded down, or up, exactly; `Infinity` beyond 2^53. `n` is below 2^53, `by` and `of` are at most 2^30, so
 * that all products below stay exact. (The rounded quotient of two integers below 2^53 never reaches the next integer.)
 */
function scale(n: number, by: number, of: number, up: boolean): number {
  const whole = Math.floor(n / of);
  const rest = n - whole * of;
  const restHigh = Math.floor(rest / half);
  const high = restHigh * by;
  const highWhole = Math.floor(high / of);
  const low = (high - highWhole * of) * half + (rest - restHigh * half) * by;
  const lowWhole = Math.floor(low / of);
  const result = whole * by + highWhole * half + lowWhole + (up && low > lowWhole * of ? 1 : 0);
  return result <= Number.MAX_SAFE_INTEGER ? result : Infinity;
}

/** `out = a - b`, modulo 2^64. */
export function subtract(a: Word64, b: Word64, out: Word64): void {
  const lo = a.lo - b.lo;
  out.hi = (a.hi - b.hi - (lo < 0 ? 1 : 0)) >>> 0;
  out.lo = lo >>> 0;
}

/** `out = a + b`, modulo 2^64. */
export function add(a: Word64, b: Word64, out: Word64): void {
  const lo = a.lo + b.lo;
  out.hi = (a.hi + b.hi + (lo >= twoTo32 ? 1 : 0)) >>> 0;
  out.lo = lo >>> 0;
}

/** Unsigned. */
export const isBelow = (a: Word64, b: Word64): boolean => a.hi < b.hi || (a.hi === b.hi && a.lo < b.lo);

/** A number below 2^53 as two halves. */
export function split(n: number, out: Word64): void {
  out.hi = Math.floor(n / twoTo32);
  out.lo = n >>> 0;
}

/** The value of two halves, where it is below 2^53; else `Infinity`. */
export const joined = ({ lo, hi }: Word64): number => (hi < 0x20_0000 ? hi * twoTo32 + lo : Infinity);
