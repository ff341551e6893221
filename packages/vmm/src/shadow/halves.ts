// The shadow halves of one VM, the address spaces that they make in pairs, and their hardware ASIDs.

import type { MmuFeatures, RegimeControls } from '@worldswitch/mmu';
import type { CpuPort } from '@worldswitch/platform';

import { levelSpan } from '../stage2/geometry.ts';
import type { Adopted, AdoptedPages } from './adopted.ts';
import { isWalkable } from './guest-walk.ts';
import { Half } from './half.ts';
import type { Leaf } from './half.ts';
import { HOLE } from './host-space.ts';
import type { HostSpace } from './host-space.ts';
import { Stale } from './stale.ts';
import type { ShadowTables } from './tables.ts';
import { keyOf } from './views.ts';
import type { ShadowView } from './views.ts';

/** Two halves, and the ASID that hardware has for them. */
export interface Space {
  readonly lower: Half;
  readonly upper: Half;
  asid: number;
  /** Of the ASID. */
  generation: number;
}

/** What a virtual CPU was entered with last. */
export interface Entered {
  readonly lower: Half;
  readonly upper: Half;
  /** The virtual ASID. */
  readonly asid: number;
}

/** What is told of leaves that go. */
export interface HalvesListener {
  /** A leaf is taken out. */
  dropped(leaf: Leaf): void;
  /** A half forgets all. */
  cleared(half: Half): void;
}

/** More halves than this are not kept, besides those that virtual CPUs are in. */
const MOST = 64;
/** ASIDs that a half without leaves of an ASID remembers. */
const MOST_ASIDS = 4096;

/** The halves of a VM. */
export class Halves {
  /** Counts changes after which what was found before may not be right any more. */
  version = 0;
  /** By identifier, in the order in which they were made. */
  readonly all: Map<number, Half> = new Map<number, Half>();
  /** By virtual CPU. */
  readonly entered: (Entered | undefined)[];
  readonly stale: Stale = new Stale();
  readonly spaces: Map<string, Space> = new Map<string, Space>();
  nextId = 1;
  clock = 0;
  private readonly host: HostSpace;
  private readonly tables: ShadowTables;
  private readonly listener: HalvesListener;
  private readonly byKey = new Map<string, Half[]>();
  /** True where leaves are always what the guest's tables say now, whatever the ASID. */
  private readonly exact: boolean;
  /** The guest's own tables, where hardware walks them. */
  private readonly adopted: AdoptedPages | undefined;
  private readonly features: MmuFeatures;

  constructor(
    host: HostSpace,
    tables: ShadowTables,
    listener: HalvesListener,
    options: {
      readonly vcpus: number;
      readonly exact: boolean;
      readonly adopted: AdoptedPages | undefined;
      readonly features: MmuFeatures;
    },
  ) {
    this.host = host;
    this.tables = tables;
    this.listener = listener;
    this.exact = options.exact;
    this.adopted = options.adopted;
    this.features = options.features;
    this.entered = Array.from({ length: options.vcpus }, () => undefined);
  }

  /** The half for a range of a view, under a virtual ASID; made where there is none. */
  find(
    port: CpuPort,
    registers: RegimeControls,
    upper: boolean,
    view: ShadowView,
    asid: number,
    granule: number,
  ): Half {
    const key = keyOf(registers, upper, view);
    const all = (this.byKey.get(key) ?? []).filter((half) => !half.retired);
    let found = all.find((half) => this.exact || half.asids.has(asid));
    if (found === undefined) {
      found = all.find((half) => half.nonGlobal === 0);
      if (found !== undefined && found.asids.size >= MOST_ASIDS) found.asids.clear();
      found?.asids.add(asid);
    }
    if (found === undefined) {
      const real = this.isReal(registers, upper, view);
      found = this.make(port, { key, upper, view, registers, granule, hole: upper ? HOLE : -1, real }, [
        asid,
      ]);
    }
    found.lastUse = ++this.clock;
    found.strays = 0;
    return found;
  }

  /**
   * True where hardware may walk the guest's own tables. In the upper range it does for the guest's kernel alone: while user code runs, that
   * has a table of the hypervisor's alone.
   */
  isReal(registers: RegimeControls, upper: boolean, view: ShadowView): boolean {
    if (this.adopted === undefined || view === 'kernel-pan' || (upper && view === 'user')) return false;
    return isWalkable(registers, upper, this.features);
  }

  /** The space of two halves, with an ASID of this generation. */
  space(port: CpuPort, lower: Half, upper: Half): Space {
    const key = `${lower.id} ${upper.id}`;
    let space = this.spaces.get(key);
    if (space === undefined) {
      space = { lower, upper, asid: 0, generation: 0 };
      this.spaces.set(key, space);
    }
    const { asids } = this.host;
    if (space.generation !== asids.generation) {
      space.asid = asids.allocate(port);
      space.generation = asids.generation;
    } else asids.use(port, space.asid);
    return space;
  }

  /** A leaf was filled for one ASID: the half is of no other any more, but for those that run in it now. */
  claim(half: Half, asid: number): void {
    if (this.exact || half.asids.size <= 1) return;
    half.asids.clear();
    half.asids.add(asid);
    for (const other of this.entered) {
      if (other?.lower === half || other?.upper === half) half.asids.add(other.asid);
    }
    this.version++;
  }

  /** Puts a leaf in. */
  add(leaf: Leaf): void {
    leaf.half.leaves.set(leaf.offset, leaf);
    if (leaf.nonGlobal) leaf.half.nonGlobal++;
    this.stale.published();
  }

  /** Takes a leaf out. */
  drop(port: CpuPort, leaf: Leaf): void {
    const { half } = leaf;
    this.tables.write(port, leaf, { lo: 0, hi: 0 });
    half.leaves.delete(leaf.offset);
    if (leaf.nonGlobal) half.nonGlobal--;
    this.changed(leaf);
    this.listener.dropped(leaf);
  }

  /** A leaf's descriptor is another: what TLBs hold is stale. */
  changed(leaf: Leaf): void {
    this.stale.leaf(leaf.half.upper, leaf.offset, () => this.asidsOf(leaf.half));
  }

  /** Takes out the leaves of a range. */
  dropWithin(port: CpuPort, half: Half, from: number, to: number): void {
    if (half.leaves.size === 0) return;
    for (const leaf of half.within(from, to)) this.drop(port, leaf);
  }

  /** Takes all leaves and tables of a half. */
  clear(port: CpuPort, half: Half): void {
    this.listener.cleared(half);
    this.stale.whole(this.asidsOf(half));
    this.tables.clear(port, half);
    half.forget();
    this.giveBack(port, this.adopted?.of(half) ?? []);
  }

  /** An entry of a table of the guest is another: what stands below it for this range goes. */
  prune(port: CpuPort, half: Half, level: number, from: number, to: number): void {
    if (!half.real || level === 3 || !half.tables.has(half.tableKey(from, level + 1))) return;
    this.tables.prune(port, half, level, from, to);
    this.stale.whole(this.asidsOf(half));
    const gone = this.adopted
      ?.of(half)
      .filter((page) => !half.borrowed.has(this.adopted?.find(page)?.key ?? 0));
    this.giveBack(port, gone ?? []);
  }

  /** A table of the guest's own is not to be walked by hardware any more: it goes back. */
  detach(port: CpuPort, { half, key }: Adopted): void {
    const level = (key % 4) - 1;
    const from = Math.floor(key / 4) * levelSpan(level);
    this.dropWithin(port, half, from, from + levelSpan(level));
    this.prune(port, half, level, from, from + levelSpan(level));
    this.finish(port);
  }

  /** Takes everything: halves that no virtual CPU is in go as a whole. */
  clearAll(port: CpuPort): void {
    for (const half of [...this.all.values()]) {
      if (!this.isEntered(half)) this.destroy(port, half);
      else if (half.tables.size > 0 || half.uses.size > 0) this.clear(port, half);
    }
  }

  /** Takes a half. */
  destroy(port: CpuPort, half: Half): void {
    this.clear(port, half);
    this.tables.release(half.root);
    this.all.delete(half.id);
    this.unlist(half);
    for (const [key, space] of this.spaces) {
      if (space.lower === half || space.upper === half) this.spaces.delete(key);
    }
    this.version++;
  }

  /**
   * The guest wants an address in the hole of a half: another half with the hole elsewhere takes its place. CPUs that run in the old one
   * leave it when they are entered next.
   */
  moveHole(port: CpuPort, half: Half): Half {
    let hole = this.tables.freeSlot(half, half.hole);
    if (hole === -1) {
      this.clear(port, half);
      hole = this.tables.freeSlot(half, half.hole);
    }
    // Both roots have the new one, so that the code that changes from the one to the other stays where it is.
    this.tables.writeHole(port, half.root, hole, half.view);
    half.retired = true;
    const asids = [...half.asids];
    const { key, upper, view, registers, granule, real } = half;
    const next = this.make(port, { key, upper, view, registers, granule, real, hole }, asids);
    next.lastUse = ++this.clock;
    this.version++;
    return next;
  }

  /** Puts a restored half in. */
  restore(half: Half): void {
    this.all.set(half.id, half);
    const others = this.byKey.get(half.key);
    if (others === undefined) this.byKey.set(half.key, [half]);
    else others.push(half);
  }

  /** Invalidates what is stale. */
  finish(port: CpuPort): void {
    this.stale.finish(port);
  }

  /** True where a virtual CPU is in it. */
  isEntered(half: Half): boolean {
    return this.entered.some((one) => one?.lower === half || one?.upper === half);
  }

  /** Table pages go back to the guest, when nothing walks them any more. */
  private giveBack(port: CpuPort, pages: readonly number[]): void {
    if (pages.length === 0) return;
    this.finish(port);
    for (const page of pages) this.adopted?.giveBack(port, page);
  }

  private make(
    port: CpuPort,
    parts: Pick<Half, 'key' | 'upper' | 'view' | 'registers' | 'granule' | 'hole' | 'real'>,
    asids: readonly number[],
  ): Half {
    if (this.all.size >= MOST) this.makeRoom(port);
    const root = this.tables.newRoot(port, parts.hole, parts.view);
    const half = new Half({ ...parts, id: this.nextId++, root });
    for (const asid of asids) half.asids.add(asid);
    this.restore(half);
    this.version++;
    return half;
  }

  /** Takes the half that was not entered for the longest time. */
  private makeRoom(port: CpuPort): void {
    let oldest: Half | undefined;
    for (const half of this.all.values()) {
      if (this.isEntered(half) || half.lastUse === this.clock) continue;
      if (oldest === undefined || half.lastUse < oldest.lastUse) oldest = half;
    }
    if (oldest === undefined) return;
    this.destroy(port, oldest);
    this.finish(port);
  }

  private unlist(half: Half): void {
    const others = (this.byKey.get(half.key) ?? []).filter((other) => other !== half);
    if (others.length === 0) this.byKey.delete(half.key);
    else this.byKey.set(half.key, others);
  }

  /** Hardware ASIDs of the spaces that have a half. */
  private *asidsOf(half: Half): Iterable<number> {
    const { generation } = this.host.asids;
    for (const space of this.spaces.values()) {
      if (space.lower !== half && space.upper !== half) continue;
      if (space.generation === generation || this.isEntered(half)) yield space.asid;
    }
  }
}
