// A translation lookaside buffer with the architecture's tags (DDI 0487 D8.16). An entry is a 4 KiB page; of a larger
// block the page that was used. Hits change nothing, so the entries are a function of the fills and invalidations alone.

import { BlockFilter } from './block-filter.ts';
import { el2Enabled, HCR, stage1Enabled, stage2Enabled, currentVmid } from './controls.ts';
import type { TranslationControls } from './controls.ts';
import { Regime } from './regime.ts';
import { tlbLayout } from './tlb-layout.ts';
import type { TlbPlace } from './tlb-layout.ts';
import type { Translation } from './translation.ts';

/** The ASID of an entry that holds for all. */
export const GLOBAL = -1;
/** For `invalidateVa`: entries of every ASID. */
export const ANY_ASID = -2;

/** Is told when entries go, so that caches derived from them stay coherent. */
export interface TlbListener {
  /**
   * One entry is evicted, replaced or invalidated.
   *
   * @param index - of the entry
   * @param vaLo - its page, bits 31:12
   * @param vaHi - its page, bits 63:32
   */
  dropped(index: number, vaLo: number, vaHi: number): void;
  /** Any entries may have gone. */
  droppedAll(): void;
}

/** Geometry. Powers of two. */
export interface TlbShape {
  /** 1 to 65536; 512 unless given. */
  readonly sets: number;
  /** 1 to 64; 4 unless given. */
  readonly ways: number;
}

/** Counts since they were last cleared. No state: a restored TLB starts them at zero. */
export interface TlbCounters {
  lookups: number;
  misses: number;
  fills: number;
  /** Valid entries that had to give way. */
  evictions: number;
  /** Entries that TLBI operations removed. */
  invalidations: number;
}

/**
 * Everything but the address and ASID that an entry is tagged with: regime, security state, VMID (EL1&0), and whether each
 * stage was on, so that switching a stage needs no invalidation. Compute it when a register changes and keep it.
 */
export function tlbContext(controls: TranslationControls, regime: Regime): number {
  let context: number = regime;
  if (stage1Enabled(controls, regime)) context |= 4;
  if (regime === Regime.EL3 || (controls.secure && regime === Regime.EL10)) context |= 32;
  if (regime !== Regime.EL10) return context;
  if (stage2Enabled(controls, regime)) context |= 8;
  if (el2Enabled(controls) && (controls.hcrLo & HCR.DC) !== 0) context |= 16;
  return context | (currentVmid(controls) << 8);
}

/** Bits of a context that TLBI looks at: regime and security state. */
const SCOPE = 0x23;
/** The same and the VMID. */
const SCOPE_VMID = 0xffff23;

/** The scope of a TLBI operation in a regime: the part of a context that entries must have. */
export function tlbScope(regime: Regime, secure: boolean, vmid: number): number {
  return regime | (regime === Regime.EL3 || (secure && regime === Regime.EL10) ? 32 : 0) | (vmid << 8);
}

/** A TLB. Entries are named by their index; the typed arrays hold what is known of each. */
export class Tlb {
  /** Entries in all. */
  readonly size: number;
  readonly sets: number;
  readonly ways: number;
  /** Bits 31:12 of the page, and bit 0 set for a valid entry. */
  readonly tagLo: Int32Array;
  /** Bits 63:32 of the page, with an ignored top byte as it was used. */
  readonly tagHi: Int32Array;
  /** `tlbContext`. */
  readonly tagContext: Int32Array;
  /** The ASID, or `GLOBAL`. */
  readonly tagAsid: Int32Array;
  /** Physical address of the page. */
  readonly pa: Float64Array;
  /** Intermediate physical address of the page. */
  readonly ipa: Float64Array;
  /** `Permission` bits. */
  readonly permissions: Uint8Array;
  /** Attributes of data accesses, in MAIR's encoding. */
  readonly attributes: Uint8Array;
  readonly shareability: Uint8Array;
  readonly level: Uint8Array;
  /** Log2 of the bytes that stage 1's descriptor maps. */
  readonly stage1Shift: Uint8Array;
  /** The same of stage 2, 0 where it took no part. */
  readonly stage2Shift: Uint8Array;
  /** 1 for the Non-secure physical address space. */
  readonly ns: Uint8Array;
  /** The way of each set that is replaced next. */
  readonly nextWay: Uint8Array;
  readonly counters: TlbCounters = { lookups: 0, misses: 0, fills: 0, evictions: 0, invalidations: 0 };
  /** Is told when entries go. */
  listener: TlbListener | undefined = undefined;
  private readonly setMask: number;
  /** Blocks of more than 4 KiB at stage 1, by virtual address. */
  private readonly blocks: BlockFilter;
  /** What stage 2 maps, by IPA. */
  private readonly ipaBlocks: BlockFilter;

  /** The number of valid entries. */
  private readonly live: Int32Array;
  /** All arrays, as bytes. */
  private readonly all: Uint8Array;

  /**
   * Makes an empty one. Throws a RangeError for a shape that is none.
   *
   * @param place - for the arrays; a buffer of their own unless given
   */
  constructor(shape: TlbShape = { sets: 512, ways: 4 }, place?: TlbPlace) {
    const { sets, ways } = shape;
    if (!powerOfTwo(sets, 65536))
      throw new RangeError(`sets must be a power of two up to 65536, but is ${sets}`);
    if (!powerOfTwo(ways, 64)) throw new RangeError(`ways must be a power of two up to 64, but is ${ways}`);
    const size = sets * ways;
    this.size = size;
    this.sets = sets;
    this.ways = ways;
    this.setMask = sets - 1;
    const layout = tlbLayout(shape);
    const at = place ?? { buffer: new ArrayBuffer(layout.bytes), offset: 0 };
    const { buffer, offset } = at;
    const bytes = (from: number, count: number = size): Uint8Array =>
      new Uint8Array(buffer, offset + from, count);
    const words = (from: number, count: number = size): Int32Array =>
      new Int32Array(buffer, offset + from, count);
    this.all = bytes(0, layout.bytes);
    this.all.fill(0);
    this.tagLo = words(layout.tagLo);
    this.tagHi = words(layout.tagHi);
    this.tagContext = words(layout.tagContext);
    this.tagAsid = words(layout.tagAsid);
    this.pa = new Float64Array(buffer, offset + layout.pa, size);
    this.ipa = new Float64Array(buffer, offset + layout.ipa, size);
    this.permissions = bytes(layout.permissions);
    this.attributes = bytes(layout.attributes);
    this.shareability = bytes(layout.shareability);
    this.level = bytes(layout.level);
    this.stage1Shift = bytes(layout.stage1Shift);
    this.stage2Shift = bytes(layout.stage2Shift);
    this.ns = bytes(layout.ns);
    this.nextWay = bytes(layout.nextWay, sets);
    this.live = words(layout.live, 1);
    this.blocks = new BlockFilter(at, layout.blockSlots, layout.blockSizes);
    this.ipaBlocks = new BlockFilter(at, layout.ipaSlots, layout.ipaSizes);
  }

  /** The same TLB with its arrays in another place. Its listener is not taken along. */
  movedTo(place: TlbPlace): Tlb {
    const moved = new Tlb(this, place);
    moved.all.set(this.all);
    Object.assign(moved.counters, this.counters);
    return moved;
  }

  /** Index of the first entry of the set of a page. The top byte takes no part, so that TLBI finds all its variants. */
  firstOfSet(vaLo: number): number {
    return ((vaLo >>> 12) & this.setMask) * this.ways;
  }

  /** The entry for an address, or -1. */
  lookup(context: number, vaLo: number, vaHi: number, asid: number): number {
    this.counters.lookups++;
    const tag = (vaLo & ~0xfff) | 1;
    const high = vaHi | 0;
    const first = this.firstOfSet(vaLo);
    for (let i = first; i < first + this.ways; i++) {
      if (this.tagLo[i] === tag && this.tagHi[i] === high && this.tagContext[i] === context) {
        const own = this.tagAsid[i];
        if (own === asid || own === GLOBAL) return i;
      }
    }
    this.counters.misses++;
    return -1;
  }

  /**
   * Enters a successful translation for the page of an address and returns the entry's index. An entry that the address
   * already has is replaced, else an invalid one is used, else the ways of the set take turns.
   */
  fill(context: number, vaLo: number, vaHi: number, asid: number, from: Translation): number {
    this.counters.fills++;
    const index = this.victim(context, vaLo, vaHi, asid);
    if (this.tagLo[index] !== 0) this.drop(index);
    this.tagLo[index] = (vaLo & ~0xfff) | 1;
    this.tagHi[index] = vaHi;
    this.tagContext[index] = context;
    this.tagAsid[index] = from.global ? GLOBAL : asid;
    this.pa[index] = from.pa - (from.pa & 0xfff);
    this.ipa[index] = from.ipa - (from.ipa & 0xfff);
    this.permissions[index] = from.permissions;
    this.attributes[index] = from.dataAttributes;
    this.shareability[index] = from.shareability;
    this.level[index] = from.level;
    this.stage1Shift[index] = from.stage1Shift;
    this.stage2Shift[index] = from.stage2Shift;
    this.ns[index] = from.ns ? 1 : 0;
    this.track(index, 1);
    return index;
  }

  /** TLBI ALLEn, VMALLE1 and VMALLS12E1: all entries of a scope, of one VMID or (`vmid` -1) of all. */
  invalidateAll(regime: Regime, secure: boolean, vmid: number): void {
    const mask = vmid < 0 ? SCOPE : SCOPE_VMID;
    const scope = tlbScope(regime, secure, Math.max(vmid, 0));
    let any = false;
    if (this.live[0] === 0) return;
    for (let i = 0; i < this.size; i++) {
      if (this.tagLo[i] !== 0 && ((this.tagContext[i] ?? 0) & mask) === scope) any = this.forget(i);
    }
    if (any) this.listener?.droppedAll();
  }

  /** TLBI ASIDE1: entries of an ASID that are not global. */
  invalidateAsid(regime: Regime, secure: boolean, vmid: number, asid: number): void {
    const scope = tlbScope(regime, secure, vmid);
    if (this.live[0] === 0) return;
    // Told one by one: most entries are others', and global ones stay.
    for (let i = 0; i < this.size; i++) {
      if (this.tagLo[i] === 0 || this.tagAsid[i] !== asid) continue;
      if (((this.tagContext[i] ?? 0) & SCOPE_VMID) === scope) this.invalidated(i);
    }
  }

  /**
   * TLBI VAE1 and the like: entries that came from the descriptor that maps an address, so all pages of a block. Bits 63:56
   * of the address are not looked at. Global entries go with any ASID.
   *
   * @param asid - an ASID, or `ANY_ASID`
   */
  invalidateVa(
    regime: Regime,
    secure: boolean,
    vmid: number,
    vaLo: number,
    vaHi: number,
    asid: number,
  ): void {
    const scope = tlbScope(regime, secure, vmid);
    const first = this.firstOfSet(vaLo);
    for (let i = first; i < first + this.ways; i++) {
      if (this.tagLo[i] !== 0 && this.coversVa(i, scope, vaLo, vaHi, asid)) this.invalidated(i);
    }
    if (!this.blocks.mayHold(vaLo, vaHi & 0xffffff)) return;
    for (let i = 0; i < this.size; i++) {
      if (
        (this.stage1Shift[i] ?? 0) > 12 &&
        this.tagLo[i] !== 0 &&
        this.coversVa(i, scope, vaLo, vaHi, asid)
      ) {
        this.invalidated(i);
      }
    }
  }

  /** TLBI IPAS2E1: entries that came through the stage 2 descriptor that maps an IPA. */
  invalidateIpa(secure: boolean, vmid: number, ipa: number): void {
    const lo = ipa >>> 0;
    const hi = Math.floor(ipa / 0x1_0000_0000);
    if (!this.ipaBlocks.mayHold(lo, hi)) return;
    const scope = tlbScope(Regime.EL10, secure, vmid);
    for (let i = 0; i < this.size; i++) {
      const shift = this.stage2Shift[i] ?? 0;
      if (shift === 0 || this.tagLo[i] === 0 || ((this.tagContext[i] ?? 0) & SCOPE_VMID) !== scope) continue;
      const own = this.ipa[i] ?? 0;
      if (sameBlock(own >>> 0, Math.floor(own / 0x1_0000_0000), lo, hi, shift)) this.invalidated(i);
    }
  }

  /** Empties the TLB, as a reset does. */
  reset(): void {
    for (let i = 0; i < this.size; i++) if (this.tagLo[i] !== 0) this.forget(i);
    this.nextWay.fill(0);
    this.listener?.droppedAll();
  }

  /** Removes one entry, for example one whose permissions turned out to be stale. */
  drop(index: number): void {
    if (this.tagLo[index] === 0) return;
    const lo = ((this.tagLo[index] ?? 0) & ~0xfff) >>> 0;
    const hi = (this.tagHi[index] ?? 0) >>> 0;
    this.track(index, -1);
    this.tagLo[index] = 0;
    this.listener?.dropped(index, lo, hi);
  }

  /** Recounts what the filters count, after the arrays were written as a whole. */
  recount(): void {
    this.live[0] = 0;
    this.blocks.clear();
    this.ipaBlocks.clear();
    for (let i = 0; i < this.size; i++) if (this.tagLo[i] !== 0) this.track(i, 1);
  }

  private victim(context: number, vaLo: number, vaHi: number, asid: number): number {
    const tag = (vaLo & ~0xfff) | 1;
    const high = vaHi | 0;
    const first = this.firstOfSet(vaLo);
    let free = -1;
    for (let i = first + this.ways - 1; i >= first; i--) {
      if (this.tagLo[i] === 0) free = i;
      else if (this.tagLo[i] === tag && this.tagHi[i] === high && this.tagContext[i] === context) {
        if (this.tagAsid[i] === asid || this.tagAsid[i] === GLOBAL) return i;
      }
    }
    if (free >= 0) return free;
    this.counters.evictions++;
    const set = first / this.ways;
    const way = this.nextWay[set] ?? 0;
    this.nextWay[set] = (way + 1) & (this.ways - 1);
    return first + way;
  }

  private coversVa(i: number, scope: number, vaLo: number, vaHi: number, asid: number): boolean {
    if (((this.tagContext[i] ?? 0) & SCOPE_VMID) !== scope) return false;
    const own = this.tagAsid[i];
    if (asid !== ANY_ASID && own !== asid && own !== GLOBAL) return false;
    const hi = (this.tagHi[i] ?? 0) & 0xffffff;
    return sameBlock(this.tagLo[i] ?? 0, hi, vaLo, vaHi & 0xffffff, this.stage1Shift[i] ?? 12);
  }

  private invalidated(index: number): void {
    this.counters.invalidations++;
    this.drop(index);
  }

  /** Removes an entry of many; the caller tells the listener once. */
  private forget(index: number): true {
    this.counters.invalidations++;
    this.track(index, -1);
    this.tagLo[index] = 0;
    return true;
  }

  private track(index: number, by: 1 | -1): void {
    this.live[0] = (this.live[0] ?? 0) + by;
    const shift = this.stage1Shift[index] ?? 12;
    if (shift > 12) this.blocks.count(this.tagLo[index] ?? 0, (this.tagHi[index] ?? 0) & 0xffffff, shift, by);
    const shift2 = this.stage2Shift[index] ?? 0;
    if (shift2 === 0) return;
    const ipa = this.ipa[index] ?? 0;
    this.ipaBlocks.count(ipa >>> 0, Math.floor(ipa / 0x1_0000_0000), shift2, by);
  }
}

/** True when two addresses lie in the same aligned `2^shift` bytes. */
function sameBlock(aLo: number, aHi: number, bLo: number, bHi: number, shift: number): boolean {
  if (shift >= 32) return (aHi ^ bHi) >>> (shift - 32) === 0;
  return aHi === bHi && (aLo ^ bLo) >>> shift === 0;
}

function powerOfTwo(n: number, max: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= max && (n & (n - 1)) === 0;
}
