// What the interpreters of one machine's CPUs share: decoded pages, and who may store to a page of memory without further calls.

import type { Costs } from '../emit/costs.ts';
import { DISPATCH_BYTES } from '../hot/dispatcher.ts';
import { HotTier } from '../hot/tier.ts';
import type { HotOptions } from '../hot/tier.ts';
import type { InterpreterCode } from './build.ts';
import type { FastTlb } from './fast-tlb.ts';
import { DecodedPages } from './pages.ts';

/** Shared by all CPUs of one memory. Records of instructions know no CPU, so one decoded page serves all. */
export class Sharing {
  readonly pages: DecodedPages;
  /** Compiled regions. */
  readonly tier: HotTier;
  /** The code whose numbers the records have. */
  readonly code: InterpreterCode;
  private readonly tlbs: FastTlb[] = [];
  /** By page of memory: 1 once a store may have been entered into a TLB. */
  private readonly writable: Uint8Array;
  /** The `linesOf` decoded pages that some TLB may have. */
  private readonly mixed = new Set<number>();

  /**
   * @param memory - the shared memory
   * @param offset - room for `DISPATCH_BYTES` and `count` decoded pages
   * @param tlbEntries - entries of each TLB that the code reads
   */
  constructor(
    memory: WebAssembly.Memory,
    offset: number,
    count: number,
    code: InterpreterCode,
    hot: HotOptions,
    fuses: boolean,
    tlbEntries: number,
    costs: Costs | undefined,
  ) {
    this.code = code;
    this.writable = new Uint8Array(memory.buffer.byteLength >>> 12);
    this.pages = new DecodedPages(memory, offset + DISPATCH_BYTES, count, code, {
      changed: (decoded, from, bytes) => {
        this.tier.changed(decoded, from, bytes);
      },
      dropped: (decoded) => {
        this.tier.dropped(decoded);
        for (const tlb of this.tlbs) tlb.dropDecoded(decoded);
        const lines = this.pages.linesOf(decoded);
        if (this.mixed.delete(lines)) for (const tlb of this.tlbs) tlb.dropMixed(lines);
      },
    });
    this.tier = new HotTier({
      memory,
      offset,
      pages: this.pages,
      hasCode: (id) => code.recordOf(id) !== undefined,
      fuses,
      tlbEntries,
      costs,
      ...hot,
    });
  }

  /** A further CPU's fast TLB. */
  join(tlb: FastTlb): void {
    this.tlbs.push(tlb);
  }

  /** Bytes of the bus were changed by somebody else than a CPU. Answers how many pages they are on. */
  invalidate(at: number, bytes: number, bus: { hostOf(pa: number): number }): number {
    let pages = 0;
    for (let done = 0; done < bytes; pages++) {
      const part = Math.min(4096 - ((at + done) % 4096), bytes - done);
      const host = bus.hostOf(at + done);
      if (host >= 0) this.pages.invalidate(host, part);
      done += part;
    }
    return pages;
  }

  /** The decoded page of a page of memory; from now on nobody stores there unseen. */
  decodedPage(host: number): number {
    const decoded = this.pages.acquire(host);
    if (this.writable[host >>> 12] === 1) {
      this.writable[host >>> 12] = 0;
      for (const tlb of this.tlbs) tlb.revokeWrites(host);
    }
    return decoded;
  }

  /** Where the lines with code of a page are said, to be entered into a fast TLB: code of the page is decoded. */
  allowMixed(host: number): number {
    const lines = this.pages.linesOf(this.pages.acquire(host));
    this.mixed.add(lines);
    return lines;
  }

  /** True if stores to a page have been entered into a TLB, and none of its code was decoded since. */
  storesAllowed(host: number): boolean {
    return this.writable[host >>> 12] === 1;
  }

  /** A store to a page is about to be entered into a fast TLB. False if code of it is decoded. */
  allowStores(host: number): boolean {
    if (this.pages.holds(host)) return false;
    this.writable[host >>> 12] = 1;
    return true;
  }
}
