// The direct-mapped TLBs that the loop reads: copies of translations, one pair of tables for each translation context. Both tables
// have as many entries; fewer than there is room for only in tests.

import { Tables } from '../emit/frame.ts';
import { Tally } from '../hot/tally.ts';
import { Layout } from '../isa.ts';
import { FastLayout, READY_ENTRIES, SLOT_BYTES, SLOTS } from './fast-layout.ts';

const WORDS_PER_DATA = 8;
const WORDS_PER_FETCH = 4;

/** What becomes of the tables; off unless asked for. */
export const tlbCounters = [
  ['fill.read', 'pages entered for loads'],
  ['fill.write', 'pages entered for stores alone'],
  ['fill.both', 'pages entered for loads and stores'],
  ['fill.beside', 'pages with code entered for loads, and for stores beside it'],
  ['fill.unprivileged', 'pages entered for LDTR or STTR'],
  ['fill.inside', 'pages entered for whatever access by compiled code itself, without a crossing'],
  ['fill.fetch', 'pages entered for fetches'],
  ['fill.el0', 'pages entered at EL0, for whatever'],
  ['fill.el1', 'pages entered at EL1'],
  ['fill.el2', 'pages entered at EL2'],
  ['fill.el3', 'pages entered at EL3'],
  ['context.changed', 'times that the loop was entered in another translation context than before'],
  ['context.made', 'contexts that got tables that nobody had'],
  ['context.evicted', 'contexts that got the tables of others'],
  ['dropped', 'pages that left the TLB of the architecture, and so the tables'],
  ['emptied', 'times that all tables were emptied'],
  ['revoked', 'pages whose entries lost the right to store, because code of them is decoded'],
  ['undecoded', 'decoded pages that went from the fetch tables because they were given up or evicted'],
  ['unmixed', 'pages whose entries lost the stores beside code, for the same'],
] as const;
/** Names of these. */
export type TlbCounter = (typeof tlbCounters)[number][0];
const LEVELS = ['fill.el0', 'fill.el1', 'fill.el2', 'fill.el3'] as const;

/** Throws a RangeError for a number of entries that the tables cannot have. */
export function checkedEntries(entries: number = Tables.dataEntries): number {
  if (entries >= 2 && entries <= Tables.dataEntries && Math.log2(entries) % 1 === 0) return entries;
  throw new RangeError(`tlbEntries must be a power of two from 2 to ${Tables.dataEntries}, not ${entries}`);
}

/** The tables of one CPU, in the shared memory. */
export class FastTlb {
  readonly tally: Tally<TlbCounter> = new Tally<TlbCounter>(tlbCounters);
  private readonly words: Int32Array;
  private readonly state: Int32Array;
  /** Byte offset of the first slot. */
  private readonly offset: number;
  /** Which bits of a page's number choose its entry. */
  private readonly mask: number;
  private readonly slots = new Map<number, number>();
  private readonly owners: (number | undefined)[] = [];
  private readonly used: Uint8Array;
  /** No slot from here on is used: one word. */
  private readonly end: Int32Array;
  /** See `FastLayout`. */
  private readonly ready: Int32Array;
  private anyReady = false;
  /** Slots that are not as the memory was in the beginning: that would be entries of page 0. */
  private readonly prepared = new Uint8Array(SLOTS);
  private victim = 0;
  private slot = 0;
  private secondSlot = 0;
  private data = 0;
  private unprivileged = 0;
  private fetch = 0;
  private context = -1;
  private other = -1;

  /**
   * @param memory - the shared memory
   * @param base - the CPU's block
   * @param offset - `FastLayout.bytes` bytes for the tables, a multiple of 32
   * @param entries - of each table, as the code that reads them was made for
   */
  constructor(
    memory: WebAssembly.Memory,
    base: number,
    offset: number,
    entries: number = Tables.dataEntries,
  ) {
    this.words = new Int32Array(memory.buffer, offset, FastLayout.used / 4);
    this.used = new Uint8Array(memory.buffer, offset + FastLayout.used, SLOTS);
    this.end = new Int32Array(memory.buffer, offset + FastLayout.end, 1);
    this.ready = new Int32Array(memory.buffer, offset + FastLayout.ready, READY_ENTRIES);
    this.state = new Int32Array(memory.buffer, base, Layout.size / 4);
    this.offset = offset;
    this.mask = entries - 1;
  }

  /** Makes the tables of two contexts current: of plain accesses and fetches, and of unprivileged accesses. */
  select(context: number, unprivileged: number): void {
    if (context === this.context && unprivileged === this.other) return;
    this.tally.add('context.changed');
    this.context = context;
    this.other = unprivileged;
    const slot = this.slotOf(context, -1);
    const second = this.slotOf(unprivileged, slot);
    this.slot = slot;
    this.secondSlot = second;
    this.data = slot * (SLOT_BYTES / 4);
    this.fetch = this.data + Tables.dataBytes / 4;
    this.unprivileged = second * (SLOT_BYTES / 4);
    this.state[Layout.tlb >> 2] = this.offset + this.data * 4;
    this.state[Layout.tlbUnprivileged >> 2] = this.offset + this.unprivileged * 4;
    this.state[Layout.fetchTlb >> 2] = this.offset + this.fetch * 4;
  }

  /** Enters a page of the current context, to be read, to be stored to, or both. */
  enterData(
    vaLo: number,
    vaHi: number,
    readable: boolean,
    writable: boolean,
    unprivileged: boolean,
    host: number,
  ): void {
    if (this.tally.on)
      this.count(
        unprivileged ? 'fill.unprivileged' : !writable ? 'fill.read' : readable ? 'fill.both' : 'fill.write',
      );
    this.enter(vaLo, vaHi, readable, writable, unprivileged, host);
  }

  private count(kind: TlbCounter, pages = 1): void {
    this.tally.add(kind, pages);
    this.tally.add(LEVELS[(this.state[Layout.el >> 2] ?? 0) & 3] ?? 'fill.el0', pages);
  }

  /** So many pages were entered by compiled code itself, at the current level. */
  enteredInside(pages: number): void {
    if (this.tally.on) this.count('fill.inside', pages);
  }

  private enter(
    vaLo: number,
    vaHi: number,
    readable: boolean,
    writable: boolean,
    unprivileged: boolean,
    host: number,
  ): void {
    const table = unprivileged ? this.unprivileged : this.data;
    const at = table + ((vaLo >>> 12) & this.mask) * WORDS_PER_DATA;
    const page = vaLo & ~0xfff;
    const { words } = this;
    this.used[unprivileged ? this.secondSlot : this.slot] = 1;
    words[at] = readable ? page : -1;
    words[at + 1] = readable ? vaHi : -1;
    words[at + 2] = writable ? page : -1;
    words[at + 3] = writable ? vaHi : -1;
    words[at + 4] = (host & ~0xfff) - page;
    words[at + 5] = 0;
    if (!writable) return;
    const number = host >>> 12;
    this.ready[number & (READY_ENTRIES - 1)] = number;
    this.anyReady = true;
  }

  /** Enters a page of the current context to be read, and to be stored to beside its code. `lines`: where its code is said. */
  enterMixed(vaLo: number, vaHi: number, host: number, lines: number): void {
    if (this.tally.on) this.count('fill.beside');
    this.enter(vaLo, vaHi, true, false, false, host);
    const at = this.data + ((vaLo >>> 12) & this.mask) * WORDS_PER_DATA;
    this.words[at + 5] = lines;
  }

  /** The `lines` of a page in the current context, or 0. */
  mixedLines(vaLo: number, vaHi: number): number {
    if (!this.hasData(vaLo, vaHi, false, false)) return 0;
    const at = this.data + ((vaLo >>> 12) & this.mask) * WORDS_PER_DATA;
    return this.words[at + 5] ?? 0;
  }

  /** Enters the decoded page of a fetch address of the current context. */
  enterFetch(vaLo: number, vaHi: number, decoded: number): void {
    if (this.tally.on) this.count('fill.fetch');
    const at = this.fetch + ((vaLo >>> 12) & this.mask) * WORDS_PER_FETCH;
    this.used[this.slot] = 1;
    this.words[at] = vaLo & ~0xfff;
    this.words[at + 1] = vaHi;
    this.words[at + 2] = decoded;
  }

  /** True if the fetch address has an entry in the current context. */
  hasFetch(vaLo: number, vaHi: number): boolean {
    const at = this.fetch + ((vaLo >>> 12) & this.mask) * WORDS_PER_FETCH;
    return this.words[at] === (vaLo & ~0xfff) && this.words[at + 1] === (vaHi | 0);
  }

  /** Address of the decoded page of a fetch address in the current context, or 0. */
  fetchPage(vaLo: number, vaHi: number): number {
    if (!this.hasFetch(vaLo, vaHi)) return 0;
    const at = this.fetch + ((vaLo >>> 12) & this.mask) * WORDS_PER_FETCH;
    return this.words[at + 2] ?? 0;
  }

  /** True if the page of a data address has an entry in the current context. */
  hasData(vaLo: number, vaHi: number, write: boolean, unprivileged: boolean): boolean {
    const table = unprivileged ? this.unprivileged : this.data;
    const at = table + ((vaLo >>> 12) & this.mask) * WORDS_PER_DATA + (write ? 2 : 0);
    return this.words[at] === (vaLo & ~0xfff) && this.words[at + 1] === (vaHi | 0);
  }

  /** Drops one page in all contexts. */
  drop(vaLo: number, vaHi: number): void {
    this.tally.add('dropped');
    const page = vaLo & ~0xfff;
    const high = vaHi | 0;
    const { words } = this;
    const end = this.end[0] ?? 0;
    for (let slot = 0; slot < end; slot++) {
      if (this.used[slot] === 0) continue;
      const table = slot * (SLOT_BYTES / 4);
      const at = table + ((vaLo >>> 12) & this.mask) * WORDS_PER_DATA;
      if (words[at] === page && words[at + 1] === high) words[at] = words[at + 1] = -1;
      if (words[at + 2] === page && words[at + 3] === high) words[at + 2] = words[at + 3] = -1;
      const f = table + Tables.dataBytes / 4 + ((vaLo >>> 12) & this.mask) * WORDS_PER_FETCH;
      if (words[f] === page && words[f + 1] === high) words[f] = words[f + 1] = -1;
    }
  }

  /** Drops everything. The CPU's block may have been cleared too: the next `select` writes the tables' places anew. */
  dropAll(): void {
    this.tally.add('emptied');
    this.context = this.other = -1;
    if (this.anyReady) this.ready.fill(0);
    this.anyReady = false;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.used[slot] === 0) continue;
      this.used[slot] = 0;
      this.words.fill(-1, slot * (SLOT_BYTES / 4), (slot + 1) * (SLOT_BYTES / 4));
    }
  }

  /** Takes the right to store to a page of memory away from all entries. */
  revokeWrites(host: number): void {
    this.tally.add('revoked');
    const { words, ready } = this;
    const number = host >>> 12;
    if (ready[number & (READY_ENTRIES - 1)] === number) ready[number & (READY_ENTRIES - 1)] = 0;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.used[slot] === 0) continue;
      const first = slot * (SLOT_BYTES / 4);
      for (let at = first; at < first + Tables.dataBytes / 4; at += WORDS_PER_DATA) {
        const lo = words[at + 2] ?? -1;
        if (lo === -1) continue;
        if (((lo + (words[at + 4] ?? 0)) | 0) === (host | 0)) words[at + 2] = words[at + 3] = -1;
      }
    }
  }

  /** Drops the fetch entries of a decoded page. */
  dropDecoded(decoded: number): void {
    this.tally.add('undecoded');
    const { words } = this;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.used[slot] === 0) continue;
      const first = slot * (SLOT_BYTES / 4) + Tables.dataBytes / 4;
      for (let at = first; at < first + Tables.fetchBytes / 4; at += WORDS_PER_FETCH) {
        if (words[at + 2] === decoded) words[at] = words[at + 1] = -1;
      }
    }
  }

  /** No stores beside code any more, by where the code's lines are said. */
  dropMixed(lines: number): void {
    this.tally.add('unmixed');
    const { words } = this;
    for (let slot = 0; slot < SLOTS; slot++) {
      if (this.used[slot] === 0) continue;
      const first = slot * (SLOT_BYTES / 4);
      for (let at = first; at < first + Tables.dataBytes / 4; at += WORDS_PER_DATA) {
        if (words[at + 5] === lines) words[at + 5] = 0;
      }
    }
  }

  private slotOf(context: number, not: number): number {
    const known = this.slots.get(context);
    if (known !== undefined) return known;
    if (this.victim === not) this.victim = (this.victim + 1) % SLOTS;
    const slot = this.victim;
    this.victim = (this.victim + 1) % SLOTS;
    this.end[0] = Math.max(this.end[0] ?? 0, slot + 1);
    const old = this.owners[slot];
    this.tally.add(old === undefined ? 'context.made' : 'context.evicted');
    if (old !== undefined) this.slots.delete(old);
    if (this.used[slot] !== 0 || this.prepared[slot] === 0) {
      this.used[slot] = 0;
      this.prepared[slot] = 1;
      this.words.fill(-1, slot * (SLOT_BYTES / 4), (slot + 1) * (SLOT_BYTES / 4));
    }
    this.owners[slot] = context;
    this.slots.set(context, slot);
    return slot;
  }
}
