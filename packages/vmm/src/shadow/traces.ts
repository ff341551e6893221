// Which pages of the guest hold tables that the shadow was made of, and which leaves of the shadow let the guest write to a page.

import { PAGE } from '../memory/pages.ts';
import type { Half, Leaf } from './half.ts';

/** A page's part as a table of a half. */
export interface TableUse {
  readonly half: Half;
  readonly level: number;
  /** First descriptor, and behind the last: addresses of the guest. */
  readonly start: number;
  readonly end: number;
  /** What the first descriptor maps: an address in the half. */
  readonly base: number;
  /** Log2 of the bytes that each maps. */
  readonly shift: number;
}

const pageOf = (ipa: number): number => Math.floor(ipa / PAGE);
/** A key for a block of one of the sizes of leaves. */
const blockKey = (ipa: number, shift: number): number => Math.floor(ipa / 2 ** shift) * 4 + (shift - 12) / 9;

/** Traced pages of one VM. */
export class Traces {
  /** True where the guest's reads of them are seen too. */
  readonly reads: boolean;
  private readonly uses = new Map<number, Set<TableUse>>();
  private known = 0;
  /** How many traced pages are in each block of 2 MiB and 1 GiB. */
  private readonly inBlock = new Map<number, number>();
  private readonly writers = new Map<number, Set<Leaf>>();
  /** Where reads are seen, the pages whose are not: they are executed, and no real tables. */
  private readonly text = new Set<number>();
  /** Pages that may be written for now. */
  private readonly opened = new Set<number>();

  /**
   * @param reads - see the guest's reads of tables too
   */
  constructor(reads: boolean) {
    this.reads = reads;
  }

  /** Parts of tables that are known: a guest's tables may loop, so that one page has many. */
  get size(): number {
    return this.known;
  }

  /** True for an address in a page that holds a table. */
  has(ipa: number): boolean {
    return this.uses.has(pageOf(ipa));
  }

  /** True for an address in such a page of which the guest's reads are seen, too. */
  seesReads(ipa: number): boolean {
    return this.reads && this.has(ipa) && !this.text.has(pageOf(ipa));
  }

  /** A page that holds a table is executed: its reads are not seen any more, as long as it does. */
  execute(ipa: number): void {
    if (this.has(ipa)) this.text.add(pageOf(ipa));
  }

  /** The pages that are executed, by number. */
  get textPages(): readonly number[] {
    return [...this.text];
  }

  /** True for an address in such a page to which the guest may not write. */
  refuses(ipa: number): boolean {
    return this.has(ipa) && !this.isOpen(ipa);
  }

  /** True for an address in a page that may be written for now. */
  isOpen(ipa: number): boolean {
    return this.opened.has(pageOf(ipa));
  }

  /** A page may be written for now: false where its reads are seen, and so nothing of it may. */
  open(ipa: number): boolean {
    if (this.seesReads(ipa)) return false;
    if (this.has(ipa)) this.opened.add(pageOf(ipa));
    return true;
  }

  /** The pages that may be written for now. */
  get openPages(): readonly number[] {
    return [...this.opened];
  }

  /** The pages that were open, by their address; none is any more. */
  takeOpen(): number[] {
    const all = [...this.opened].map((page) => page * PAGE);
    this.opened.clear();
    return all;
  }

  /** True where a block holds such a page. */
  blockHas(ipa: number, shift: number): boolean {
    return shift === 12 ? this.has(ipa) : this.inBlock.has(blockKey(ipa, shift));
  }

  /** Adds a table: true where its page held none before. */
  add(use: TableUse): boolean {
    const key = use.level + 4 * Math.floor(use.base / PAGE);
    const { half } = use;
    const old = half.uses.get(key);
    if (old !== undefined) {
      if (old.start === use.start && old.end === use.end) return false;
      this.remove(old, key);
    }
    half.uses.set(key, use);
    this.known++;
    const page = pageOf(use.start);
    const others = this.uses.get(page);
    if (others !== undefined) {
      others.add(use);
      return false;
    }
    this.uses.set(page, new Set([use]));
    this.count(page, 1);
    return true;
  }

  /** The tables that have a byte of a range within a page. */
  overlapping(ipa: number, bytes: number): TableUse[] {
    const found: TableUse[] = [];
    for (const use of this.uses.get(pageOf(ipa)) ?? []) {
      if (use.start < ipa + bytes && ipa < use.end) found.push(use);
    }
    return found;
  }

  /** A half's tables below a level for a range of addresses are none of its any more. */
  removeBelow(half: Half, level: number, from: number, to: number): void {
    for (const [key, use] of [...half.uses]) {
      if (use.level > level && use.base >= from && use.base < to) this.remove(use, key);
    }
  }

  /** All of a half. */
  removeAll(half: Half): void {
    for (const [key, use] of [...half.uses]) this.remove(use, key);
    for (const leaf of half.leaves.values()) this.unmapped(leaf);
  }

  /** A leaf through which the guest may write was put in. */
  mapped(leaf: Leaf): void {
    const key = blockKey(leaf.ipa, leaf.shift);
    const others = this.writers.get(key);
    if (others === undefined) this.writers.set(key, new Set([leaf]));
    else others.add(leaf);
  }

  /** A leaf is gone, or the guest may not write through it any more. */
  unmapped(leaf: Leaf): void {
    const key = blockKey(leaf.ipa, leaf.shift);
    const others = this.writers.get(key);
    if (others?.delete(leaf) === true && others.size === 0) this.writers.delete(key);
  }

  /** The leaves through which the guest may write to a page, or reach it where it may not even read. */
  writersOf(ipa: number): Leaf[] {
    return [12, 21, 30].flatMap((shift) => [...(this.writers.get(blockKey(ipa, shift)) ?? [])]);
  }

  private remove(use: TableUse, key: number): void {
    if (use.half.uses.delete(key)) this.known--;
    const page = pageOf(use.start);
    const others = this.uses.get(page);
    if (others?.delete(use) !== true || others.size > 0) return;
    this.uses.delete(page);
    this.text.delete(page);
    this.opened.delete(page);
    this.count(page, -1);
  }

  private count(page: number, by: number): void {
    for (const shift of [21, 30]) {
      const key = blockKey(page * PAGE, shift);
      const now = (this.inBlock.get(key) ?? 0) + by;
      if (now === 0) this.inBlock.delete(key);
      else this.inBlock.set(key, now);
    }
  }
}
