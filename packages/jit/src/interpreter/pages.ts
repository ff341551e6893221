// The pool of decoded pages: for a 4 KiB page of memory 1024 records and an end mark, filled as instructions are reached.

import { Tables } from '../emit/frame.ts';
import { RECORD_BYTES } from '../emit/symbol.ts';
import { decodingCounters } from '../hot/counters.ts';
import type { DecodingCounter } from '../hot/counters.ts';
import { Tally } from '../hot/tally.ts';
import type { CaseRecord, InterpreterCode } from './build.ts';
import { Fixed } from './reasons.ts';
import { writeRecord } from './record.ts';

/** Log2 of the words whose records are kept. */
const KNOWN_BITS = 15;

/** Stores to a decoded page before it is given up and becomes data again. */
const STORES_TO_GIVE_UP = 64;

/** Is told what happens to decoded pages, by their addresses. */
export interface PageListener {
  /** Instructions have changed, by byte offset in the page. Told before their records are emptied. */
  changed(decoded: number, from: number, bytes: number): void;
  /** The page goes. */
  dropped(decoded: number): void;
}

/** Decoded pages of one CPU. */
export class DecodedPages {
  /** Decoded pages made, given up because they were written to, and evicted. */
  readonly counters: { made: number; givenUp: number; evicted: number } = { made: 0, givenUp: 0, evicted: 0 };
  readonly tally: Tally<DecodingCounter> = new Tally<DecodingCounter>(decodingCounters);
  private readonly view: DataView;
  private readonly words: Int32Array;
  private readonly offset: number;
  private readonly count: number;
  private readonly recordOf: (caseId: number) => CaseRecord | undefined;
  private readonly listener: PageListener;
  /** By page of memory: number of the decoded page, plus one. */
  private readonly byHost: Int32Array;
  /** By decoded page: byte offset of its page of memory, or -1. */
  private readonly hosts: Int32Array;
  private readonly stores: Uint16Array;
  private next = 0;
  private readonly pairs: ReadonlyMap<number, number>;
  /** By the number of a pair: the number of its first instruction. */
  private readonly firsts = new Map<number, number>();
  /** Records of words, by a hash of the word: what compilers emit repeats itself. */
  private readonly known: Int32Array = new Int32Array(4 << KNOWN_BITS);
  private readonly knownWords: Int32Array = new Int32Array(1 << KNOWN_BITS);
  /** 0 for an empty slot, 1 for an instruction, 2 for one that ends a block. */
  private readonly knownEnds: Uint8Array = new Uint8Array(1 << KNOWN_BITS);

  /**
   * @param memory - the shared memory
   * @param offset - room for `count` pages of `Tables.pageBytes` bytes, a multiple of 16
   */
  constructor(
    memory: WebAssembly.Memory,
    offset: number,
    count: number,
    code: Pick<InterpreterCode, 'recordOf' | 'pairs'>,
    listener: PageListener,
  ) {
    this.view = new DataView(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.offset = offset;
    this.count = count;
    this.recordOf = (id) => code.recordOf(id);
    this.pairs = code.pairs;
    for (const [key, pair] of code.pairs) this.firsts.set(pair, key >>> 16);
    this.listener = listener;
    this.byHost = new Int32Array(memory.buffer.byteLength >>> 12);
    this.hosts = new Int32Array(count).fill(-1);
    this.stores = new Uint16Array(count);
  }

  /** How many there are. */
  get alive(): number {
    return this.hosts.reduce((all, host) => all + (host === -1 ? 0 : 1), 0);
  }

  /** True if code of this page of memory is decoded: nobody may store there unseen. */
  holds(host: number): boolean {
    return (this.byHost[host >>> 12] ?? 0) !== 0;
  }

  /** Address of the decoded page of a page of memory, made if there is none. */
  acquire(host: number): number {
    const known = this.byHost[host >>> 12] ?? 0;
    if (known !== 0) return this.addressOf(known - 1);
    const page = this.next;
    this.next = (page + 1) % this.count;
    if ((this.hosts[page] ?? -1) !== -1) {
      this.counters.evicted++;
      this.release(page);
    }
    this.counters.made++;
    this.byHost[host >>> 12] = page + 1;
    this.hosts[page] = host & ~0xfff;
    this.stores[page] = 0;
    const at = this.addressOf(page);
    this.words.fill(0, at >> 2, (at + Tables.pageBytes) >> 2);
    this.view.setUint16(at + Tables.pageRecords * RECORD_BYTES, Fixed.endOfPage, true);
    return at;
  }

  /** Decodes from an instruction to the end of its block. */
  decode(host: number, pageOffset: number): void {
    const page = (this.byHost[host >>> 12] ?? 0) - 1;
    if (page < 0) return;
    const from = host & ~0xfff;
    const decoded = this.addressOf(page);
    for (let i = pageOffset >>> 2; i < Tables.pageRecords; i++) {
      const at = decoded + i * RECORD_BYTES;
      if (this.view.getUint16(at, true) !== Fixed.decode) {
        this.pair(decoded, i);
        return;
      }
      const ends = this.write(at >> 2, this.words[(from >> 2) + i] ?? 0);
      this.cover(decoded, i, i);
      this.pair(decoded, i);
      if (ends) return;
    }
  }

  /** Makes a pair of an instruction and the one before it, if there is an arm for that. */
  private pair(decoded: number, index: number): void {
    if (index === 0) return;
    const at = decoded + index * RECORD_BYTES;
    const before = this.view.getUint16(at - RECORD_BYTES, true);
    const pair = this.pairs.get(before * 0x1_0000 + this.alone(this.view.getUint16(at, true)));
    if (pair === undefined) return;
    this.tally.add('decoded.pairs');
    this.view.setUint16(at - RECORD_BYTES, pair, true);
  }

  /** The number of the first instruction of a pair, or of an instruction that is in none. */
  alone(number: number): number {
    return this.firsts.get(number) ?? number;
  }

  /** Writes one record, at a word of the memory: from the cache if the same word was decoded lately. True at a block's end. */
  private write(at: number, word: number): boolean {
    const { words, known } = this;
    const slot = Math.imul(word, 0x9e37_79b1) >>> (32 - KNOWN_BITS);
    const from = slot * 4;
    this.tally.add('decoded.instructions');
    if (this.knownWords[slot] !== word || this.knownEnds[slot] === 0) {
      const ends = writeRecord(this.view, at * 4, word >>> 0, this.recordOf);
      for (let i = 0; i < 4; i++) known[from + i] = words[at + i] ?? 0;
      this.knownWords[slot] = word;
      this.knownEnds[slot] = ends ? 2 : 1;
      return ends;
    }
    this.tally.add('decoded.known');
    for (let i = 0; i < 4; i++) words[at + i] = known[from + i] ?? 0;
    return this.knownEnds[slot] === 2;
  }

  /** Bytes of memory have changed. */
  invalidate(host: number, bytes: number): void {
    let at = host;
    while (at < host + bytes) {
      const end = Math.min((at | 0xfff) + 1, host + bytes);
      const page = (this.byHost[at >>> 12] ?? 0) - 1;
      if (page >= 0) this.changed(page, at & 0xfff, end - at);
      at = end;
    }
  }

  /** Where the lines with code of a decoded page are said: 64 bits. */
  linesOf(decoded: number): number {
    return decoded + Tables.pageLines;
  }

  /** Instructions of a decoded page, from one to another, are code from now on. */
  cover(decoded: number, from: number, to: number): void {
    const at = this.linesOf(decoded) >> 2;
    for (let line = from >>> 4; line <= to >>> 4; line++) {
      this.words[at + (line >>> 5)] = (this.words[at + (line >>> 5)] ?? 0) | (1 << (line & 31));
    }
  }

  /** True if bytes of a page, by where its lines are said, may be code. */
  hasCode(lines: number, from: number, bytes = 1): boolean {
    for (let line = from >>> 6; line <= (from + bytes - 1) >>> 6; line++) {
      if (((this.words[(lines >> 2) + (line >>> 5)] ?? 0) & (1 << (line & 31))) !== 0) return true;
    }
    return false;
  }

  private changed(page: number, from: number, bytes: number): void {
    if (!this.hasCode(this.linesOf(this.addressOf(page)), from, bytes)) {
      this.tally.add('pages.beside');
      return;
    }
    this.tally.add('pages.stores');
    this.stores[page] = (this.stores[page] ?? 0) + 1;
    if (bytes === 0x1000 || (this.stores[page] ?? 0) > STORES_TO_GIVE_UP) {
      this.counters.givenUp++;
      if (bytes === 0x1000) this.tally.add('pages.overwritten');
      this.release(page);
      return;
    }
    const first = this.addressOf(page);
    this.listener.changed(first, from, bytes);
    if (from >= 4) {
      // A pair must not execute what its second instruction was.
      const before = first + ((from >>> 2) - 1) * RECORD_BYTES;
      this.view.setUint16(before, this.alone(this.view.getUint16(before, true)), true);
    }
    for (let i = from >>> 2; i <= (from + bytes - 1) >>> 2; i++) {
      this.view.setUint16(first + i * RECORD_BYTES, Fixed.decode, true);
    }
  }

  private release(page: number): void {
    this.listener.dropped(this.addressOf(page));
    this.byHost[(this.hosts[page] ?? 0) >>> 12] = 0;
    this.hosts[page] = -1;
  }

  /** Byte offset of the memory that a decoded page is of, by the address of the decoded page. */
  hostOf(decoded: number): number {
    return this.hosts[(decoded - this.offset) / Tables.pageBytes] ?? -1;
  }

  /** A word of the memory. */
  wordAt(host: number): number {
    return this.words[host >> 2] ?? 0;
  }

  /** The number of a record by its address, and a way to put another in its place. */
  numberAt(record: number): number {
    return this.view.getUint16(record, true);
  }

  setNumber(record: number, number: number): void {
    this.view.setUint16(record, number, true);
  }

  /** Marks a record as the beginning of a compiled region's entry; 0 unmarks it. */
  setEntry(record: number, entry: number): void {
    const page = record - ((record - this.offset) % Tables.pageBytes);
    this.view.setUint16(page + Tables.pageEntries + ((record - page) >>> 3), entry, true);
  }

  /** The entry at a record, or 0. */
  entryAt(record: number): number {
    const page = record - ((record - this.offset) % Tables.pageBytes);
    return this.view.getUint16(page + Tables.pageEntries + ((record - page) >>> 3), true);
  }

  private addressOf(page: number): number {
    return this.offset + page * Tables.pageBytes;
  }
}
