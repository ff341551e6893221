// Where a guest's physical addresses lie on the host: whole ranges of memory, and nothing elsewhere.

import { PAGE } from '../memory/pages.ts';

/** A range of the guest's memory. */
export interface RamRange {
  /** Where the guest has it. */
  readonly ipa: number;
  /** Where it is. */
  readonly pa: number;
  readonly size: number;
}

/** The map from the guest's physical addresses to the host's. */
export class GuestRam {
  private readonly ranges: readonly RamRange[];

  /** Ranges of whole pages that do not overlap. */
  constructor(ranges: readonly RamRange[]) {
    this.ranges = ranges.map((range) => ({ ...range })).sort((a, b) => a.ipa - b.ipa);
    let end = 0;
    for (const { ipa, pa, size } of this.ranges) {
      const whole = [ipa, pa, size].every((n) => Number.isInteger(n) && n >= 0 && n % PAGE === 0);
      if (!whole || size === 0 || ipa < end || Math.max(ipa, pa) + size > 2 ** 48) {
        throw new RangeError('ranges of memory must be whole pages and may not overlap');
      }
      end = ipa + size;
    }
  }

  /** The host's address, or -1 where there is no memory. */
  toHost(ipa: number): number {
    for (const range of this.ranges) {
      if (ipa >= range.ipa && ipa < range.ipa + range.size) return ipa - range.ipa + range.pa;
    }
    return -1;
  }

  /** The guest's address, or -1 where the host's is none of its memory. */
  toGuest(pa: number): number {
    for (const range of this.ranges) {
      if (pa >= range.pa && pa < range.pa + range.size) return pa - range.pa + range.ipa;
    }
    return -1;
  }

  /** True where the whole block of `2^shift` bytes around an address is memory, and equally aligned on the host. */
  hasBlock(ipa: number, shift: number): boolean {
    const size = 2 ** shift;
    const start = ipa - (ipa % size);
    for (const range of this.ranges) {
      if (ipa < range.ipa || ipa >= range.ipa + range.size) continue;
      const inside = start >= range.ipa && start + size <= range.ipa + range.size;
      return inside && (range.pa - range.ipa) % size === 0;
    }
    return false;
  }
}
