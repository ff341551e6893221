// The room for fix-ups: beside the guest's text at a constant distance, within the reach of a branch, and not in the guest's memory. So
// what leads there and back is right wherever the guest maps its text, as branches are relative (DDI 0487 C6.2, B).

import type { Draft } from '../binary-translation/draft.ts';

const PAGE = 0x1000;
/** B reaches so far either way. */
const REACH = 0x800_0000;

/** What does one instruction in line. */
export interface FixUp {
  /** Where the instruction is, in the guest's physical memory, and what it was. */
  readonly site: number;
  readonly word: number;
  /** Bytes from the beginning of the arena. */
  readonly at: number;
  /** Words before the branch that leads back: their phases say how to get out of them. */
  readonly sequence: Draft;
  readonly words: readonly number[];
}

/** B at one address to another. */
export const branch = (from: number, to: number): number =>
  (0x1400_0000 | (((to - from) / 4) & 0x3ff_ffff)) >>> 0;

/** Where a B at an address goes, or -1 for another instruction. */
const branchTarget = (at: number, word: number): number =>
  word >>> 26 === 5 ? at + ((word << 6) >> 6) * 4 : -1;

/** Fix-ups one behind the other, none of them in two pages. */
export class Arena {
  /** Where it is in the guest's physical address space, where the guest has nothing. */
  readonly base: number;
  readonly size: number;
  private next = 0;
  /** By where they begin. */
  private readonly fixUps = new Map<number, FixUp>();
  private readonly bySite = new Map<number, FixUp>();
  /** By the branch that stands for the instruction: no two are equal, so that one that was copied elsewhere is known. */
  private readonly byBranch = new Map<number, FixUp>();

  constructor(base: number, size: number) {
    this.base = base;
    this.size = size;
  }

  /** Those there are, in the order of their places. */
  all(): Iterable<FixUp> {
    return this.fixUps.values();
  }
  get count(): number {
    return this.fixUps.size;
  }
  /** Bytes in use. */
  get used(): number {
    return this.next;
  }

  /** Makes a fix-up; undefined where there is no room, or the site is out of reach. */
  add(site: number, word: number, sequence: Draft): FixUp | undefined {
    const bytes = 4 * (sequence.words.length + 1);
    let at = this.next;
    while ((at % PAGE) + bytes > PAGE || this.byBranch.has(branch(site, this.base + at))) at += 4;
    const [from, to] = [this.base + at, this.base + at + bytes];
    if (at + bytes > this.size || site - from >= REACH || to - site >= REACH) return undefined;
    const words = [...sequence.words, branch(to - 4, site + 4)];
    const fixUp = { site, word, at, sequence, words };
    this.next = at + bytes;
    this.fixUps.set(at, fixUp);
    this.bySite.set(site, fixUp);
    this.byBranch.set(branch(site, from), fixUp);
    return fixUp;
  }

  /** The fix-up that is made for a site. */
  of(site: number): FixUp | undefined {
    return this.bySite.get(site);
  }

  /**
   * The fix-up that a word leads to: where it stands for its instruction, or was copied from there, as it was or with a new distance.
   *
   * @returns `unclear` where it may be either, of two instructions
   */
  behind(at: number, word: number): FixUp | 'unclear' | undefined {
    const target = branchTarget(at, word);
    if (target < 0) return undefined;
    const [moved, copied] = [this.fixUps.get(target - this.base), this.byBranch.get(word)];
    if (moved?.site === at || copied === undefined) return moved;
    return moved === undefined || moved.word === copied.word ? copied : 'unclear';
  }

  /** The fix-up that begins at a place, in bytes from the beginning. */
  at(place: number): FixUp | undefined {
    return this.fixUps.get(place);
  }

  /** The fix-up that a place is in, and which of its words. */
  within(place: number): { readonly fixUp: FixUp; readonly word: number } | undefined {
    const page = place - (place % PAGE);
    for (let at = place; at >= page; at -= 4) {
      const fixUp = this.fixUps.get(at);
      if (fixUp === undefined) continue;
      const word = (place - at) / 4;
      return word < fixUp.words.length ? { fixUp, word } : undefined;
    }
    return undefined;
  }

  /** All of it, for memory. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.next / PAGE) * PAGE);
    const view = new DataView(bytes.buffer);
    for (const { at, words } of this.fixUps.values())
      words.forEach((word, i) => {
        view.setUint32(at + 4 * i, word, true);
      });
    return bytes;
  }
}
