// Guest addresses as numbers: signed, so that the upper half of the address space is negative and every canonical 52-bit address is
// exact in a double.

import type { Word64 } from '@worldswitch/platform';

const HIGH = 2 ** 32;

/** An address of its halves. */
export const signed = ({ lo, hi }: Readonly<Word64>): number => (hi | 0) * HIGH + (lo >>> 0);
/** Bits 31:0. */
export const low = (pc: number): number => pc >>> 0;
/** Bits 63:32. */
export const high = (pc: number): number => Math.floor(pc / HIGH) >>> 0;

/** Bytes of a line of the cache. Each unit has lines of its own: who writes one leaves what is decoded of the others alone. */
export const LINE = 64;
/** Rounds up to whole lines. */
export const toLine = (address: number): number => Math.ceil(address / LINE) * LINE;
