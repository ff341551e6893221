// Shadow tables in simulated memory: roots, tables of 4 KiB and leaves, and what their changes leave stale in TLBs
// (DDI 0487 D8.2, D8.14.1).

import { tableDescriptor } from '@worldswitch/mmu';
import type { Descriptor } from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { CpuPort, Pa } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { levelShift, levelSpan } from '../stage2/geometry.ts';
import { TableMemoryError } from '../stage2/tables.ts';
import type { Half, Leaf } from './half.ts';
import { HOLE_SHIFT } from './host-space.ts';
import type { HostSpace } from './host-space.ts';
import type { ShadowView } from './views.ts';

/** There is no page left for a table: everything is forgotten, and it begins anew. */
export class OutOfTables extends Error {
  override readonly name = 'OutOfTables';
}

/** Level of the descriptor that maps `2^shift` bytes. */
export const levelOf = (shift: number): number => 3 - (shift - 12) / 9;

/** Writes shadow tables, within a quota of pages. */
export class ShadowTables {
  /** Pages that all tables of this VM have now. */
  used: number;
  private readonly host: HostSpace;
  private readonly memory: PhysicalMemory;
  private readonly pages: PageAllocator;
  private readonly quota: number;
  /** Its number among the host's guests. */
  private readonly guest: number;

  constructor(
    host: HostSpace,
    memory: PhysicalMemory,
    pages: PageAllocator,
    { quota, guest }: Readonly<{ quota: number; guest: number }>,
    used: number,
  ) {
    this.host = host;
    this.memory = memory;
    this.pages = pages;
    this.quota = quota;
    this.guest = guest;
    this.used = used;
  }

  /** A root with nothing but the hypervisor's hole, in the upper range. */
  newRoot(port: CpuPort, hole: number, view: ShadowView): number {
    const root = this.allocate(port);
    this.writeHole(port, root, hole, view);
    return root;
  }

  /** Puts the hole in one more slot of a root. */
  writeHole(port: CpuPort, root: number, hole: number, view: ShadowView): void {
    if (hole !== -1) this.store(port, root + hole * 8, this.host.hole(view !== 'user', this.guest));
  }

  /**
   * Where the descriptor of a block or page stands; tables on the way are made. No block may be on the way.
   *
   * @param guestTable - the guest's own table of a level (1 to 3), where hardware is to walk that: its host address, or -1
   */
  place(
    port: CpuPort,
    half: Half,
    offset: number,
    shift: number,
    guestTable?: (level: number, key: number) => number,
  ): number {
    let table = half.root;
    for (let level = 0; ; level++) {
      const bits = levelShift(level);
      const place = table + (Math.floor(offset / 2 ** bits) % 512) * 8;
      if (bits === shift) return place;
      const key = half.tableKey(offset, level + 1);
      let next = half.tables.get(key);
      if (next === undefined) {
        next = guestTable?.(level + 1, key) ?? -1;
        if (next === -1) next = this.allocate(port);
        else half.borrowed.add(key);
        half.tables.set(key, next);
        this.store(port, place, tableDescriptor(next));
      }
      table = next;
    }
  }

  /** Writes a leaf's descriptor. */
  write(port: CpuPort, leaf: Leaf, descriptor: Descriptor): void {
    this.store(port, leaf.place, descriptor);
  }

  /** A leaf's descriptor, as it stands in memory. */
  read(port: CpuPort, leaf: Leaf): Descriptor {
    const word = { lo: 0, hi: 0 };
    this.check(this.memory.load(port, leaf.place as Pa, 8, word), leaf.place);
    return word;
  }

  /** Takes all tables but the root. What TLBs hold is the caller's business, before. */
  clear(port: CpuPort, half: Half): void {
    this.check(this.memory.zero(port, half.root as Pa, PAGE), half.root);
    this.writeHole(port, half.root, half.hole, half.view);
    for (const key of [...half.tables.keys()]) this.remove(half, key);
  }

  /** Takes the tables below a level for a range, of one entry of that level. What TLBs hold is the caller's business, after. */
  prune(port: CpuPort, half: Half, level: number, from: number, to: number): void {
    let top = false;
    for (const key of [...half.tables.keys()]) {
      const [below, start] = [key % 4, Math.floor(key / 4) * levelSpan((key % 4) - 1)];
      if (below <= level || start < from || start >= to) continue;
      this.remove(half, key);
      top ||= below === level + 1;
    }
    const key = half.tableKey(from, level);
    const table = level === 0 ? half.root : half.tables.get(key);
    if (!top || table === undefined) return;
    this.store(port, table + (Math.floor(from / levelSpan(level)) % 512) * 8, { lo: 0, hi: 0 });
  }

  /** Takes a page back. */
  release(table: number): void {
    this.pages.release(table, PAGE);
    this.used--;
  }

  /** A slot for the hole that a half has nothing in, but not `other`: -1 where there is none. */
  freeSlot(half: Half, other: number): number {
    for (let i = 1; i < 512; i++) {
      const slot = (other + i) % 512;
      if (!half.tables.has(half.tableKey(slot * 2 ** HOLE_SHIFT, 1))) return slot;
    }
    return -1;
  }

  private remove(half: Half, key: number): void {
    const table = half.tables.get(key);
    half.tables.delete(key);
    if (table !== undefined && !half.borrowed.delete(key)) this.release(table);
  }

  /** A page of zeroes. */
  allocate(port: CpuPort): number {
    if (this.used >= this.quota) throw new OutOfTables('no table is left');
    let table: number;
    try {
      table = this.pages.allocate(PAGE);
    } catch (thrown) {
      if (thrown instanceof RangeError) throw new OutOfTables(thrown.message);
      throw thrown;
    }
    this.used++;
    this.check(this.memory.zero(port, table as Pa, PAGE), table);
    return table;
  }

  private store(port: CpuPort, place: number, { lo, hi }: Descriptor): void {
    this.check(this.memory.store(port, place as Pa, 8, lo, hi), place);
  }

  private check(fault: Fault, at: number): void {
    if (fault !== Fault.None) throw new TableMemoryError(`no memory at 0x${at.toString(16)}`);
  }
}
