// Integers and conditions of the reference engine: arithmetic on whole numbers, reduced modulo the width.

import type { Builder } from '../semantics/builder.ts';
import type { Bool, Int, Width } from '../semantics/values.ts';
import { anyOf, big, bool, int32, int64, intOf, num, raw, truth, wide, widthOf } from './values.ts';

type Binary = <W extends Width>(a: Int<W>, b: Int<W>) => Int<W>;
type Unary = <W extends Width>(a: Int<W>) => Int<W>;
const narrowed = <W extends Width>(n: number): Int<W> => (n >>> 0) as unknown as Int<W>;
const widened = <W extends Width>(n: bigint): Int<W> => BigInt.asUintN(64, n) as unknown as Int<W>;

/** An operation on two integers of one width, given for both. */
const binary =
  (on32: (a: number, b: number) => number, on64: (a: bigint, b: bigint) => bigint): Binary =>
  <W extends Width>(a: Int<W>, b: Int<W>): Int<W> => {
    const x = raw(a);
    const y = raw(b);
    if (typeof x === 'bigint') return widened(on64(x, BigInt(y)));
    return narrowed(on32(x, Number(y)));
  };

const unary =
  (on32: (a: number) => number, on64: (a: bigint) => bigint): Unary =>
  <W extends Width>(a: Int<W>): Int<W> => {
    const x = raw(a);
    return typeof x === 'bigint' ? widened(on64(x)) : narrowed(on32(x));
  };

const signed = <W extends Width>(a: Int<W>): bigint => BigInt.asIntN(widthOf(a), wide(a));

const leadingZeros64 = (a: bigint): bigint => {
  const high = Number(a >> 32n);
  return BigInt(high === 0 ? 32 + Math.clz32(Number(a & 0xffff_ffffn)) : Math.clz32(high));
};

/** The bits of `a` in reverse order. */
export const reverseBits = (a: bigint, bits: number): bigint => {
  let result = 0n;
  for (let i = 0; i < bits; i++) result |= ((a >> BigInt(i)) & 1n) << BigInt(bits - 1 - i);
  return result;
};

/** The lowest `bytes` bytes of `a` in reverse order. */
export const reverseBytes = (a: bigint, bytes: number): bigint => {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((a >> BigInt(8 * i)) & 0xffn);
  return result;
};

const reverseBytesIn = (a: bigint, width: Width, unit: number): bigint => {
  let result = 0n;
  const mask = (1n << BigInt(unit)) - 1n;
  for (let at = 0n; at < width; at += BigInt(unit)) result |= reverseBytes((a >> at) & mask, unit / 8) << at;
  return result;
};

/** The CRC of DDI 0487 C6.2.75: Poly32Mod2 on bit-reversed operands, done bit by bit from the lowest. */
const crc32 = (accumulator: number, value: bigint, bytes: number, reversedPolynomial: number): number => {
  let crc = accumulator;
  for (let i = 0; i < bytes; i++) {
    crc ^= Number((value >> BigInt(8 * i)) & 0xffn);
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ reversedPolynomial : crc >>> 1;
  }
  return crc;
};

type IntegerPart = Pick<
  Builder,
  | 'add'
  | 'sub'
  | 'mul'
  | 'mulHigh'
  | 'div'
  | 'and'
  | 'or'
  | 'xor'
  | 'not'
  | 'shl'
  | 'shr'
  | 'sar'
  | 'ror'
  | 'clz'
  | 'reverseBits'
  | 'reverseBytes'
  | 'extend'
  | 'crc32'
  | 'isZero'
  | 'equal'
  | 'less'
  | 'bit'
  | 'invert'
  | 'both'
  | 'either'
  | 'select'
  | 'bool'
>;

/** The integer methods. They need no state. */
export const integers: IntegerPart = {
  add: binary(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: binary(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  mul: binary(
    (a, b) => Math.imul(a, b),
    (a, b) => a * b,
  ),
  mulHigh(a, b, isSigned) {
    return int64(isSigned ? (signed(a) * signed(b)) >> 64n : (big(a) * big(b)) >> 64n);
  },
  div(a, b, isSigned) {
    const w = widthOf(a);
    if (wide(b) === 0n) return intOf(w, 0n);
    return intOf(w, isSigned ? signed(a) / signed(b) : wide(a) / wide(b));
  },
  and: binary(
    (a, b) => a & b,
    (a, b) => a & b,
  ),
  or: binary(
    (a, b) => a | b,
    (a, b) => a | b,
  ),
  xor: binary(
    (a, b) => a ^ b,
    (a, b) => a ^ b,
  ),
  not: unary(
    (a) => ~a,
    (a) => ~a,
  ),
  shl: binary(
    (a, n) => a << n,
    (a, n) => a << (n & 63n),
  ),
  shr: binary(
    (a, n) => a >>> n,
    (a, n) => a >> (n & 63n),
  ),
  sar: binary(
    (a, n) => a >> n,
    (a, n) => BigInt.asIntN(64, a) >> (n & 63n),
  ),
  ror: binary(
    (a, n) => (a >>> (n & 31)) | (a << (-n & 31)),
    (a, n) => (a >> (n & 63n)) | (a << (-n & 63n)),
  ),
  clz: unary((a) => Math.clz32(a), leadingZeros64),
  reverseBits: unary(
    (a) => Number(reverseBits(BigInt(a), 32)),
    (a) => reverseBits(a, 64),
  ),
  reverseBytes(a, unit) {
    const w = widthOf(a);
    return intOf(w, reverseBytesIn(wide(a), w, unit));
  },
  extend(a, bits, isSigned, w) {
    return intOf(w, isSigned ? BigInt.asIntN(bits, wide(a)) : BigInt.asUintN(bits, wide(a)));
  },
  crc32: (accumulator, value, bytes, castagnoli) =>
    int32(crc32(num(accumulator), big(value), bytes, castagnoli ? 0x82f6_3b78 : 0xedb8_8320)),

  isZero: (a) => bool(wide(a) === 0n),
  equal: (a, b) => bool(wide(a) === wide(b)),
  less: (a, b, isSigned) => bool(isSigned ? signed(a) < signed(b) : wide(a) < wide(b)),
  bit: (a, n) => bool(((wide(a) >> BigInt(typeof n === 'number' ? n : n.value)) & 1n) === 1n),
  bool: (value) => bool(value),
  invert: (a) => bool(!truth(a)),
  both: (a, b) => bool(truth(a) && truth(b)),
  either: (a, b) => bool(truth(a) || truth(b)),
  select: (c: Bool, yes, no) => anyOf(truth(c) ? yes : no),
};
