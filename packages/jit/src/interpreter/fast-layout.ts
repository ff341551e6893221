// Where the fast TLBs of one CPU lie: see `FastTlb`.

import { Tables } from '../emit/frame.ts';

/** Contexts that have tables at once. */
export const SLOTS = 16;
/** Bytes of a context's tables: of data accesses, and behind them of fetches. */
export const SLOT_BYTES: number = Tables.dataBytes + Tables.fetchBytes;
/** Entries of the table of pages of memory that may be stored to without further calls. */
export const READY_ENTRIES = 0x4000;

const end: number = SLOTS * SLOT_BYTES;

/** Byte offsets from the place of the tables. */
export const FastLayout: {
  readonly used: number;
  readonly end: number;
  readonly ready: number;
  readonly bytes: number;
} = {
  /** By slot, a byte: 1 where it may have entries. */
  used: end,
  /** 32 bits: no slot from here on is used. */
  end: end + 16,
  /**
   * By the number of a page of memory, 32 bits: that number, if the page may be stored to as soon as a translation allows it. What
   * is not there may be so too.
   */
  ready: end + 64,
  bytes: end + 64 + READY_ENTRIES * 4,
};
