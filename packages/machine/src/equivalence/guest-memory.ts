// A guest's memory: a part of the machine's, with a hash of its pages that is kept up to date by their dirty bits.

import type { Memory } from '@worldswitch/platform';

import { hashWords } from '../hash.ts';
import { PAGE } from '../memory/window.ts';

/** Where a guest's memory is in the machine's, in bytes from the beginning of that; whole pages. */
export interface GuestWindow {
  readonly offset: number;
  readonly size: number;
}

/** A word that is another one than the guest's. */
export interface RewrittenWord {
  readonly before: number;
  readonly after: number;
}

const WORDS = PAGE / 4;
const NONE: ReadonlyMap<number, RewrittenWord> = new Map();

/** What of a guest's memory is not there as the guest has it. */
export interface Displaced {
  /** Words that are not the guest's own, by their place in bytes. */
  readonly rewritten?: (() => ReadonlyMap<number, RewrittenWord>) | undefined;
  /** Pages that are elsewhere in the machine's memory now: places in bytes, by those in the guest's memory. */
  readonly moved?: (() => ReadonlyMap<number, number>) | undefined;
}

/** The memory of one guest. */
export class GuestMemory {
  readonly words: Uint32Array;
  private readonly memory: Memory;
  private readonly first: number;
  private readonly pages: Uint32Array;
  private readonly revoke: () => void;
  private readonly rewritten: () => ReadonlyMap<number, RewrittenWord>;
  private readonly moved: Displaced['moved'];
  /** All of the machine's memory, and where in it pages by their number are that are elsewhere: when the dirty bits were taken. */
  private readonly all: Uint32Array;
  private elsewhere: ReadonlyMap<number, number> = new Map();
  /** Pages that have such words, of as many words as were known then. */
  private readonly changedPages = new Set<number>();
  private changedCount = 0;
  /** A page as the guest has it. */
  private readonly original = new Uint32Array(WORDS);
  private readonly sum: [number, number] = [0, 0];
  /** Pages that were written since `hash` was last asked for, as far as somebody has collected them. */
  private readonly collected = new Set<number>();

  /**
   * @param revoke - takes write permission from every fast path: the dirty bits are clear again
   * @param displaced - what is not there as the guest has it
   */
  constructor(memory: Memory, { offset, size }: GuestWindow, revoke: () => void, displaced: Displaced = {}) {
    this.memory = memory;
    this.rewritten = displaced.rewritten ?? ((): typeof NONE => NONE);
    this.moved = displaced.moved;
    this.all = new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset, memory.bytes.length >>> 2);
    this.first = offset / PAGE;
    this.words = new Uint32Array(memory.bytes.buffer, memory.bytes.byteOffset + offset, size / 4);
    this.pages = new Uint32Array((size / PAGE) * 2);
    this.revoke = revoke;
    for (let page = 0; page < size / PAGE; page++) this.hashPage(page);
    this.collect();
    this.collected.clear();
  }

  /** How many words are not the guest's own. */
  get changedWords(): number {
    return this.rewritten().size;
  }

  /** True where a page has some of them. */
  private hasChanged(page: number): boolean {
    const changed = this.rewritten();
    if (changed.size !== this.changedCount) {
      this.changedCount = changed.size;
      for (const at of changed.keys()) this.changedPages.add(Math.floor(at / PAGE));
    }
    return this.changedPages.has(page);
  }

  /** A word as the guest has it, by its number. */
  word(i: number): number {
    const at = this.elsewhere.get(Math.floor(i / WORDS));
    const word = (at === undefined ? this.words[i] : this.all[at + (i % WORDS)]) ?? 0;
    const other = this.rewritten().get(4 * i);
    return other?.after === word ? other.before : word;
  }

  private hashPage(page: number): void {
    const { original } = this;
    const at = this.elsewhere.get(page);
    let [words, first] = at === undefined ? [this.words, page * WORDS] : [this.all, at];
    if (this.hasChanged(page)) {
      for (let i = 0; i < WORDS; i++) original[i] = this.word(first + i);
      [words, first] = [original, 0];
    }
    const [a, b] = hashWords(words, first, WORDS, page);
    this.sum[0] = (this.sum[0] + a - (this.pages[2 * page] ?? 0)) >>> 0;
    this.sum[1] = (this.sum[1] + b - (this.pages[2 * page + 1] ?? 0)) >>> 0;
    this.pages[2 * page] = a;
    this.pages[2 * page + 1] = b;
  }

  /** Pages that were written since `hash` was last asked for, by number. */
  written(): ReadonlySet<number> {
    this.collect();
    return this.collected;
  }

  /** Takes the dirty bits of its pages and clears them. */
  private collect(): void {
    const { dirty } = this.memory;
    const { first, pages } = this;
    const end = first + pages.length / 2;
    let some = false;
    for (let word = first >>> 5; word < (end + 31) >>> 5; word++) {
      const bits = dirty[word] ?? 0;
      if (bits === 0) continue;
      for (let bit = 0; bit < 32; bit++) {
        const page = word * 32 + bit;
        if ((bits & (1 << bit)) === 0 || page < first || page >= end) continue;
        this.collected.add(page - first);
        dirty[word] = (dirty[word] ?? 0) & ~(1 << bit);
        some = true;
      }
    }
    if (some) this.revoke();
    this.collectMoved();
  }

  /** Pages that are or were elsewhere: no dirty bit of theirs says when they change. */
  private collectMoved(): void {
    if (this.moved === undefined) return;
    for (const page of this.elsewhere.keys()) this.collected.add(page);
    this.elsewhere = new Map([...this.moved()].map(([place, at]) => [place / PAGE, at / 4]));
    for (const page of this.elsewhere.keys()) this.collected.add(page);
  }

  /** 64 bits over all of it. */
  hash(): readonly [number, number] {
    for (const page of this.written()) this.hashPage(page);
    this.collected.clear();
    return [this.sum[0], this.sum[1]];
  }

  /** Words of some pages that differ from another guest's: offsets in bytes, the first `most` of them. */
  differences(other: GuestMemory, pages: Iterable<number>, most: number): readonly number[] {
    const found: number[] = [];
    for (const page of pages)
      for (let i = page * WORDS; i < (page + 1) * WORDS && found.length < most; i++)
        if (this.word(i) !== other.word(i)) found.push(i * 4);
    return found;
  }
}
