// A set of pages: 512 to a record, so that memory that nobody writes costs nothing.

import { bytes, list, record, StateError, uint } from '@worldswitch/platform';
import type { Shape } from '@worldswitch/platform';

const PAGES = 512;

/** A set of pages as plain data: bit maps of 2 MiB each, in the order of their addresses. */
export type DirtyPagesState = readonly Readonly<{ index: number; pages: Uint8Array }>[];

const chunks = list(
  record<{ index: number; pages: Uint8Array }>({ index: uint(2 ** 27 - 1), pages: bytes(PAGES / 8) }),
  0,
  2 ** 27,
);

/** Checks a saved set. */
export const dirtyPagesShape: Shape<DirtyPagesState> = {
  check(from, path) {
    const state = chunks.check(from, path);
    state.forEach(({ index }, i) => {
      if (index <= (state[i - 1]?.index ?? -1)) throw new StateError(`${path}[${i}].index`, 'must increase');
    });
    return state;
  },
};

/** Pages by number. */
export class DirtyPages {
  private readonly chunks = new Map<number, Uint8Array>();

  constructor(state: DirtyPagesState = []) {
    for (const { index, pages } of state) this.chunks.set(index, Uint8Array.from(pages));
  }

  add(page: number): void {
    const index = Math.floor(page / PAGES);
    let chunk = this.chunks.get(index);
    if (chunk === undefined) this.chunks.set(index, (chunk = new Uint8Array(PAGES / 8)));
    const bit = page % PAGES;
    chunk[bit >>> 3] = (chunk[bit >>> 3] ?? 0) | (1 << (bit & 7));
  }

  /** In increasing order. */
  list(): number[] {
    return this.sorted().flatMap(([index, chunk]) => {
      const pages: number[] = [];
      for (let bit = 0; bit < PAGES; bit++) {
        if (((chunk[bit >>> 3] ?? 0) >>> (bit & 7)) & 1) pages.push(index * PAGES + bit);
      }
      return pages;
    });
  }

  clear(): void {
    this.chunks.clear();
  }

  save(): DirtyPagesState {
    return this.sorted().map(([index, chunk]) => ({ index, pages: Uint8Array.from(chunk) }));
  }

  private sorted(): [number, Uint8Array][] {
    return [...this.chunks].sort(([a], [b]) => a - b);
  }
}
