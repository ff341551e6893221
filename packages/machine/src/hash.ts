// Hashes of a machine's registers and memory: 64 bits for each page, remembered until the page is dirty again.

import type { Memory } from '@worldswitch/platform';

import { PAGE } from './memory/window.ts';

/** Two multiply-xor lanes over 32-bit words (the finishers of MurmurHash3); not cryptographic. */
export function hashWords(
  words: Uint32Array,
  from: number,
  count: number,
  seed: number,
): readonly [number, number] {
  let a = seed ^ 0x9e3779b9;
  let b = seed ^ 0x85ebca6b;
  for (let i = from; i < from + count; i++) {
    const w = words[i] ?? 0;
    a = Math.imul(a ^ w, 0xcc9e2d51);
    a = (a << 15) | (a >>> 17);
    b = Math.imul(b + w, 0x1b873593) ^ (b >>> 13);
  }
  return [finish(a ^ b), finish(b + Math.imul(a, 5))];
}

function finish(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** The hash of one window, kept up to date by its dirty bits. */
export class MemoryHash {
  private readonly memory: Memory;
  private readonly words: Uint32Array;
  private readonly pages: Uint32Array;
  private first = true;

  constructor(memory: Memory) {
    this.memory = memory;
    this.words = new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.size / 4);
    this.pages = new Uint32Array((memory.size / PAGE) * 2);
  }

  /** The hash now. Clears the dirty bits; `revoke` must then take write permission from every fast path. */
  update(revoke: () => void): readonly [number, number] {
    const { dirty, size } = this.memory;
    const count = size / PAGE;
    let cleared = false;
    for (let page = 0; page < count; page++) {
      if (!this.first && ((dirty[page >>> 5] ?? 0) & (1 << (page & 31))) === 0) continue;
      const [a, b] = hashWords(this.words, page * (PAGE / 4), PAGE / 4, page);
      this.pages[page * 2] = a;
      this.pages[page * 2 + 1] = b;
      cleared = true;
    }
    this.first = false;
    if (cleared) {
      dirty.fill(0);
      revoke();
    }
    return hashWords(this.pages, 0, this.pages.length, 1);
  }
}
