// Where the arrays of a TLB lie side by side in one buffer, so that compiled code can read and fill them.

import type { TlbShape } from './tlb.ts';

/** Counters of a block filter, and of sizes of blocks. */
export const FILTER_SLOTS = 2048;
/** Counters of sizes of blocks. */
export const FILTER_SIZES = 64;

/** A place for the arrays of a TLB: `tlbLayout(shape).bytes` bytes from an offset that is a multiple of 8. */
export interface TlbPlace {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
}

/** Byte offsets of the arrays from the place's. Fields are the TLB's of the same name; filters as `BlockFilter` has them. */
export interface TlbLayout {
  readonly pa: number;
  readonly ipa: number;
  readonly tagLo: number;
  readonly tagHi: number;
  readonly tagContext: number;
  readonly tagAsid: number;
  /** Filter of blocks by virtual address: counters, and counts by size. */
  readonly blockSlots: number;
  readonly blockSizes: number;
  /** The same by IPA. */
  readonly ipaSlots: number;
  readonly ipaSizes: number;
  /** The number of valid entries, 32 bits. */
  readonly live: number;
  readonly permissions: number;
  readonly attributes: number;
  readonly shareability: number;
  readonly level: number;
  readonly stage1Shift: number;
  readonly stage2Shift: number;
  readonly ns: number;
  readonly nextWay: number;
  /** Bytes of them all. */
  readonly bytes: number;
}

/** The layout for a shape. */
export function tlbLayout({ sets, ways }: TlbShape): TlbLayout {
  const size = sets * ways;
  let end = 0;
  const next = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes) / 8) * 8;
    return at;
  };
  return {
    pa: next(size * 8),
    ipa: next(size * 8),
    tagLo: next(size * 4),
    tagHi: next(size * 4),
    tagContext: next(size * 4),
    tagAsid: next(size * 4),
    blockSlots: next(FILTER_SLOTS * 4),
    blockSizes: next(FILTER_SIZES * 4),
    ipaSlots: next(FILTER_SLOTS * 4),
    ipaSizes: next(FILTER_SIZES * 4),
    live: next(4),
    permissions: next(size),
    attributes: next(size),
    shareability: next(size),
    level: next(size),
    stage1Shift: next(size),
    stage2Shift: next(size),
    ns: next(size),
    nextWay: next(sets),
    bytes: end,
  };
}
