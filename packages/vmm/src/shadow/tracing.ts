// The guest's tables are write-protected: each store to them is seen, and the shadow follows at once.

import { Access } from '@worldswitch/mmu';
import type { CpuPort, Word64 } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { Filler } from './filler.ts';
import type { GuestRam } from './guest-ram.ts';
import { tableShape, translates } from './guest-walk.ts';
import type { GuestWalk } from './guest-walk.ts';
import type { Half } from './half.ts';
import type { Halves } from './halves.ts';
import { OutOfTables } from './tables.ts';
import type { TableUse, Traces } from './traces.ts';

/** Parts of tables that are traced at most; then everything is forgotten, as without memory for tables. */
const MOST = 1 << 15;
/** A page that is as many parts of tables is part of a loop: a store to it forgets the halves whole. */
const LOOP = 64;

/**
 * As many stores to tables that are no virtual CPU's, and they are taken for no tables any more: a process has ended, and its pages are
 * other things now, or soon. Should they be tables yet, the shadow is made anew.
 */
const STRAYS = 16;

/** Traces of one VM. */
export class Tracing {
  private readonly traces: Traces;
  private readonly halves: Halves;
  private readonly filler: Filler;
  private readonly walk: GuestWalk;
  private readonly ram: GuestRam;
  private readonly isCurrent: (half: Half) => boolean;

  /**
   * @param isCurrent - true where a virtual CPU's registers have the tables of a half, in any view
   */
  constructor(
    traces: Traces,
    halves: Halves,
    filler: Filler,
    walk: GuestWalk,
    ram: GuestRam,
    isCurrent: (half: Half) => boolean,
  ) {
    this.isCurrent = isCurrent;
    this.traces = traces;
    this.halves = halves;
    this.filler = filler;
    this.walk = walk;
    this.ram = ram;
  }

  /** Something of the guest is looked at: what pages that are open hold counts from now on, unless it is such a page that is written. */
  look(port: CpuPort, ipa: number, writes: boolean): void {
    if (!writes || !this.traces.isOpen(ipa)) this.retrace(port);
  }

  /** The last walk went through tables for an address of a half: they are traced. */
  walked(port: CpuPort, half: Half, offset: number): void {
    if (!translates(half.registers)) return;
    if (this.traces.size > MOST) throw new OutOfTables('too many tables are traced');
    for (const { level, ipa } of this.walk.path) {
      if (!this.traces.add(this.useOf(half, offset, level, ipa))) continue;
      for (const leaf of this.traces.writersOf(ipa)) this.filler.protect(port, leaf);
    }
  }

  /** A store to a traced page was done. */
  stored(port: CpuPort, ipa: number, bytes: number): void {
    const uses = this.traces.overlapping(ipa, bytes);
    if (this.isLoop(port, uses)) return;
    for (const use of uses) {
      if (this.isStray(port, use)) continue;
      const first = Math.max(0, Math.floor((ipa - use.start) / 8));
      const end = Math.min(use.end, ipa + bytes);
      for (let i = first; use.start + i * 8 < end; i++) {
        const from = use.base + i * 2 ** use.shift;
        this.forget(port, use, from, from + 2 ** use.shift);
        this.refill(port, use, from);
      }
    }
  }

  /** Pages that were open may hold anything: what came from them is forgotten, and they are traced again. */
  retrace(port: CpuPort): void {
    for (const page of this.traces.takeOpen()) {
      for (const leaf of this.traces.writersOf(page)) this.filler.protect(port, leaf);
      const uses = this.traces.overlapping(page, PAGE);
      if (this.isLoop(port, uses)) continue;
      for (const use of uses) this.forgetAll(port, use);
    }
  }

  /** Something else than the guest's code writes to its memory, now: what comes from tables there is forgotten. */
  written(port: CpuPort, ipa: number): void {
    const page = ipa - (ipa % PAGE);
    const uses = this.traces.overlapping(page, PAGE);
    if (uses.length === 0 || this.isLoop(port, uses)) return;
    for (const use of uses) this.forgetAll(port, use);
  }

  /** A table that belongs to no virtual CPU's address space was written often: its half goes. */
  private isStray(port: CpuPort, { half }: TableUse): boolean {
    if (this.halves.all.get(half.id) !== half) return true;
    if (half.strays < STRAYS) {
      if (!this.isCurrent(half)) half.strays++;
      return false;
    }
    this.halves.destroy(port, half);
    return true;
  }

  /** Too many uses to follow one by one: their halves forget all. */
  private isLoop(port: CpuPort, uses: readonly TableUse[]): boolean {
    if (uses.length <= LOOP) return false;
    for (const half of new Set(uses.map((use) => use.half))) this.halves.clear(port, half);
    return true;
  }

  private forgetAll(port: CpuPort, use: TableUse): void {
    this.forget(port, use, use.base, use.base + ((use.end - use.start) / 8) * 2 ** use.shift);
  }

  private forget(port: CpuPort, use: TableUse, from: number, to: number): void {
    this.halves.dropWithin(port, use.half, from, to);
    this.traces.removeBelow(use.half, use.level, from, to);
    for (let at = from; at < to; at += 2 ** use.shift) {
      this.halves.prune(port, use.half, use.level, at, at + 2 ** use.shift);
    }
  }

  /** The new leaf, where the entry is one: nobody has to fault for it. */
  private refill(port: CpuPort, use: TableUse, offset: number): void {
    const { half } = use;
    if (half.retired) return;
    const high = Math.floor(offset / 2 ** 32) + (half.upper ? 0xffff_0000 : 0);
    const va: Word64 = { lo: offset >>> 0, hi: high >>> 0 };
    const good = this.walk.translate(port, half.registers, half.view, va, Access.Address, false);
    const { out } = this.walk;
    if (!good || out.level !== use.level || this.ram.toHost(out.ipa) === -1) return;
    if (this.filler.isHole(half, offset) || this.traces.seesReads(out.ipa)) return;
    try {
      this.walked(port, half, offset);
      this.filler.fill(port, half, half.view, offset, out, 0);
    } catch (thrown) {
      // It is filled when it is used.
      if (!(thrown instanceof OutOfTables)) throw thrown;
    }
  }

  /** The part of a table that is in the page of one of its descriptors. */
  private useOf(half: Half, offset: number, level: number, ipa: number): TableUse {
    const { shift, entries } = tableShape(half.registers, half.upper, level, this.walk.features);
    const index = Math.floor(offset / 2 ** shift) % entries;
    const table = ipa - index * 8;
    const page = ipa - (ipa % PAGE);
    const start = Math.max(page, table);
    const end = Math.min(page + PAGE, table + entries * 8);
    const first = (start - table) / 8;
    const base = (Math.floor(offset / 2 ** shift) - index + first) * 2 ** shift;
    return { half, level, start, end, base, shift };
  }
}
