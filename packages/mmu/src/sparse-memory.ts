// A memory that exists where it was written: for examples, tests, and looking at tables outside a machine.

import { Fault } from '@worldswitch/platform';
import type { Word64 } from '@worldswitch/platform';

/** Both a `WalkPort` and a `TableStore`. */
export interface SparseMemory {
  /** Reads 8 bytes; 0 where nothing was written. */
  read64(pa: number, out: Word64): Fault;
  /** Writes 8 bytes. */
  write64(pa: number, lo: number, hi: number): Fault;
}

/** Makes an empty one. */
export function createSparseMemory(): SparseMemory {
  const words = new Map<number, Word64>();
  return {
    read64(pa, out) {
      const word = words.get(pa);
      out.lo = word?.lo ?? 0;
      out.hi = word?.hi ?? 0;
      return Fault.None;
    },
    write64(pa, lo, hi) {
      words.set(pa, { lo: lo >>> 0, hi: hi >>> 0 });
      return Fault.None;
    },
  };
}
