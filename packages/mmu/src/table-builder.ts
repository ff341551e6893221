// Builds translation tables in memory, of any granule and of both stages (DDI 0487 D8.2, D8.3).

import type { Word64 } from '@worldswitch/platform';

import type { TableAllocator } from './allocator.ts';
import { addressBits } from './bits.ts';
import { leafDescriptor, splitDescriptor, tableDescriptor } from './descriptors.ts';
import type { Descriptor, DescriptorFormat, MapAttributes } from './descriptors.ts';
import { levelShift, outputAddress, startLevel } from './granule.ts';
import type { GranuleShift } from './granule.ts';

/** Where tables are kept. */
export interface TableStore {
  /** Reads 8 bytes, little-endian. */
  read64(pa: number, out: Word64): void;
  /** Writes them. */
  write64(pa: number, lo: number, hi: number): void;
}

/** What tables to build. */
export interface TableOptions {
  readonly store: TableStore;
  readonly allocator: TableAllocator;
  /** `two-ranges` for EL1&0 and EL2&0 (one set of tables per range), `one-range` for EL2 and EL3. */
  readonly format: DescriptorFormat;
  /** Log2 of the page size; 12 unless given. */
  readonly granule?: GranuleShift;
  /** Bits of input addresses, 64 - TxSZ; 48 unless given (40 at stage 2). */
  readonly inputBits?: number;
  /** Stage 2: the level to start at, below the usual one with concatenated tables. */
  readonly startLevel?: number;
  /** Blocks of 4 TiB at level 1 of the 64 KiB granule, for FEAT_LPA. */
  readonly largePhysical?: boolean;
}

/** A range to map. */
export interface Mapping {
  /** Input address. For the upper range a negative number (or the bigint), as addresses there have their top bits set. */
  readonly va: number | bigint;
  /** Output address. */
  readonly pa: number;
  /** In bytes, a multiple of the page size. */
  readonly size: number;
  /** `Permission` bits. */
  readonly permissions: number;
  readonly attributes?: MapAttributes;
  /** Log2 of the largest block to use; as large as alignment allows unless given. */
  readonly maxShift?: number;
}

/** Tables in memory. Invalidating TLBs after a change, and break-before-make, are the caller's business. */
export interface Tables {
  /** Physical address of the first table, for the TTBR. */
  readonly root: number;
  readonly granule: GranuleShift;
  readonly inputBits: number;
  /** Level of the first lookup. */
  readonly start: number;
  readonly format: DescriptorFormat;
  /** Maps a range, over whatever was there. Throws a RangeError for a range or permissions that cannot be. */
  map(mapping: Mapping): void;
  /** Unmaps a range; blocks that it cuts are split, and tables that become empty released. */
  unmap(va: number | bigint, size: number): void;
  /** Changes one descriptor's bits: those of `clear` become 0, then those of `set` 1. False where nothing is mapped. */
  edit(va: number | bigint, set: Descriptor, clear: Descriptor): boolean;
  /** The descriptor that maps an address, with its level and place. */
  find(
    va: number | bigint,
  ): { readonly pa: number; readonly level: number; readonly descriptor: Descriptor } | undefined;
  /** Calls `seen` for every block and page, in the order of their input addresses (as offsets in the range). */
  each(seen: (input: number, level: number, descriptor: Descriptor) => void): void;
}

/** What `map` or `unmap` does to the leaves of a range. */
interface Change {
  readonly mapping: Mapping | undefined;
  /** Output address minus input offset. */
  readonly delta: number;
  readonly maxShift: number;
}

const NOTHING: Descriptor = { lo: 0, hi: 0 };
const isTable = (d: Descriptor, level: number): boolean => level < 3 && (d.lo & 3) === 3;
const isBlock = (d: Descriptor, level: number): boolean => level < 3 && (d.lo & 3) === 1;

/** Makes an empty set of tables; allocates the first one. */
export function createTables(options: TableOptions): Tables {
  const granule = options.granule ?? 12;
  const stage2 = options.format === 'stage-2' || options.format === 'stage-2-xnx';
  const inputBits = options.inputBits ?? (stage2 ? 40 : 48);
  const start = options.startLevel ?? startLevel(granule, inputBits);
  const rootBits = inputBits - levelShift(granule, start);
  const most = granule - 3 + (stage2 ? 4 : 0);
  if (start < 0 || start > 3 || rootBits < 1 || rootBits > most) {
    throw new RangeError(
      `${inputBits} bits cannot be looked up from level ${start} with ${1 << granule}-byte pages`,
    );
  }
  return new Builder(options, granule, inputBits, start, rootBits);
}

class Builder implements Tables {
  readonly root: number;
  readonly granule: GranuleShift;
  readonly inputBits: number;
  readonly start: number;
  readonly format: DescriptorFormat;
  private readonly options: TableOptions;
  private readonly rootBits: number;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(
    options: TableOptions,
    granule: GranuleShift,
    inputBits: number,
    start: number,
    rootBits: number,
  ) {
    this.options = options;
    this.format = options.format;
    this.granule = granule;
    this.inputBits = inputBits;
    this.start = start;
    this.rootBits = rootBits;
    this.root = this.newTable(Math.max(8 << rootBits, 64));
  }

  map(mapping: Mapping): void {
    const from = this.offset(mapping.va);
    this.checkRange(from, mapping.size);
    if (!Number.isInteger(mapping.pa) || mapping.pa < 0 || mapping.pa % 2 ** this.granule !== 0) {
      throw new RangeError(`pa must be a multiple of ${1 << this.granule}, but is ${mapping.pa}`);
    }
    const maxShift = mapping.maxShift ?? 52;
    this.change(this.root, this.start, from, from + mapping.size, {
      mapping,
      delta: mapping.pa - from,
      maxShift,
    });
  }

  unmap(va: number | bigint, size: number): void {
    const from = this.offset(va);
    this.checkRange(from, size);
    this.change(this.root, this.start, from, from + size, { mapping: undefined, delta: 0, maxShift: 52 });
  }

  edit(va: number | bigint, set: Descriptor, clear: Descriptor): boolean {
    const found = this.find(va);
    if (found === undefined) return false;
    const { lo, hi } = found.descriptor;
    this.write(found.pa, { lo: ((lo & ~clear.lo) | set.lo) >>> 0, hi: ((hi & ~clear.hi) | set.hi) >>> 0 });
    return true;
  }

  find(va: number | bigint): { pa: number; level: number; descriptor: Descriptor } | undefined {
    const input = this.offset(va);
    let table = this.root;
    for (let level = this.start; ; level++) {
      const pa = table + this.indexOf(input, level) * 8;
      const descriptor = this.read(pa);
      if ((descriptor.lo & 1) === 0) return undefined;
      if (!isTable(descriptor, level)) return { pa, level, descriptor };
      table = this.next(descriptor);
    }
  }

  each(seen: (input: number, level: number, descriptor: Descriptor) => void): void {
    this.visit(this.root, this.start, 0, seen);
  }

  private visit(
    table: number,
    level: number,
    base: number,
    seen: (i: number, l: number, d: Descriptor) => void,
  ): void {
    const span = 2 ** levelShift(this.granule, level);
    for (let i = 0; i < this.entries(level); i++) {
      const d = this.read(table + i * 8);
      if ((d.lo & 1) === 0) continue;
      if (isTable(d, level)) this.visit(this.next(d), level + 1, base + i * span, seen);
      else seen(base + i * span, level, d);
    }
  }

  /** Applies a change to the part [from, to) of what one table covers. */
  private change(table: number, level: number, from: number, to: number, change: Change): void {
    const span = 2 ** levelShift(this.granule, level);
    for (let at = from; at < to;) {
      const end = Math.min(to, (Math.floor(at / span) + 1) * span);
      const place = table + this.indexOf(at, level) * 8;
      if (end - at === span && this.leafFits(at, level, change)) this.setLeaf(place, level, at, change);
      else this.descend(place, level, at, end, change);
      at = end;
    }
  }

  private leafFits(at: number, level: number, change: Change): boolean {
    if (level === 3 || change.mapping === undefined) return true;
    const shift = levelShift(this.granule, level);
    const large = this.granule === 12 || (this.granule === 16 && this.options.largePhysical === true);
    const allowed = level === 2 || (level === 1 && large);
    return allowed && shift <= change.maxShift && (at + change.delta) % 2 ** shift === 0;
  }

  private setLeaf(place: number, level: number, at: number, change: Change): void {
    const old = this.read(place);
    const { mapping } = change;
    const leaf =
      mapping === undefined
        ? NOTHING
        : leafDescriptor(
            this.format,
            level === 3,
            at + change.delta,
            mapping.permissions,
            mapping.attributes ?? {},
          );
    this.write(place, leaf);
    if (isTable(old, level)) this.releaseTree(this.next(old), level + 1);
  }

  /** Goes one level down, through a table that is there, made anew, or made of the parts of a block. */
  private descend(place: number, level: number, from: number, to: number, change: Change): void {
    const old = this.read(place);
    if ((old.lo & 1) === 0 && change.mapping === undefined) return;
    let table: number;
    if (isTable(old, level)) {
      table = this.next(old);
    } else {
      table = this.newTable(2 ** this.granule);
      if (isBlock(old, level)) this.fillFromBlock(table, level + 1, old);
      this.write(place, tableDescriptor(table));
    }
    this.change(table, level + 1, from, to, change);
    if (change.mapping === undefined && this.isEmpty(table)) {
      this.write(place, NOTHING);
      this.options.allocator.release(table, 2 ** this.granule);
    }
  }

  private fillFromBlock(table: number, level: number, block: Descriptor): void {
    const step = 2 ** levelShift(this.granule, level);
    for (let i = 0; i < 2 ** (this.granule - 3); i++) {
      this.write(table + i * 8, splitDescriptor(block, level === 3, i * step));
    }
  }

  private isEmpty(table: number): boolean {
    for (let i = 0; i < 2 ** (this.granule - 3); i++) if (this.read(table + i * 8).lo & 1) return false;
    return true;
  }

  private releaseTree(table: number, level: number): void {
    for (let i = 0; level < 3 && i < 2 ** (this.granule - 3); i++) {
      const d = this.read(table + i * 8);
      if (isTable(d, level)) this.releaseTree(this.next(d), level + 1);
    }
    this.options.allocator.release(table, 2 ** this.granule);
  }

  private newTable(size: number): number {
    const table = this.options.allocator.allocate(size);
    for (let i = 0; i < size; i += 8) this.write(table + i, NOTHING);
    return table;
  }

  private entries(level: number): number {
    return 2 ** (level === this.start ? this.rootBits : this.granule - 3);
  }

  private indexOf(input: number, level: number): number {
    return Math.floor(input / 2 ** levelShift(this.granule, level)) % this.entries(level);
  }

  private next(d: Descriptor): number {
    return this.granule === 16 ? outputAddress(d.lo, d.hi, 16, true) : addressBits(d.lo, d.hi, this.granule);
  }

  private read(pa: number): Descriptor {
    this.options.store.read64(pa, this.word);
    return { lo: this.word.lo, hi: this.word.hi };
  }

  private write(pa: number, d: Descriptor): void {
    this.options.store.write64(pa, d.lo, d.hi);
  }

  /** The input address inside the range. */
  private offset(va: number | bigint): number {
    const whole = BigInt(va);
    const top = whole >> BigInt(this.inputBits);
    const upper = BigInt.asIntN(64, whole) >> BigInt(this.inputBits);
    if (top !== 0n && !(this.format === 'two-ranges' && upper === -1n)) {
      throw new RangeError(
        `address 0x${BigInt.asUintN(64, whole).toString(16)} has more than ${this.inputBits} bits`,
      );
    }
    return Number(BigInt.asUintN(this.inputBits, whole));
  }

  private checkRange(from: number, size: number): void {
    const page = 2 ** this.granule;
    if (from % page !== 0 || !Number.isInteger(size) || size <= 0 || size % page !== 0) {
      throw new RangeError(
        `a range must be whole pages of ${page} bytes, but is ${size} bytes at offset ${from}`,
      );
    }
    if (from + size > 2 ** this.inputBits)
      throw new RangeError(`the range ends beyond ${this.inputBits} bits`);
  }
}
