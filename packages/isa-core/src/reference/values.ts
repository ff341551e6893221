// What the abstract values are in the reference engine: Int<64> an unsigned bigint, Int<32> an unsigned number, Float its
// bits and width, Vec 128 bits in a bigint, Flags NZCV as a number of four bits, Bool a boolean.

import type { Bool, Flags, Float, FloatWidth, Int, Vec, Width } from '../semantics/values.ts';

/** 64 ones. */
export const MASK64 = 0xffff_ffff_ffff_ffffn;
/** 128 ones. */
export const MASK128: bigint = (1n << 128n) - 1n;

/** A floating-point number as its bits. */
export interface FloatBits<W extends FloatWidth = FloatWidth> {
  readonly width: W;
  readonly bits: bigint;
}

/** A 64-bit integer's bits. */
export const big = (a: Int<64>): bigint => a as unknown as bigint;
/** A 32-bit integer's bits. */
export const num = (a: Int<32>): number => a as unknown as number;
/** Either. */
export const raw = <W extends Width>(a: Int<W>): bigint | number => a as unknown as bigint | number;
/** Either, as a bigint. */
export const wide = <W extends Width>(a: Int<W>): bigint => BigInt(raw(a));
/** Makes an `Int<64>`, modulo 2^64. */
export const int64 = (n: bigint): Int<64> => BigInt.asUintN(64, n) as unknown as Int<64>;
/** Makes an `Int<32>`, modulo 2^32. */
export const int32 = (n: number): Int<32> => (n >>> 0) as unknown as Int<32>;
/** Makes an integer of a width that is known when the instruction is specialised. */
export const intOf = <W extends Width>(w: W, n: bigint): Int<W> =>
  (w === 64 ? BigInt.asUintN(64, n) : Number(BigInt.asUintN(32, n))) as unknown as Int<W>;
/** The width of an integer. */
export const widthOf = <W extends Width>(a: Int<W>): W => (typeof raw(a) === 'bigint' ? 64 : 32) as W;

export const truth = (a: Bool): boolean => a as unknown as boolean;
export const bool = (a: boolean): Bool => a as unknown as Bool;
export const nibble = (a: Flags): number => a as unknown as number;
export const flags = (n: number): Flags => n as unknown as Flags;
export const float = <W extends FloatWidth>(a: Float<W>): FloatBits<W> => a as unknown as FloatBits<W>;
export const floatOf = <W extends FloatWidth>(width: W, bits: bigint): Float<W> =>
  ({ width, bits }) as unknown as Float<W>;
export const vec = (a: Vec): bigint => a as unknown as bigint;
export const vecOf = (bits: bigint): Vec => bits as unknown as Vec;
/** Any value, unseen. */
export const anyOf = (value: unknown): never => value as never;
