// The one WebAssembly.Memory of a machine: CPU blocks, engine tables and memory windows side by side below 4 GiB.

import { ConfigurationError } from '../errors.ts';

const WASM_PAGE = 65536;
/** Wasm addresses are 32 bits. */
const LIMIT = 65536;

/** Places for things in the shared memory, given out in order. */
export interface Arena {
  /** Reserves bytes; returns their offset, a multiple of `align` (a power of two). Before `open` only. */
  reserve(bytes: number, align: number): number;
  /** Makes the memory, with everything reserved. */
  open(): WebAssembly.Memory;
}

/** An arena. Its first 64 KiB stay free, so that offset 0 means nothing. */
export function createArena(): Arena {
  let end = WASM_PAGE;
  return {
    reserve(bytes, align) {
      const at = Math.ceil(end / align) * align;
      end = at + bytes;
      return at;
    },
    open() {
      const pages = Math.ceil(end / WASM_PAGE);
      if (pages > LIMIT) {
        throw new ConfigurationError(
          'memory',
          `needs ${pages * 64} KiB in all, and 4 GiB is the most; give less`,
        );
      }
      try {
        return new WebAssembly.Memory({ initial: pages, maximum: pages });
      } catch {
        throw new ConfigurationError(
          'memory',
          `the host has no ${Math.round(pages / 16)} MiB to give; ask for less`,
        );
      }
    },
  };
}
