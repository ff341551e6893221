// Counts which blocks of memory have entries in the TLB, so that most TLBI operations need no search of all of it.

import { FILTER_SIZES, FILTER_SLOTS } from './tlb-layout.ts';
import type { TlbPlace } from './tlb-layout.ts';

/** Log2 of the page and block sizes that there are (DDI 0487 D8.2). */
const SHIFTS: readonly number[] = [12, 14, 16, 21, 25, 29, 30, 42];

/** Says whether there may be an entry for the block of an address. A yes may be wrong, a no is not. */
export class BlockFilter {
  private readonly slots: Uint32Array;
  /** Entries by log2 of their block's size. */
  private readonly sizes: Uint32Array;

  /**
   * @param slots - where the counters lie
   * @param sizes - where the entries are counted by size
   */
  constructor({ buffer, offset }: TlbPlace, slots: number, sizes: number) {
    this.slots = new Uint32Array(buffer, offset + slots, FILTER_SLOTS);
    this.sizes = new Uint32Array(buffer, offset + sizes, FILTER_SIZES);
  }

  /** Adds or removes one entry of the block of `2^shift` bytes around an address below 2^56. */
  count(lo: number, hi: number, shift: number, by: 1 | -1): void {
    const slot = slotOf(lo, hi, shift);
    this.slots[slot] = (this.slots[slot] ?? 0) + by;
    this.sizes[shift] = (this.sizes[shift] ?? 0) + by;
  }

  /** False when no entry's block holds the address. */
  mayHold(lo: number, hi: number): boolean {
    for (const shift of SHIFTS) {
      if (this.sizes[shift] !== 0 && this.slots[slotOf(lo, hi, shift)] !== 0) return true;
    }
    return false;
  }

  clear(): void {
    this.slots.fill(0);
    this.sizes.fill(0);
  }
}

/** True for a size that blocks and pages have. */
export function isBlockShift(shift: number): boolean {
  return SHIFTS.includes(shift);
}

function slotOf(lo: number, hi: number, shift: number): number {
  const block = shift >= 32 ? hi >>> (shift - 32) : (lo >>> shift) | (hi << (32 - shift));
  return (Math.imul(block ^ (shift << 26), 0x9e3779b1) >>> 21) & (FILTER_SLOTS - 1);
}
