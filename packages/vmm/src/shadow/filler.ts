// Puts leaves into the shadow: what the guest's tables say composed with where its memory is, in the largest blocks that both allow.

import { Permission } from '@worldswitch/mmu';
import type { Translation } from '@worldswitch/mmu';
import type { CpuPort } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { AdoptedPages } from './adopted.ts';
import type { GuestRam } from './guest-ram.ts';
import { translates } from './guest-walk.ts';
import type { GuestWalk } from './guest-walk.ts';
import type { Half, Leaf } from './half.ts';
import type { Halves } from './halves.ts';
import { HOLE_SHIFT } from './host-space.ts';
import type { ShadowCounters } from './options.ts';
import { levelOf } from './tables.ts';
import type { ShadowTables } from './tables.ts';
import type { Traces } from './traces.ts';
import { rightsOf, shadowLeaf } from './views.ts';
import type { ShadowView } from './views.ts';

/** The access flag. */
const AF = 1 << 10;
/** AP[2]: read-only. */
const READ_ONLY = 1 << 7;
const WRITE = Permission.UnprivilegedWrite;

/** Fills the shadow of one VM. */
export class Filler {
  private readonly walk: GuestWalk;
  private readonly ram: GuestRam;
  private readonly tables: ShadowTables;
  private readonly halves: Halves;
  private readonly counters: ShadowCounters;
  private readonly traces: Traces | undefined;
  private readonly adopted: AdoptedPages | undefined;
  private readonly largest: number;

  constructor(
    walk: GuestWalk,
    ram: GuestRam,
    tables: ShadowTables,
    halves: Halves,
    counters: ShadowCounters,
    traces: Traces | undefined,
    adopted: AdoptedPages | undefined,
    largest: number,
  ) {
    this.walk = walk;
    this.adopted = adopted;
    this.ram = ram;
    this.tables = tables;
    this.halves = halves;
    this.counters = counters;
    this.traces = traces;
    this.largest = largest;
  }

  /** True for an address in the hypervisor's hole. */
  isHole(half: Half, offset: number): boolean {
    return half.hole === Math.floor(offset / 2 ** HOLE_SHIFT);
  }

  /** The half to fill for an address: another where the hypervisor's hole is in the way. */
  besideHole(port: CpuPort, half: Half, offset: number): Half {
    if (!this.isHole(half, offset)) return half;
    this.counters.holes++;
    return this.halves.moveHole(port, half);
  }

  /** True where the leaf for an answer is there, and only its access flag is clear. */
  isClosed(half: Half, view: ShadowView, offset: number, out: Translation): boolean {
    const leaf = half.find(offset);
    return leaf?.open === false && this.matches(leaf, view, offset, out);
  }

  /**
   * Puts in the leaf for an address, or opens the one that is there.
   *
   * @param out - the guest's answer for the address, whose memory there is
   * @param asid - the virtual ASID
   */
  fill(port: CpuPort, half: Half, view: ShadowView, offset: number, out: Translation, asid: number): Leaf {
    const known = half.find(offset);
    if (known !== undefined) {
      if (this.matches(known, view, offset, out) && this.open(port, known)) return known;
      this.halves.drop(port, known);
      this.halves.finish(port);
    }
    const leafShift = translates(half.registers) ? out.stage1Shift : this.largest;
    const shift = this.sizeOf(half, offset, out.ipa, leafShift);
    if (shift < leafShift && translates(half.registers)) half.split(offset, leafShift);
    const size = 2 ** shift;
    const ipa = out.ipa - (out.ipa % size);
    const start = offset - (offset % size);
    const rights = this.rights(view, out, ipa);
    const guestTable = half.real
      ? (level: number, key: number) => this.guestTable(port, half, level, key)
      : undefined;
    const place = this.tables.place(port, half, start, shift, guestTable);
    const leaf: Leaf = {
      half,
      offset: start,
      shift,
      ipa,
      place,
      rights,
      nonGlobal: !out.global,
      open: true,
    };
    this.tables.write(port, leaf, shadowLeaf(levelOf(shift), this.ram.toHost(ipa), rights, out));
    this.halves.add(leaf);
    if (leaf.nonGlobal) this.halves.claim(half, asid);
    if ((rights & WRITE) !== 0 || this.traces?.reads === true) this.traces?.mapped(leaf);
    this.counters.fills++;
    return leaf;
  }

  /** The next access to a leaf is to be seen. */
  close(port: CpuPort, leaf: Leaf): void {
    if (!leaf.open) return;
    const { lo, hi } = this.tables.read(port, leaf);
    this.tables.write(port, leaf, { lo: (lo & ~AF) >>> 0, hi });
    leaf.open = false;
    this.halves.changed(leaf);
  }

  /** The guest may not write through a leaf any more, or not reach it at all. */
  protect(port: CpuPort, leaf: Leaf): void {
    this.traces?.unmapped(leaf);
    if (leaf.shift > 12 || this.traces?.reads === true) {
      // Its other pages are filled again, one by one.
      this.halves.drop(port, leaf);
      leaf.half.split(leaf.offset, leaf.shift);
      return;
    }
    const { lo, hi } = this.tables.read(port, leaf);
    this.tables.write(port, leaf, { lo: (lo | READ_ONLY) >>> 0, hi });
    leaf.rights &= ~WRITE;
    this.halves.changed(leaf);
  }

  /** False where it is not there: another place of the guest's table had the same descriptor. */
  private open(port: CpuPort, leaf: Leaf): boolean {
    const { lo, hi } = this.tables.read(port, leaf);
    if ((lo & 1) === 0) return false;
    if (leaf.open) {
      // It is there, and yet it faulted: a TLB knows an older one.
      this.halves.changed(leaf);
      return true;
    }
    this.tables.write(port, leaf, { lo: (lo | AF) >>> 0, hi });
    leaf.open = true;
    this.halves.changed(leaf);
    return true;
  }

  /**
   * The guest's own table that the last walk went through at a level, for hardware to walk: its host address, or -1 where it is to have one
   * of the hypervisor's. A page is one table of one half, whichever comes first, but that user code's comes before its kernel's; and none
   * that the guest executes.
   */
  private guestTable(port: CpuPort, half: Half, level: number, key: number): number {
    const { adopted, traces } = this;
    const step = this.walk.path.find((one) => one.level === level);
    if (step === undefined || adopted === undefined || traces?.seesReads(step.ipa) !== true) return -1;
    const page = step.ipa - (step.ipa % PAGE);
    const other = adopted.find(page);
    if (other !== undefined) {
      if (half.view !== 'user' || other.half.view === 'user') return -1;
      this.halves.detach(port, other);
    }
    // What maps it is gone before it is a table.
    this.halves.finish(port);
    return adopted.adopt(port, half, key, page);
  }

  private matches(leaf: Leaf, view: ShadowView, offset: number, out: Translation): boolean {
    const same = leaf.ipa + (offset - leaf.offset) === out.ipa && leaf.nonGlobal !== out.global;
    return same && leaf.rights === this.rights(view, out, leaf.ipa);
  }

  private rights(view: ShadowView, out: Translation, ipa: number): number {
    const rights = rightsOf(view, out.permissions);
    return this.traces?.refuses(ipa) === true ? rights & ~WRITE : rights;
  }

  /** Log2 of the largest leaf: within the guest's, of memory alone, with nothing traced in it, and where no table stands. */
  private sizeOf(half: Half, offset: number, ipa: number, most: number): number {
    for (const shift of [30, 21]) {
      if (shift > most || shift > this.largest || !this.ram.hasBlock(ipa, shift)) continue;
      if (this.traces?.blockHas(ipa, shift) === true) continue;
      if (!half.tables.has(half.tableKey(offset, levelOf(shift) + 1))) return shift;
    }
    return 12;
  }
}
