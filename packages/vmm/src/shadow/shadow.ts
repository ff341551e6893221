// One VM's memory where hardware has no second stage: what its kernel's tables say, composed with where its memory is, in real tables that
// the CPU walks while the guest runs at EL0 (DDI 0487 D8).

import { Access, faultStatusCode, MmuFault } from '@worldswitch/mmu';
import type { RegimeControls, Translation } from '@worldswitch/mmu';
import { Fault, StateError } from '@worldswitch/platform';
import type { AtomicKind, CpuPort, Pa, Width, Word64 } from '@worldswitch/platform';

import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import { addressInto } from '../memory/physical.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { systemRegister } from '../names.ts';
import { Filler } from './filler.ts';
import { GuestRam } from './guest-ram.ts';
import { granuleOf, GuestWalk, noTranslation } from './guest-walk.ts';
import type { GuestTables } from './guest-walk.ts';
import type { Half, Leaf } from './half.ts';
import { Halves } from './halves.ts';
import type { Space } from './halves.ts';
import type { HostSpace } from './host-space.ts';
import { RecentlyUsed } from './lru.ts';
import { maintenanceOf } from './maintenance.ts';
import { checkShadowOptions, noShadowCounters } from './options.ts';
import type { ShadowCounters, ShadowOptions } from './options.ts';
import { restoreHalf, saveHalf } from './saved-half.ts';
import type { ShadowState } from './state.ts';
import { OutOfTables, ShadowTables } from './tables.ts';
import { Traces } from './traces.ts';
import { Tracing } from './tracing.ts';
import { virtualAsid, VIEWS } from './views.ts';
import type { ShadowView } from './views.ts';

/** What a fault was. One object, used again for the next. */
export interface Resolution {
  /**
   * `filled`: the guest tries again and sees nothing. `fault`: its own. `mmio`: no memory is at `ipa`. `traced`: a table of the guest is at
   * `ipa`, and the access is to be done by `load`, `store` and the like of the shadow. `refused`: the variant cannot, see `reason`.
   */
  kind: 'filled' | 'fault' | 'mmio' | 'traced' | 'refused';
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
  /** Refused: why. */
  reason: string;
}

/** One virtual CPU. */
interface VirtualCpu {
  readonly registers: RegimeControls;
  /** What each view was entered with last, while `version` is that of the halves. */
  readonly spaces: (Space | undefined)[];
  version: number;
  /** The view that is loaded, on which CPU, and what was counted of its loads: nothing is to be done for it again. */
  view: ShadowView | undefined;
  cpu: number;
  loads: number;
}

const ELR_EL1 = systemRegister('ELR_EL1');
const { None, Decode } = Fault;
const WRITES: readonly Access[] = [Access.Write, Access.ReadWrite];

/** The half-relative address: bits 47:0. */
const offsetOf = (va: Readonly<Word64>): number => (va.hi & 0xffff) * 2 ** 32 + (va.lo >>> 0);

/** A VM's shadow. */
export class ShadowMmu implements GuestTables {
  readonly counters: ShadowCounters;
  private readonly host: HostSpace;
  private readonly memory: PhysicalMemory;
  private readonly ram: GuestRam;
  private readonly walk: GuestWalk;
  private readonly tables: ShadowTables;
  private readonly halves: Halves;
  private readonly filler: Filler;
  private readonly traces: Traces | undefined;
  private readonly tracing: Tracing | undefined;
  private readonly lru: RecentlyUsed | undefined;
  private readonly vcpus: VirtualCpu[];
  private readonly resolution: Resolution = {
    kind: 'filled',
    code: 0,
    level: 0,
    write: false,
    ipa: -1,
    pa: -1,
    reason: '',
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
    const { variant, ram, vcpus, quota, capacity, open, largest } = checkShadowOptions(options);
    this.host = host;
    this.memory = memory;
    this.counters = noShadowCounters();
    this.ram = new GuestRam(ram);
    this.walk = new GuestWalk(this, options.features ?? {});
    this.tables = new ShadowTables(host, memory, pages, quota, 0);
    const traces = variant === 'traced' ? new Traces() : undefined;
    this.traces = traces;
    this.lru = variant === 'bounded' ? new RecentlyUsed(capacity, open, vcpus) : undefined;
    this.halves = new Halves(
      host,
      this.tables,
      {
        dropped: (leaf) => {
          this.lru?.remove(leaf);
          traces?.unmapped(leaf);
        },
        cleared: (half) => {
          for (const leaf of half.leaves.values()) this.lru?.remove(leaf);
          traces?.removeAll(half);
        },
      },
      { vcpus, exact: traces !== undefined },
    );
    this.filler = new Filler(this.ram, this.tables, this.halves, this.counters, traces, largest);
    this.tracing = traces && new Tracing(traces, this.halves, this.filler, this.walk, this.ram);
    this.vcpus = Array.from({ length: vcpus }, () => ({
      registers: noTranslation(),
      spaces: VIEWS.map(() => undefined),
      version: -1,
      view: undefined,
      cpu: -1,
      loads: 0,
    }));
    if (state !== undefined) this.restore(state, pages);
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
    const known = v.view === view && v.version === this.halves.version;
    if (known && v.cpu === cpu && v.loads === this.host.loadsOf(cpu)) return;
    if (v.version === -1) this.tracing?.retrace(port);
    const space = this.withRoom(port, () => this.spaceOf(port, vcpu, view));
    this.halves.finish(port);
    // TBI0 and TBI1 are where the hardware has them.
    const topByteIgnored = v.registers.tcrHi & 0x60;
    const { lower, upper, asid } = space;
    this.host.load(port, { ttbr0: lower.root, asid, ttbr1: upper.root, hole: upper.hole, topByteIgnored });
    [v.view, v.cpu, v.loads] = [view, cpu, this.host.loadsOf(cpu)];
  }

  /** Finds out what an abort of the guest was, and fills the shadow where the guest is to see nothing of it. */
  resolve(port: CpuPort, vcpu: number, view: ShadowView, va: Readonly<Word64>, access: Access): Resolution {
    const { resolution } = this;
    this.withRoom(port, () => {
      this.attempt(port, vcpu, view, va, access);
    });
    this.halves.finish(port);
    return resolution;
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
    return this.walk.translate(port, this.vcpu(vcpu).registers, view, va, access, update, out);
  }

  /** TLB maintenance that the guest executed, by its name without `TLBI`, and Xt. False where EL1 has no such operation. */
  maintain(port: CpuPort, vcpu: number, name: string, lo: number, hi: number): boolean {
    const { registers } = this.vcpu(vcpu);
    const wide = this.walk.features.asid16 && ((registers.tcrHi >>> 4) & 1) !== 0;
    const what = maintenanceOf(name, lo, hi, wide);
    if (what === undefined) return false;
    this.counters.syncs++;
    if (this.tracing !== undefined) this.tracing.retrace(port);
    else if (what.scope === 'all') this.halves.clearAll(port);
    else {
      for (const half of this.halves.all.values()) {
        if (what.scope === 'asid') this.dropAsid(port, half, what.asid);
        else if (half.upper === what.upper) this.dropAddress(port, half, what.offset, what.asid);
      }
    }
    this.halves.finish(port);
    return true;
  }

  /** Loads from the guest's memory by its physical address, within a page. */
  load(port: CpuPort, ipa: number, width: Width | 8, out: Word64): Fault {
    const pa = this.ram.toHost(ipa);
    return pa === -1 ? Decode : this.memory.load(port, pa as Pa, width, out);
  }

  /** Stores to it; the shadow follows where tables are traced. */
  store(port: CpuPort, ipa: number, width: Width | 8, lo: number, hi: number): Fault {
    const pa = this.ram.toHost(ipa);
    const fault = pa === -1 ? Decode : this.memory.store(port, pa as Pa, width, lo, hi);
    return this.stored(port, ipa, width, fault);
  }

  /** Compare-and-swap in it. */
  compareAndSwap(
    port: CpuPort,
    ipa: number,
    width: 4 | 8,
    expected: Word64,
    desired: Readonly<Word64>,
  ): Fault {
    const pa = this.ram.toHost(ipa);
    if (pa === -1) return Decode;
    const fault = port.compareAndSwap(addressInto(pa, { lo: 0, hi: 0 }), width, expected, desired);
    return this.stored(port, ipa, width, fault);
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
    const pa = this.ram.toHost(ipa);
    if (pa === -1) return Decode;
    const fault = port.atomic(kind, addressInto(pa, { lo: 0, hi: 0 }), width, operand, old);
    return this.stored(port, ipa, width, fault);
  }

  /** A store-exclusive was refused for the trace of its page alone: the page may be written until tables are compared again. */
  openForExclusive(_port: CpuPort, ipa: number): void {
    this.tracing?.open(ipa);
  }

  /** The host's address of the guest's memory, or -1. */
  hostOf(ipa: number): number {
    return this.ram.toHost(ipa);
  }

  /** Pages of tables now. */
  get tablePages(): number {
    return this.tables.used;
  }

  /** Leaves now. */
  get leaves(): number {
    let count = 0;
    for (const half of this.halves.all.values()) count += half.leaves.size;
    return count;
  }

  /** Releases everything. No CPU may use the tables any more: see `HostSpace.idle`. */
  destroy(port: CpuPort): void {
    this.halves.entered.fill(undefined);
    this.halves.clearAll(port);
    this.halves.finish(port);
  }

  /** Its state, for `shadowShape`. */
  save(): ShadowState {
    const { halves, lru } = this;
    const spaces = [...halves.spaces.values()];
    return {
      vcpus: this.vcpus.map(({ registers, version, spaces: known }, i) => {
        const entered = halves.entered[i];
        return {
          registers: { ...registers },
          changed: version === -1,
          entered: entered ? { lower: entered.lower.id, upper: entered.upper.id, asid: entered.asid } : null,
          spaces: known.map((one) => (version === halves.version && one ? spaces.indexOf(one) + 1 : 0)),
        };
      }),
      halves: [...halves.all.values()].map(saveHalf),
      spaces: spaces.map(({ lower, upper, asid, generation }) => ({
        lower: lower.id,
        upper: upper.id,
        asid,
        generation,
      })),
      nextId: halves.nextId,
      clock: halves.clock,
      counters: Object.values(this.counters) as number[],
      opened: this.traces?.openPages ?? [],
      ...(lru?.save() ?? { recent: [], instructions: [] }),
      real: null,
    };
  }

  /** A descriptor of the guest's, for its walk. */
  loadDescriptor(port: CpuPort, ipa: number, out: Word64): Fault {
    return this.load(port, ipa, 8, out);
  }

  /** An access flag or dirty state, of its walk. */
  storeDescriptor(port: CpuPort, ipa: number, lo: number, hi: number): Fault {
    const pa = this.ram.toHost(ipa);
    return pa === -1 ? Decode : this.memory.store(port, pa as Pa, 8, lo, hi);
  }

  private attempt(port: CpuPort, vcpu: number, view: ShadowView, va: Readonly<Word64>, access: Access): void {
    const { counters, resolution, walk, lru } = this;
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
    if (resolution.pa === -1) {
      counters.mmio++;
      resolution.kind = 'mmio';
      return;
    }
    const writes = WRITES.includes(access);
    const space = this.spaceOf(port, vcpu, view);
    const half = this.filler.besideHole(port, upper ? space.upper : space.lower, offset);
    this.tracing?.look(port, ipa, writes);
    this.tracing?.walked(port, half, offset);
    if (writes && this.traces?.refuses(ipa) === true) {
      counters.tracedWrites++;
      resolution.kind = 'traced';
      return;
    }
    const seen = lru !== undefined && this.filler.isClosed(half, view, offset, walk.out);
    const asid = virtualAsid(registers, this.wide());
    const leaf = this.filler.fill(port, half, view, offset, walk.out, asid);
    if (seen) counters.touches++;
    else counters.hidden++;
    if (lru !== undefined) this.used(port, vcpu, leaf, offset, access === Access.Execute);
  }

  /** Bounded: an access was seen. */
  private used(port: CpuPort, vcpu: number, leaf: Leaf, offset: number, fetch: boolean): void {
    const { lru, pc } = this;
    if (lru === undefined) return;
    port.readSystem(ELR_EL1, pc);
    lru.use(vcpu, pc, leaf, offset, fetch);
    for (const old of lru.toEvict()) {
      this.counters.evictions++;
      this.halves.drop(port, old);
    }
    for (const old of lru.toClose()) this.filler.close(port, old);
  }

  private dropAsid(port: CpuPort, half: Half, asid: number): void {
    if (half.nonGlobal === 0 || !half.asids.has(asid)) return;
    if (half.nonGlobal === half.leaves.size) this.halves.clear(port, half);
    else {
      for (const leaf of [...half.leaves.values()]) if (leaf.nonGlobal) this.halves.drop(port, leaf);
    }
  }

  private dropAddress(port: CpuPort, half: Half, offset: number, asid: number): void {
    const all = asid === -1 || half.asids.has(asid);
    const [from, to] = half.reach(offset);
    for (const leaf of half.within(from, to)) if (all || !leaf.nonGlobal) this.halves.drop(port, leaf);
  }

  private stored(port: CpuPort, ipa: number, width: number, fault: Fault): Fault {
    if (fault !== None || this.tracing === undefined) return fault;
    this.tracing.stored(port, ipa, width);
    this.halves.finish(port);
    return fault;
  }

  private answer(kind: Resolution['kind'], access: Access, ipa: number): void {
    const { resolution } = this;
    resolution.kind = kind;
    resolution.code = 0;
    resolution.level = 0;
    resolution.write = WRITES.includes(access);
    resolution.ipa = ipa;
    resolution.pa = ipa === -1 ? -1 : this.ram.toHost(ipa);
    resolution.reason = '';
  }

  /** The space of a view, which the virtual CPU is in now. */
  private spaceOf(port: CpuPort, vcpu: number, view: ShadowView): Space {
    const { halves, walk } = this;
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
      this.halves.clearAll(port);
      this.halves.finish(port);
      return body();
    }
  }

  private restore(state: ShadowState, pages: PageAllocator): void {
    const { ram, walk, traces, halves, lru } = this;
    if (state.vcpus.length !== this.vcpus.length) throw new StateError('vcpus', 'must be those of the VM');
    const owner = { ram, pages, features: walk.features, traces };
    for (const [i, saved] of state.halves.entries()) {
      if (saved.id >= state.nextId || halves.all.has(saved.id))
        throw new StateError(`halves[${i}].id`, 'is taken');
      const half = restoreHalf(saved, owner, `halves[${i}]`);
      halves.restore(half);
      this.tables.used += 1 + half.tables.size;
    }
    halves.nextId = state.nextId;
    halves.clock = state.clock;
    const half = (id: number, upper: boolean, path: string): Half => {
      const found = halves.all.get(id);
      if (found?.upper !== upper) throw new StateError(path, 'must be a half of the shadow');
      return found;
    };
    const spaces = state.spaces.map(({ lower, upper, asid, generation }, i): Space => {
      const path = `spaces[${i}]`;
      return { lower: half(lower, false, path), upper: half(upper, true, path), asid, generation };
    });
    for (const space of spaces) halves.spaces.set(`${space.lower.id} ${space.upper.id}`, space);
    for (const [i, { registers, changed, entered, spaces: known }] of state.vcpus.entries()) {
      const v = this.vcpu(i);
      const path = `vcpus[${i}]`;
      Object.assign(v.registers, registers);
      v.version = changed ? -1 : halves.version;
      for (const [view, index] of known.entries()) {
        if (index > spaces.length) throw new StateError(`${path}.spaces`, 'must be spaces of the shadow');
        v.spaces[view] = spaces[index - 1];
      }
      if (entered === null) continue;
      halves.entered[i] = {
        lower: half(entered.lower, false, `${path}.entered`),
        upper: half(entered.upper, true, `${path}.entered`),
        asid: entered.asid,
      };
    }
    for (const [i, name] of (Object.keys(this.counters) as (keyof ShadowCounters)[]).entries()) {
      this.counters[name] = state.counters[i] ?? 0;
    }
    for (const page of state.opened) traces?.open(page * PAGE);
    lru?.restore(state.recent, state.instructions, (leaf, path) => {
      const found = halves.all.get(leaf.half)?.leaves.get(leaf.offset);
      if (found === undefined) throw new StateError(path, 'must be a leaf of the shadow');
      return found;
    });
  }

  private wide(): boolean {
    return this.walk.features.asid16;
  }

  private vcpu(index: number): VirtualCpu {
    const found = this.vcpus[index];
    if (found === undefined) throw new RangeError(`there is no virtual CPU ${index}`);
    return found;
  }
}
