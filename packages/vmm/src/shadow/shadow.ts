// One VM's memory where hardware has no second stage: what its kernel's tables say, composed with where its memory is, in real tables that
// the CPU walks while the guest runs at EL0 (DDI 0487 D8).

import { Access, createTranslation, faultStatusCode, MmuFault, Permission } from '@worldswitch/mmu';
import type { RegimeControls, Translation } from '@worldswitch/mmu';
import type { AtomicKind, CpuPort, Fault, Width, Word64 } from '@worldswitch/platform';

import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { systemRegister } from '../names.ts';
import type { GuestMemory } from './guest-memory.ts';
import type { RamRange } from './guest-ram.ts';
import { granuleOf } from './guest-walk.ts';
import type { Half, Leaf } from './half.ts';
import type { Space } from './halves.ts';
import type { HostSpace } from './host-space.ts';
import { maintenanceOf } from './maintenance.ts';
import type { ShadowCounters, ShadowOptions } from './options.ts';
import { shadowParts } from './parts.ts';
import type { ShadowParts, VirtualCpu } from './parts.ts';
import { restoreShadow, saveShadow } from './saved-shadow.ts';
import type { ShadowState } from './state.ts';
import { OutOfTables } from './tables.ts';
import { virtualAsid, VIEWS } from './views.ts';
import type { ShadowView } from './views.ts';

/** What a fault was. One object, used again for the next. */
export interface Resolution {
  /**
   * `filled`: the guest tries again and sees nothing. `fault`: its own. `mmio`: no memory is at `ipa`. `traced`: a table of the guest is at
   * `ipa`, and the access is to be done by `load`, `store` and the like of the shadow.
   */
  kind: 'filled' | 'fault' | 'mmio' | 'traced';
  /** Fault: the fault status code. */
  code: number;
  /** Fault: the level in it. */
  level: number;
  /** ESR_ELx.ISS.WnR. */
  write: boolean;
  /** The guest's physical address; -1 for a fault. */
  ipa: number;
  /** The host's; -1 where there is none. */
  pa: number;
  /** Filled: it was there, and only its use was to be seen (a bounded shadow). */
  touched: boolean;
}

const ELR_EL1 = systemRegister('ELR_EL1');
const WRITES: readonly Access[] = [Access.Write, Access.ReadWrite];

const isIn = (range: RamRange | undefined, ipa: number): boolean =>
  range !== undefined && ipa >= range.ipa && ipa < range.ipa + range.size;

/** The half-relative address: bits 47:0. */
const offsetOf = (va: Readonly<Word64>): number => (va.hi & 0xffff) * 2 ** 32 + (va.lo >>> 0);

/** A VM's shadow. */
export class ShadowMmu {
  private readonly host: HostSpace;
  private readonly parts: ShadowParts;
  private readonly guest: GuestMemory;
  private readonly resolution: Resolution = {
    kind: 'filled',
    code: 0,
    level: 0,
    write: false,
    ipa: -1,
    pa: -1,
    touched: false,
  };
  private readonly pc: Word64 = { lo: 0, hi: 0 };

  /**
   * Makes one, or restores it.
   *
   * @param pages - where its tables are allocated
   * @param state - what `save` returned, checked, of a shadow with the same options
   */
  constructor(
    host: HostSpace,
    memory: PhysicalMemory,
    pages: PageAllocator,
    options: ShadowOptions,
    state?: ShadowState,
  ) {
    this.host = host;
    this.parts = shadowParts(host, memory, pages, options);
    this.guest = this.parts.guest;
    if (state !== undefined) restoreShadow(this.parts, state, pages);
  }

  /** What was counted. */
  get counters(): ShadowCounters {
    return this.parts.counters;
  }

  /** SCTLR_EL1, TCR_EL1, TTBR0_EL1, TTBR1_EL1 and MAIR_EL1 of a virtual CPU, to be read and written; `changed` makes writes count. */
  registers(vcpu: number): RegimeControls {
    return this.vcpu(vcpu).registers;
  }

  /** A register was written. */
  changed(vcpu: number): void {
    this.vcpu(vcpu).version = -1;
  }

  /** Loads the roots of a virtual CPU's view: before each return to the guest. */
  enter(port: CpuPort, vcpu: number, view: ShadowView): void {
    const v = this.vcpu(vcpu);
    const cpu = port.index;
    const known = v.view === view && v.version === this.parts.halves.version;
    if (known && v.cpu === cpu && v.loads === this.host.loadsOf(cpu)) return;
    if (v.version === -1) this.parts.tracing?.retrace(port);
    const space = this.withRoom(port, () => this.spaceOf(port, vcpu, view));
    this.parts.halves.finish(port);
    // TBI0 and TBI1 are where the hardware has them.
    const topByteIgnored = v.registers.tcrHi & 0x60;
    const { lower, upper, asid } = space;
    this.host.load(port, { ttbr0: lower.root, asid, ttbr1: upper.root, hole: upper.hole, topByteIgnored });
    [v.view, v.cpu, v.loads] = [view, cpu, this.host.loadsOf(cpu)];
  }

  /** Finds out what an abort of the guest was, and fills the shadow where the guest is to see nothing of it. */
  resolve(port: CpuPort, vcpu: number, view: ShadowView, va: Readonly<Word64>, access: Access): Resolution {
    this.withRoom(port, () => {
      this.attempt(port, vcpu, view, va, access);
    });
    this.parts.halves.finish(port);
    return this.resolution;
  }

  /**
   * Puts a page of `planted` where the guest's kernel has nothing: it may execute it, and not read it, so that all else that it does there
   * ends as by its own tables. Where it has something after all, that takes its place at the first access.
   *
   * @param ipa - in `planted`
   */
  plant(port: CpuPort, vcpu: number, va: Readonly<Word64>, ipa: number): void {
    const { filler, walk } = this.parts;
    const out = createTranslation();
    out.ipa = out.pa = ipa;
    out.permissions = Permission.PrivilegedExecute;
    out.attributes = out.dataAttributes = 0xff;
    out.shareability = 3;
    this.withRoom(port, () => {
      // No walk led there.
      walk.path.length = 0;
      const space = this.spaceOf(port, vcpu, 'kernel');
      const upper = (va.hi & (1 << 23)) !== 0;
      const offset = offsetOf(va);
      const half = filler.besideHole(port, upper ? space.upper : space.lower, offset);
      const asid = virtualAsid(this.vcpu(vcpu).registers, walk.features.asid16);
      filler.fill(port, half, 'kernel', offset, out, asid);
    });
    this.parts.halves.finish(port);
    this.counters.hidden++;
  }

  /** The guest's own walk of an address: nothing is filled. `out.pa` is the guest's physical address. */
  translate(
    port: CpuPort,
    vcpu: number,
    view: ShadowView,
    va: Readonly<Word64>,
    access: Access,
    out: Translation,
    update = false,
  ): boolean {
    return this.parts.walk.translate(port, this.vcpu(vcpu).registers, view, va, access, update, out);
  }

  /** TLB maintenance that the guest executed, by its name without `TLBI`, and Xt. False where EL1 has no such operation. */
  maintain(port: CpuPort, vcpu: number, name: string, lo: number, hi: number): boolean {
    const { registers } = this.vcpu(vcpu);
    const wide = this.parts.walk.features.asid16 && ((registers.tcrHi >>> 4) & 1) !== 0;
    const what = maintenanceOf(name, lo, hi, wide);
    if (what === undefined) return false;
    this.counters.syncs++;
    if (this.parts.tracing !== undefined) this.parts.tracing.retrace(port);
    else if (what.scope === 'all') this.parts.halves.clearAll(port);
    else {
      for (const half of this.parts.halves.all.values()) {
        if (what.scope === 'asid') this.dropAsid(port, half, what.asid);
        else if (half.upper === what.upper) this.dropAddress(port, half, what.offset, what.asid);
      }
    }
    this.parts.halves.finish(port);
    return true;
  }

  /** The guest's memory by its physical addresses, within pages: what is done on its behalf, accesses to tables that were seen above all. */
  get memory(): GuestMemory {
    return this.guest;
  }

  /** Loads from the guest's memory: `memory.load`. */
  load(port: CpuPort, ipa: number, width: Width | 8, out: Word64): Fault {
    return this.guest.load(port, ipa, width, out);
  }

  /** Stores to it; the shadow follows where it is a table. */
  store(port: CpuPort, ipa: number, width: Width | 8, lo: number, hi: number): Fault {
    return this.guest.store(port, ipa, width, lo, hi);
  }

  /** Compare-and-swap in it. */
  compareAndSwap(
    port: CpuPort,
    ipa: number,
    width: 4 | 8,
    expected: Word64,
    desired: Readonly<Word64>,
  ): Fault {
    return this.guest.compareAndSwap(port, ipa, width, expected, desired);
  }

  /** An atomic operation in it. */
  atomic(
    port: CpuPort,
    kind: AtomicKind,
    ipa: number,
    width: 4 | 8,
    operand: Readonly<Word64>,
    old: Word64,
  ): Fault {
    return this.guest.atomic(port, kind, ipa, width, operand, old);
  }

  /**
   * A store-exclusive was refused for the trace of its page alone: the page may be written until tables are compared again. False in the real
   * variant, where the load-exclusive was seen too: see `memory`.
   *
   * @returns false in the real variant
   */
  openForExclusive(_port: CpuPort, ipa: number): boolean {
    return this.parts.traces?.open(ipa) ?? true;
  }

  /** True for an address of a table to which a plain access of the guest's does not go without an exit. */
  isTraced(ipa: number, writes: boolean): boolean {
    const { traces } = this.parts;
    return traces?.refuses(ipa) === true && (writes || traces.seesReads(ipa));
  }

  /** The host's address of the guest's memory, or -1: of a table in the real variant, of what the guest wrote there. */
  hostOf(ipa: number): number {
    if (isIn(this.parts.planted, ipa)) return -1;
    return this.parts.adopted?.toHost(ipa) ?? this.parts.ram.toHost(ipa);
  }

  /** A device is about to write to a page of the guest's memory: what comes from tables there is forgotten. */
  written(port: CpuPort, ipa: number): void {
    const { tracing, halves } = this.parts;
    if (tracing === undefined) return;
    tracing.written(port, ipa);
    halves.finish(port);
  }

  /** Real: where what the guest wrote to its tables is, by the page's own address: addresses of the host. */
  get sides(): ReadonlyMap<number, number> {
    return this.parts.adopted?.sides() ?? new Map<number, number>();
  }

  /** Real: pages of the guest that hold real descriptors now. */
  get realTables(): number {
    return this.parts.adopted?.size ?? 0;
  }

  /** Pages of tables now. */
  get tablePages(): number {
    return this.parts.tables.used;
  }

  /** Leaves now. */
  get leaves(): number {
    let count = 0;
    for (const half of this.parts.halves.all.values()) count += half.leaves.size;
    return count;
  }

  /** Releases everything. No CPU may use the tables any more: see `HostSpace.idle`. */
  destroy(port: CpuPort): void {
    this.parts.halves.entered.fill(undefined);
    this.parts.halves.clearAll(port);
    this.parts.halves.finish(port);
  }

  /** Its state, for `shadowShape`. */
  save(): ShadowState {
    return saveShadow(this.parts);
  }

  private attempt(port: CpuPort, vcpu: number, view: ShadowView, va: Readonly<Word64>, access: Access): void {
    const { resolution } = this;
    const { counters, walk, lru, traces } = this.parts;
    const { registers } = this.vcpu(vcpu);
    const offset = offsetOf(va);
    const upper = (va.hi & (1 << 23)) !== 0;
    if (!walk.translate(port, registers, view, va, access, true)) {
      counters.faults++;
      this.answer('fault', access, -1);
      resolution.code = faultStatusCode(walk.out);
      resolution.level = walk.out.fault === MmuFault.Alignment ? 0 : walk.out.level & 3;
      resolution.write = walk.out.write;
      return;
    }
    const { ipa } = walk.out;
    this.answer('filled', access, ipa);
    if (resolution.pa === -1 || isIn(this.parts.planted, ipa)) {
      resolution.pa = -1;
      counters.mmio++;
      resolution.kind = 'mmio';
      return;
    }
    const writes = WRITES.includes(access);
    const space = this.spaceOf(port, vcpu, view);
    const half = this.parts.filler.besideHole(port, upper ? space.upper : space.lower, offset);
    this.parts.tracing?.look(port, ipa, writes);
    this.parts.tracing?.walked(port, half, offset);
    if (access === Access.Execute && traces?.seesReads(ipa) === true) this.execute(port, ipa);
    if ((writes || traces?.seesReads(ipa) === true) && traces?.refuses(ipa) === true) {
      if (writes) counters.tracedWrites++;
      else counters.tracedReads++;
      resolution.kind = 'traced';
      return;
    }
    const seen = lru !== undefined && this.parts.filler.isClosed(half, view, offset, walk.out);
    const asid = virtualAsid(registers, this.wide());
    const leaf = this.parts.filler.fill(port, half, view, offset, walk.out, asid);
    resolution.touched = seen;
    if (seen) counters.touches++;
    else counters.hidden++;
    if (lru !== undefined) this.used(port, vcpu, leaf, offset, access === Access.Execute);
  }

  /** Real: the guest executes a page that is a table. It is that no longer for hardware, which has one of the hypervisor's instead. */
  private execute(port: CpuPort, ipa: number): void {
    const { adopted, halves, traces } = this.parts;
    const table = adopted?.find(ipa);
    if (table !== undefined) halves.detach(port, table);
    traces?.execute(ipa);
  }

  /** Bounded: an access was seen. */
  private used(port: CpuPort, vcpu: number, leaf: Leaf, offset: number, fetch: boolean): void {
    const { pc } = this;
    const { lru } = this.parts;
    if (lru === undefined) return;
    port.readSystem(ELR_EL1, pc);
    lru.use(vcpu, pc, leaf, offset, fetch);
    for (const old of lru.toEvict()) {
      this.counters.evictions++;
      this.parts.halves.drop(port, old);
    }
    for (const old of lru.toClose()) this.parts.filler.close(port, old);
  }

  private dropAsid(port: CpuPort, half: Half, asid: number): void {
    if (half.nonGlobal === 0 || !half.asids.has(asid)) return;
    if (half.nonGlobal === half.leaves.size) this.parts.halves.clear(port, half);
    else {
      for (const leaf of [...half.leaves.values()]) if (leaf.nonGlobal) this.parts.halves.drop(port, leaf);
    }
  }

  private dropAddress(port: CpuPort, half: Half, offset: number, asid: number): void {
    const all = asid === -1 || half.asids.has(asid);
    const [from, to] = half.reach(offset);
    for (const leaf of half.within(from, to)) if (all || !leaf.nonGlobal) this.parts.halves.drop(port, leaf);
  }

  private answer(kind: Resolution['kind'], access: Access, ipa: number): void {
    const { resolution } = this;
    resolution.kind = kind;
    resolution.code = 0;
    resolution.level = 0;
    resolution.write = WRITES.includes(access);
    resolution.ipa = ipa;
    resolution.pa = ipa === -1 ? -1 : this.parts.ram.toHost(ipa);
    resolution.touched = false;
  }

  /** The space of a view, which the virtual CPU is in now. */
  private spaceOf(port: CpuPort, vcpu: number, view: ShadowView): Space {
    const { halves, walk } = this.parts;
    const v = this.vcpu(vcpu);
    const { registers, spaces } = v;
    const i = VIEWS.indexOf(view);
    const asid = virtualAsid(registers, this.wide());
    let found = v.version === halves.version ? spaces[i] : undefined;
    if (found === undefined) {
      const half = (upper: boolean): Half =>
        halves.find(port, registers, upper, view, asid, granuleOf(registers, upper, walk.features));
      const lower = half(false);
      found = halves.space(port, lower, half(true));
      if (v.version !== halves.version) spaces.fill(undefined);
      v.version = halves.version;
      spaces[i] = found;
    } else found = halves.space(port, found.lower, found.upper);
    halves.entered[vcpu] = { lower: found.lower, upper: found.upper, asid };
    return found;
  }

  /** Does something that may need tables: where there are none left, everything is forgotten first. */
  private withRoom<Result>(port: CpuPort, body: () => Result): Result {
    try {
      return body();
    } catch (thrown) {
      if (!(thrown instanceof OutOfTables)) throw thrown;
      this.counters.flushes++;
      this.parts.halves.clearAll(port);
      this.parts.halves.finish(port);
      return body();
    }
  }

  private wide(): boolean {
    return this.parts.walk.features.asid16;
  }

  private vcpu(index: number): VirtualCpu {
    const found = this.parts.vcpus[index];
    if (found === undefined) throw new RangeError(`there is no virtual CPU ${index}`);
    return found;
  }
}
