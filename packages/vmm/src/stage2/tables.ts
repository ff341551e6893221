// Stage 2 tables in simulated memory: lookups, and changes with break-before-make (DDI 0487 D8.2, D8.14.1).

import { splitDescriptor, tableDescriptor } from '@worldswitch/mmu';
import type { Descriptor } from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { CpuPort, Pa, Word64 } from '@worldswitch/platform';

import type { PageAllocator } from '../memory/pages.ts';
import { PAGE } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { addressOf, isTable, isValid, NOTHING, sameButRights } from './descriptor.ts';
import { levelSpan, rootBits, rootBytes } from './geometry.ts';
import type { Geometry } from './geometry.ts';
import { Invalidation } from './invalidation.ts';

/** What a change does. */
export interface Edit {
  /** True where it maps: tables are made for it, and taken away where a block replaces them. */
  readonly maps: boolean;
  /** True where it unmaps: tables that it covers go as a whole. */
  readonly unmaps: boolean;
  /** The leaf that shall stand at `at` instead of `old`, or undefined where a lower level must say. */
  leaf(at: number, level: number, old: Descriptor): Descriptor | undefined;
}

/** A leaf that was found. */
export interface Found {
  readonly level: number;
  readonly descriptor: Descriptor;
}

/** The tables could not be read or written: they are not in memory. */
export class TableMemoryError extends Error {
  override readonly name = 'TableMemoryError';
}

/** True where an edit changes a leaf: a block that it leaves as it is need not be split. */
function changes(edit: Edit, at: number, level: number, old: Descriptor): boolean {
  const next = edit.leaf(at, level, old);
  return next?.lo !== old.lo || next.hi !== old.hi;
}

/** One VM's tables. */
export class Stage2Tables {
  readonly root: number;
  readonly shape: Geometry;
  private readonly memory: PhysicalMemory;
  private readonly allocator: PageAllocator;
  private readonly stale: Invalidation = new Invalidation();
  /** The second half of break-before-make. */
  private readonly later: { readonly place: number; readonly descriptor: Descriptor }[] = [];
  private readonly gone: { readonly table: number; readonly level: number }[] = [];
  private readonly word: Word64 = { lo: 0, hi: 0 };
  /** A descriptor was written since the last `finish`. */
  private wrote = false;

  constructor(memory: PhysicalMemory, allocator: PageAllocator, shape: Geometry, root: number) {
    this.memory = memory;
    this.allocator = allocator;
    this.shape = shape;
    this.root = root;
  }

  /** Makes empty tables. */
  static create(
    port: CpuPort,
    memory: PhysicalMemory,
    allocator: PageAllocator,
    shape: Geometry,
  ): Stage2Tables {
    const size = rootBytes(shape);
    const root = allocator.allocate(size);
    const fault = memory.zero(port, root as Pa, Math.max(size, PAGE));
    if (fault !== Fault.None) throw new TableMemoryError(`no memory at 0x${root.toString(16)}`);
    return new Stage2Tables(memory, allocator, shape, root);
  }

  /** The leaf that maps an IPA below 2^ipaBits. */
  find(port: CpuPort, ipa: number): Found | undefined {
    let table = this.root;
    for (let level = this.shape.start; ; level++) {
      const descriptor = this.read(port, this.placeOf(table, ipa, level));
      if (!isValid(descriptor)) return undefined;
      if (!isTable(descriptor, level)) return { level, descriptor };
      table = this.below(descriptor);
    }
  }

  /** Changes the leaves of [from, to). `finish` makes it count. */
  change(port: CpuPort, from: number, to: number, edit: Edit): void {
    this.range(port, this.root, this.shape.start, from, to, edit, true);
  }

  /**
   * Invalidates what is stale, puts the new descriptors in place of those that were taken out, and releases tables.
   *
   * @param vttbr - VTTBR_EL2 of the VM
   */
  finish(port: CpuPort, vttbr: readonly [number, number]): void {
    if (this.stale.needed) this.stale.flush(port, vttbr);
    for (const { place, descriptor } of this.later) this.write(port, place, descriptor);
    this.later.length = 0;
    if (this.wrote) this.stale.publish(port);
    this.wrote = false;
    for (const { table, level } of this.gone) this.release(port, table, level);
    this.gone.length = 0;
  }

  /** Releases everything. No CPU may use the tables any more. */
  destroy(port: CpuPort): void {
    const entries = 2 ** rootBits(this.shape);
    this.releaseBelow(port, this.root, this.shape.start, entries);
    this.allocator.release(this.root, rootBytes(this.shape));
  }

  /** `live`: walkers may see the table. */
  private range(
    port: CpuPort,
    table: number,
    level: number,
    from: number,
    to: number,
    edit: Edit,
    live: boolean,
  ): void {
    const span = levelSpan(level);
    for (let at = from; at < to;) {
      const end = Math.min(to, (Math.floor(at / span) + 1) * span);
      this.slot(port, this.placeOf(table, at, level), level, at, end, edit, live);
      at = end;
    }
  }

  private slot(
    port: CpuPort,
    place: number,
    level: number,
    at: number,
    end: number,
    edit: Edit,
    live: boolean,
  ): void {
    const old = this.read(port, place);
    const whole = end - at === levelSpan(level);
    const table = isTable(old, level);
    const leaf = whole && (!table || edit.maps || edit.unmaps) ? edit.leaf(at, level, old) : undefined;
    if (leaf !== undefined) this.set(port, place, level, at, old, leaf, live);
    else if (table) this.range(port, this.below(old), level + 1, at, end, edit, live);
    else if (edit.maps || (isValid(old) && (edit.unmaps || changes(edit, at, level, old)))) {
      const below = this.newTable(port, level + 1, old);
      try {
        this.range(port, below, level + 1, at, end, edit, false);
      } catch (thrown) {
        // Nobody sees it yet: what could not be finished leaves nothing behind.
        this.release(port, below, level + 1);
        throw thrown;
      }
      this.set(port, place, level, at, old, tableDescriptor(below), live);
    }
  }

  private set(
    port: CpuPort,
    place: number,
    level: number,
    at: number,
    old: Descriptor,
    next: Descriptor,
    live: boolean,
  ): void {
    if (old.lo === next.lo && old.hi === next.hi) return;
    if (isTable(old, level)) this.gone.push({ table: addressOf(old), level: level + 1 });
    if (!live || !isValid(old)) {
      this.write(port, place, next);
      return;
    }
    if (isTable(old, level)) this.stale.table();
    else this.stale.leaf(at);
    if (!isValid(next) || (!isTable(next, level) && !isTable(old, level) && sameButRights(old, next))) {
      this.write(port, place, next);
      return;
    }
    this.write(port, place, NOTHING);
    this.later.push({ place, descriptor: next });
  }

  /** A table for what an invalid descriptor or a block covered. */
  private newTable(port: CpuPort, level: number, block: Descriptor): number {
    const table = this.allocator.allocate(PAGE);
    const parts = new Uint8Array(PAGE);
    const view = new DataView(parts.buffer);
    const step = levelSpan(level);
    for (let i = 0; isValid(block) && i < 512; i++) {
      const { lo, hi } = splitDescriptor(block, level === 3, i * step);
      view.setUint32(i * 8, lo, true);
      view.setUint32(i * 8 + 4, hi, true);
    }
    const fault = this.memory.writeFrom(port, table as Pa, parts);
    if (fault !== Fault.None) throw new TableMemoryError(`no memory at 0x${table.toString(16)}`);
    this.wrote = true;
    return table;
  }

  private release(port: CpuPort, table: number, level: number): void {
    this.releaseBelow(port, table, level, 512);
    this.allocator.release(table, PAGE);
  }

  private releaseBelow(port: CpuPort, table: number, level: number, entries: number): void {
    for (let i = 0; level < 3 && i < entries; i++) {
      const d = this.read(port, table + i * 8);
      if (isTable(d, level)) this.release(port, this.below(d), level + 1);
    }
  }

  /** The table that a descriptor names. One that is not the allocator's was never written here: memory was restored that is none of ours. */
  private below(descriptor: Descriptor): number {
    const table = addressOf(descriptor);
    if (!this.allocator.owns(table, PAGE))
      throw new TableMemoryError(`no table is at 0x${table.toString(16)}`);
    return table;
  }

  private placeOf(table: number, ipa: number, level: number): number {
    const bits = level === this.shape.start ? rootBits(this.shape) : 9;
    return table + (Math.floor(ipa / levelSpan(level)) % 2 ** bits) * 8;
  }

  private read(port: CpuPort, place: number): Descriptor {
    const fault = this.memory.load(port, place as Pa, 8, this.word);
    if (fault !== Fault.None) throw new TableMemoryError(`no memory at 0x${place.toString(16)}`);
    return { lo: this.word.lo, hi: this.word.hi };
  }

  private write(port: CpuPort, place: number, { lo, hi }: Descriptor): void {
    this.wrote = true;
    const fault = this.memory.store(port, place as Pa, 8, lo, hi);
    if (fault !== Fault.None) throw new TableMemoryError(`no memory at 0x${place.toString(16)}`);
  }
}
