// The free pages of a hypervisor's own memory: what it makes its tables of.

import type { TableAllocator } from '@worldswitch/mmu';
import { bytes, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

/** Bytes of a page. */
export const PAGE = 4096;

const MOST = 1 << 24;

/** A range of memory and which of its pages are handed out. */
export type PageAllocatorState = Readonly<{
  /** First address, a multiple of the page size. */
  base: number;
  /** How many pages. */
  pages: number;
  /** One bit for each page, set when it is handed out. */
  used: Uint8Array;
}>;

const shape = record<PageAllocatorState>({
  base: uint(2 ** 52 - PAGE),
  pages: uint(MOST),
  used: bytes(0, MOST / 8),
});

/** Checks a saved allocator. */
export const pageAllocatorShape: Shape<PageAllocatorState> = {
  check(from, path) {
    const state = shape.check(from, path);
    if (state.base % PAGE !== 0) throw new StateError(`${path}.base`, `must be a multiple of ${PAGE}`);
    if (state.used.length !== Math.ceil(state.pages / 8)) {
      throw new StateError(`${path}.used`, `must have one bit for each of ${state.pages} pages`);
    }
    const rest = state.pages % 8;
    if (rest !== 0 && (state.used.at(-1) ?? 0) >>> rest !== 0) {
      throw new StateError(`${path}.used`, 'must have no bits behind the last page');
    }
    return state;
  },
};

/** Hands out pages, always the lowest that fit: what it does depends on its state alone. */
export class PageAllocator implements TableAllocator {
  readonly base: number;
  readonly pages: number;
  private readonly bitmap: Uint8Array;
  private handedOut = 0;
  /** No page below this one is free. */
  private lowest = 0;

  /**
   * @param base - first address, a multiple of 4096
   * @param pages - how many pages
   * @param state - what `save` returned, checked, for the same range
   */
  constructor(base: number, pages: number, state?: PageAllocatorState) {
    if (base % PAGE !== 0) throw new RangeError(`base must be a multiple of ${PAGE}`);
    if (state !== undefined && (state.base !== base || state.pages !== pages)) {
      throw new StateError('base', 'and pages must be those of the range that is restored');
    }
    this.base = base;
    this.pages = pages;
    this.bitmap = Uint8Array.from(state?.used ?? new Uint8Array(Math.ceil(pages / 8)));
    for (let i = 0; i < pages; i++) if (this.taken(i)) this.handedOut++;
  }

  /** Bytes that are handed out. */
  get used(): number {
    return this.handedOut * PAGE;
  }

  /** Memory of so many bytes (a power of two; a page at least), aligned to them. Throws a RangeError when there is none left. */
  allocate(size: number): number {
    const count = Math.max(1, Math.ceil(size / PAGE));
    const step = count * PAGE;
    const start = Math.max(this.base + this.lowest * PAGE, this.base);
    for (let at = Math.ceil(start / step) * step; ; at += step) {
      const first = (at - this.base) / PAGE;
      if (first + count > this.pages) throw new RangeError(`no ${size} bytes are left for tables`);
      if (!this.free(first, count)) continue;
      for (let i = first; i < first + count; i++) this.mark(i, true);
      this.handedOut += count;
      while (this.lowest < this.pages && this.taken(this.lowest)) this.lowest++;
      return at;
    }
  }

  /** Takes back what `allocate` gave. */
  release(at: number, size: number): void {
    const first = (at - this.base) / PAGE;
    const count = Math.max(1, Math.ceil(size / PAGE));
    if (!Number.isInteger(first) || first < 0 || first + count > this.pages) {
      throw new RangeError(`0x${at.toString(16)} is no page of this allocator`);
    }
    for (let i = first; i < first + count; i++) {
      if (!this.taken(i)) throw new RangeError(`page 0x${at.toString(16)} is released twice`);
      this.mark(i, false);
    }
    this.handedOut -= count;
    this.lowest = Math.min(this.lowest, first);
  }

  /** True where all of these bytes are handed out. */
  owns(at: number, size: number): boolean {
    const first = (at - this.base) / PAGE;
    const count = Math.max(1, Math.ceil(size / PAGE));
    if (!Number.isInteger(first) || first < 0 || first + count > this.pages) return false;
    for (let i = first; i < first + count; i++) if (!this.taken(i)) return false;
    return true;
  }

  /** Its state, for `pageAllocatorShape`. */
  save(): PageAllocatorState {
    return { base: this.base, pages: this.pages, used: Uint8Array.from(this.bitmap) };
  }

  private free(first: number, count: number): boolean {
    for (let i = first; i < first + count; i++) if (this.taken(i)) return false;
    return true;
  }

  private taken(page: number): boolean {
    return (((this.bitmap[page >>> 3] ?? 0) >>> (page & 7)) & 1) !== 0;
  }

  private mark(page: number, taken: boolean): void {
    const bit = 1 << (page & 7);
    const old = this.bitmap[page >>> 3] ?? 0;
    this.bitmap[page >>> 3] = taken ? old | bit : old & ~bit;
  }
}
