// What TLBs hold of shadow roots that have changed: invalidated together, on all CPUs (DDI 0487 D8.14.1, D8.17).

import type { CpuPort } from '@worldswitch/platform';

import { systemOperation } from '../names.ts';

const VAAE1IS = systemOperation('TLBI VAAE1IS');
const ASIDE1IS = systemOperation('TLBI ASIDE1IS');
const DSB_ISHST = systemOperation('DSB ISHST');
const DSB_ISH = systemOperation('DSB ISH');
const ISB = systemOperation('ISB');

/** More addresses than this, and the ASIDs of the half are invalidated as a whole. */
const MANY = 16;

/** Stale translations, collected. */
export class Stale {
  private readonly pages: { readonly lo: number; readonly hi: number }[] = [];
  private readonly asids = new Set<number>();
  private wrote = false;

  /** A descriptor was made valid: walks must see it. */
  published(): void {
    this.wrote = true;
  }

  /**
   * A leaf is not what it was.
   *
   * @param asids - of the roots that have it, for when there are many
   */
  leaf(upper: boolean, offset: number, asids: () => Iterable<number>): void {
    if (this.pages.length >= MANY) {
      this.whole(asids());
      return;
    }
    const page = Math.floor(offset / 4096);
    this.pages.push({ lo: page >>> 0, hi: Math.floor(page / 2 ** 32) | (upper ? 0xff0 : 0) });
  }

  /** Everything of these ASIDs is stale. */
  whole(asids: Iterable<number>): void {
    for (const asid of asids) this.asids.add(asid);
    this.wrote = true;
  }

  /** Makes it all count. */
  finish(port: CpuPort): void {
    const { pages, asids } = this;
    if (pages.length === 0 && asids.size === 0) {
      if (!this.wrote) return;
      this.wrote = false;
      port.operate(DSB_ISHST);
      port.operate(ISB);
      return;
    }
    port.operate(DSB_ISHST);
    for (const { lo, hi } of pages) port.operate(VAAE1IS, lo, hi);
    for (const asid of asids) port.operate(ASIDE1IS, 0, (asid << 16) >>> 0);
    port.operate(DSB_ISH);
    port.operate(ISB);
    pages.length = 0;
    asids.clear();
    this.wrote = false;
  }
}
