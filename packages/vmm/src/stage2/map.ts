// One VM's stage 2: what its physical addresses are, in real tables in simulated memory (DDI 0487 D8).

import type { Descriptor } from '@worldswitch/mmu';
import { flag, record, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Ipa, Pa, Shape } from '@worldswitch/platform';

import type { PageAllocator } from '../memory/pages.ts';
import { PAGE } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import {
  addressOf,
  canExecute,
  canWrite,
  isValid,
  leafFor,
  mayWrite,
  memoryOf,
  NOTHING,
  withRights,
  withWrite,
} from './descriptor.ts';
import type { Stage2Attributes } from './descriptor.ts';
import { DirtyPages, dirtyPagesShape } from './dirty-pages.ts';
import type { DirtyPagesState } from './dirty-pages.ts';
import { geometry, levelShift, levelSpan, rootBytes, vtcrOf } from './geometry.ts';
import { Stage2Tables } from './tables.ts';
import type { Edit } from './tables.ts';

/** What a VM's tables are like. */
export interface Stage2Options {
  /** Bits of the VM's physical addresses, 25 to `paBits`. */
  readonly ipaBits: number;
  /** Bits of the CPU's: 32, 36, 40, 42, 44 or 48; `paBitsOf` has them from ID_AA64MMFR0_EL1. */
  readonly paBits: number;
  /** 0 to 255. Two maps that are in use have different ones. */
  readonly vmid: number;
  /** Level of the first lookup; the one with the fewest levels unless given. */
  readonly startLevel?: number;
}

/** A map as plain data; the tables themselves are in the machine's memory. */
export type Stage2State = Readonly<{
  ipaBits: number;
  paBits: number;
  start: number;
  vmid: number;
  root: number;
  logging: boolean;
  exact: boolean;
  dirty: DirtyPagesState;
}>;

const shape = record<Stage2State>({
  ipaBits: uint(48),
  paBits: uint(48),
  start: uint(2),
  vmid: uint(255),
  root: uint(2 ** 48 - PAGE),
  logging: flag,
  exact: flag,
  dirty: dirtyPagesShape,
});

/** Checks a saved map. */
export const stage2Shape: Shape<Stage2State> = {
  check(from, path) {
    const state = shape.check(from, path);
    try {
      geometry(state.ipaBits, state.paBits, state.start);
    } catch (thrown) {
      throw new StateError(path, `has a shape that cannot be: ${(thrown as Error).message}`);
    }
    return state;
  },
};

/** Where an IPA goes. */
export interface Stage2Entry {
  readonly pa: Pa;
  /** Log2 of the bytes that the descriptor maps. */
  readonly shift: number;
  /** The VM's rights, whether or not writes are logged now. */
  readonly write: boolean;
  readonly execute: boolean;
  readonly memory: 'normal' | 'uncached' | 'device';
  /** True where a write faults for the log alone. */
  readonly logged: boolean;
}

/** A VM's map from intermediate physical to physical addresses. */
export class Stage2Map {
  readonly vmid: number;
  readonly ipaBits: number;
  private readonly tables: Stage2Tables;
  private readonly dirty: DirtyPages;
  private log: boolean;
  private exact: boolean;

  /**
   * Restores a map; `Stage2Map.create` makes a new one.
   *
   * @param state - what `save` returned, checked
   */
  constructor(memory: PhysicalMemory, allocator: PageAllocator, state: Stage2State) {
    const shape = geometry(state.ipaBits, state.paBits, state.start);
    const size = rootBytes(shape);
    if (state.root % size !== 0 || !allocator.owns(state.root, size)) {
      throw new StateError('root', 'must be a table that its owner has allocated');
    }
    this.tables = new Stage2Tables(memory, allocator, shape, state.root);
    this.vmid = state.vmid;
    this.ipaBits = state.ipaBits;
    this.log = state.logging;
    this.exact = state.exact;
    this.dirty = new DirtyPages(state.dirty);
  }

  /** Makes an empty map. */
  static create(
    port: CpuPort,
    memory: PhysicalMemory,
    allocator: PageAllocator,
    { ipaBits, paBits, vmid, startLevel }: Stage2Options,
  ): Stage2Map {
    const g = geometry(ipaBits, paBits, startLevel);
    if (!Number.isInteger(vmid) || vmid < 0 || vmid > 255) throw new RangeError('a VMID has 8 bits');
    const { root } = Stage2Tables.create(port, memory, allocator, g);
    return new Stage2Map(memory, allocator, { ...g, vmid, root, logging: false, exact: true, dirty: [] });
  }

  /** Level of the first lookup. */
  get startLevel(): number {
    return this.tables.shape.start;
  }

  /** VTTBR_EL2: halves. */
  get vttbr(): readonly [lo: number, hi: number] {
    const { root } = this.tables;
    return [root >>> 0, (Math.floor(root / 2 ** 32) | (this.vmid << 16)) >>> 0];
  }

  /** VTCR_EL2: halves. */
  get vtcr(): readonly [lo: number, hi: number] {
    return [vtcrOf(this.tables.shape), 0];
  }

  /**
   * False where no memory was left for a table since the log was started or taken last: then all pages of a block that was written are
   * in the log, of which some may not have been. None that was written is ever missing.
   */
  get logIsExact(): boolean {
    return this.exact;
  }

  /** True while writes are logged. */
  get logging(): boolean {
    return this.log;
  }

  /**
   * Maps a range, over whatever was there: with the largest blocks that both addresses allow.
   *
   * @param largest - log2 of the largest block to use: 12, 21 or 30
   */
  map(port: CpuPort, ipa: Ipa, pa: Pa, size: number, attributes: Stage2Attributes = {}, largest = 30): void {
    this.checkRange(ipa, size);
    if (pa % PAGE !== 0 || pa + size > 2 ** this.tables.shape.paBits) {
      throw new RangeError(`0x${pa.toString(16)} is no page of the physical address space`);
    }
    const delta = pa - ipa;
    const edit: Edit = {
      maps: true,
      unmaps: false,
      leaf: (at, level) => {
        const fits = level > 0 && levelShift(level) <= largest && (at + delta) % levelSpan(level) === 0;
        return fits ? leafFor(level, at + delta, attributes, this.log) : undefined;
      },
    };
    this.apply(port, ipa, size, edit);
  }

  /** Unmaps a range; blocks that it cuts are split. */
  unmap(port: CpuPort, ipa: Ipa, size: number): void {
    this.checkRange(ipa, size);
    this.apply(port, ipa, size, { maps: false, unmaps: true, leaf: () => NOTHING });
  }

  /** Changes rights in a range, where something is mapped. */
  protect(port: CpuPort, ipa: Ipa, size: number, rights: Pick<Stage2Attributes, 'write' | 'execute'>): void {
    this.checkRange(ipa, size);
    this.rewrite(port, ipa, size, (d) => withRights(d, rights, this.log));
  }

  /** What an IPA is mapped to; undefined where nothing is. */
  find(port: CpuPort, ipa: Ipa): Stage2Entry | undefined {
    if (ipa < 0 || ipa >= 2 ** this.ipaBits) return undefined;
    const found = this.tables.find(port, ipa);
    if (found === undefined) return undefined;
    const { level, descriptor } = found;
    return {
      pa: (addressOf(descriptor) + (ipa % levelSpan(level))) as Pa,
      shift: levelShift(level),
      write: mayWrite(descriptor),
      execute: canExecute(descriptor),
      memory: memoryOf(descriptor),
      logged: mayWrite(descriptor) && !canWrite(descriptor),
    };
  }

  /**
   * The physical address of a byte of the VM's memory, for software and devices that access it on the VM's behalf; -1 where the
   * VM could not. A write goes into the log.
   */
  translate(port: CpuPort, ipa: Ipa, write: boolean): Pa | -1 {
    const entry = this.find(port, ipa);
    if (entry === undefined || entry.memory === 'device' || (write && !entry.write)) return -1;
    if (write) this.noteWrite(ipa);
    return entry.pa;
  }

  /** Notes that software wrote the page of `ipa` on the VM's behalf. */
  noteWrite(ipa: Ipa): void {
    if (this.log) this.dirty.add(Math.floor(ipa / PAGE));
  }

  /** Starts to log writes: memory becomes read-only to the VM, and `written` is to be called for its permission faults. */
  startLog(port: CpuPort): void {
    this.log = true;
    this.exact = true;
    this.dirty.clear();
    this.rewrite(port, 0, 2 ** this.ipaBits, (d) => withWrite(d, false));
  }

  /** Stops logging; what was not taken is lost. */
  stopLog(port: CpuPort): void {
    this.log = false;
    this.exact = true;
    this.dirty.clear();
    this.rewrite(port, 0, 2 ** this.ipaBits, (d) => withWrite(d, mayWrite(d)));
  }

  /**
   * A permission fault on a write: true where the VM may write and shall try again. The page is in the log then, and is writable
   * until the log is taken; a block is split down to it, or is in the log as a whole where no memory is left for that.
   */
  written(port: CpuPort, ipa: Ipa): boolean {
    if (ipa < 0 || ipa >= 2 ** this.ipaBits) return false;
    const found = this.tables.find(port, ipa);
    if (found === undefined || !mayWrite(found.descriptor)) return false;
    const page = Math.floor(ipa / PAGE);
    if (!canWrite(found.descriptor)) this.open(port, page, found.level);
    if (this.log) this.dirty.add(page);
    return true;
  }

  /** Makes a page writable, or the smallest part of its block, all of which is in the log then, that needs no table that there is no memory for. */
  private open(port: CpuPort, page: number, level: number): void {
    for (let part = 3; ; part--) {
      const pages = levelSpan(part) / PAGE;
      const first = page - (page % pages);
      try {
        this.rewrite(port, first * PAGE, pages * PAGE, (d) => withWrite(d, true));
      } catch (thrown) {
        if (!(thrown instanceof RangeError) || part <= level) throw thrown;
        continue;
      }
      if (this.log && part < 3) {
        this.exact = false;
        for (let i = 0; i < pages; i++) this.dirty.add(first + i);
      }
      return;
    }
  }

  /** The pages that were written since the log was started or taken last: their IPAs, in order. `logIsExact` begins anew. */
  takeLog(port: CpuPort): Ipa[] {
    const pages = this.dirty.list();
    const edit = this.rewriting((d) => withWrite(d, false));
    let closed = 0;
    for (const page of pages) {
      if (page < closed) continue;
      // A block that is writable is in the log as a whole: it need not be split now.
      const level = this.tables.find(port, page * PAGE)?.level ?? 3;
      const span = levelSpan(level) / PAGE;
      const first = page - (page % span);
      closed = first + span;
      this.tables.change(port, first * PAGE, closed * PAGE, edit);
    }
    if (pages.length > 0) this.tables.finish(port, this.vttbr);
    this.dirty.clear();
    this.exact = true;
    return pages.map((page) => (page * PAGE) as Ipa);
  }

  /** Releases the tables. No CPU may use them any more. */
  destroy(port: CpuPort): void {
    this.unmap(port, 0 as Ipa, 2 ** this.ipaBits);
    this.tables.destroy(port);
  }

  /** Its state, for `stage2Shape`. */
  save(): Stage2State {
    const { shape: g, root } = this.tables;
    return { ...g, vmid: this.vmid, root, logging: this.log, exact: this.exact, dirty: this.dirty.save() };
  }

  private rewriting(change: (d: Descriptor) => Descriptor): Edit {
    return { maps: false, unmaps: false, leaf: (_at, _level, old) => (isValid(old) ? change(old) : old) };
  }

  private rewrite(port: CpuPort, ipa: number, size: number, change: (d: Descriptor) => Descriptor): void {
    this.apply(port, ipa, size, this.rewriting(change));
  }

  private apply(port: CpuPort, ipa: number, size: number, edit: Edit): void {
    try {
      this.tables.change(port, ipa, ipa + size, edit);
    } finally {
      // What was taken out is put back even where memory for tables ran out.
      this.tables.finish(port, this.vttbr);
    }
  }

  private checkRange(ipa: number, size: number): void {
    if (ipa % PAGE !== 0 || size % PAGE !== 0 || size <= 0 || ipa < 0 || ipa + size > 2 ** this.ipaBits) {
      throw new RangeError(
        `0x${ipa.toString(16)} and ${size} bytes are no pages of a VM with ${this.ipaBits} address bits`,
      );
    }
  }
}
