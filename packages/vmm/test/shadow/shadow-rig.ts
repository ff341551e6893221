// A CPU without a second stage, reduced to its translation: registers, memory, a TLB that forgets nothing unasked, and a guest's tables.

import {
  Access,
  createAllocator,
  createControls,
  createRequest,
  createTables,
  createTranslation,
  createWalker,
  currentAsid,
  faultStatusCode,
  permits,
  Regime,
  restoreTlb,
  saveTlb,
  Tlb,
  tlbContext,
  tlbiOperation,
} from '@worldswitch/mmu';
import type {
  GranuleShift,
  MmuFeatures,
  TableAllocator,
  Tables,
  TlbState,
  Translation,
} from '@worldswitch/mmu';
import { Fault, pa } from '@worldswitch/platform';
import type { SystemOperation, SystemRegister, Width, Word64 } from '@worldswitch/platform';

import { PageAllocator, PhysicalMemory } from '../../src/memory/index.ts';
import type { PageAllocatorState } from '../../src/memory/index.ts';
import { systemOperation, systemRegister } from '../../src/names.ts';
import { HostSpace, hostSpaceShape, LinearPort, ShadowMmu, shadowShape } from '../../src/shadow/index.ts';
import type {
  HostSpaceOptions,
  HostSpaceState,
  ShadowOptions,
  ShadowState,
  ShadowView,
} from '../../src/shadow/index.ts';
import { FakePort, RAM } from '../fake-port.ts';

const MIB = 2 ** 20;
/** The guest's memory: where it has it, and where it is. */
export const GUEST_RAM = 0x8000_0000;
export const GUEST_BYTES = 16 * MIB;
export const GUEST_AT = RAM + 16 * MIB;
/** The page of the software. */
export const PAGE_AT = RAM + 0x1000;

const TLBI = ['VMALLE1', 'VMALLE1IS', 'VAAE1IS', 'ASIDE1IS'] as const;
const names: ReadonlyMap<SystemOperation, string> = new Map(
  TLBI.map((name) => [systemOperation(`TLBI ${name}`), name]),
);
const halves = (value: bigint): Word64 => ({
  lo: Number(value & 0xffff_ffffn),
  hi: Number((value >> 32n) & 0xffff_ffffn),
});

/** The port of a CPU at EL1 that translates, strictly: what its TLB has counts until it is invalidated. */
export class TranslatingPort extends FakePort {
  override readonly level = 1;
  tlb: Tlb = new Tlb({ sets: 64, ways: 16 });
  /** Drops TLB maintenance, to plant a mistake. */
  forgetful = false;
  private readonly controls = createControls({ el2: false, paBits: 44 });
  private readonly walker = createWalker(this.controls, {
    read64: (at, out) => {
      const fault = super.load({ lo: at >>> 0, hi: Math.floor(at / 2 ** 32) }, 8, out);
      this.done.length = 0;
      return fault;
    },
  });
  private readonly request = createRequest();
  private readonly answer = createTranslation();

  constructor() {
    super({ bytes: 32 * MIB });
    this.onOperate = (operation, value) => {
      const name = names.get(operation);
      if (name === undefined || this.forgetful) return;
      const { lo, hi } = halves(value);
      this.readControls();
      tlbiOperation(name)?.(this.tlb, this.controls, lo, hi);
    };
  }

  /** An access: the physical address, or minus one and the fault status code. */
  lookUp(va: bigint, access: Access, unprivileged: boolean): number {
    const { request, answer, tlb } = this;
    this.readControls();
    const { lo, hi } = halves(va);
    Object.assign(request, { vaLo: lo, vaHi: hi, access, unprivileged });
    const context = tlbContext(this.controls, Regime.EL10);
    const asid = currentAsid(this.controls, Regime.EL10);
    const found = (this.controls.el1.sctlr & 1) === 0 ? -1 : tlb.lookup(context, lo, hi, asid);
    if (found >= 0) {
      if (!permits(tlb.permissions[found] ?? 0, access, unprivileged, false)) {
        return -1 - (0x0c | (tlb.level[found] ?? 0));
      }
      return (tlb.pa[found] ?? 0) + (lo & 0xfff);
    }
    if (!this.walker.translate(request, answer)) return -1 - faultStatusCode(answer);
    if ((this.controls.el1.sctlr & 1) !== 0) tlb.fill(context, lo, hi, asid, answer);
    return answer.pa;
  }

  override load(at: Word64, width: Width | 8, out: Word64): Fault {
    const to = this.own(at, Access.Read);
    return to === undefined ? Fault.Translation : super.load(to, width, out);
  }
  override store(at: Word64, width: Width | 8, lo: number, hi: number): Fault {
    const to = this.own(at, Access.Write);
    return to === undefined ? Fault.Translation : super.store(to, width, lo, hi);
  }
  override read(at: Word64, into: Uint8Array): Fault {
    const to = this.own(at, Access.Read);
    return to === undefined ? Fault.Translation : super.read(to, into);
  }
  override copy(to: Word64, from: Word64, bytes: number): Fault {
    const [write, read] = [this.own(to, Access.Write), this.own(from, Access.Read)];
    return write === undefined || read === undefined ? Fault.Translation : super.copy(write, read, bytes);
  }
  override write(at: Word64, from: Uint8Array): Fault {
    const to = this.own(at, Access.Write);
    return to === undefined ? Fault.Translation : super.write(to, from);
  }

  private own(at: Word64, access: Access): Word64 | undefined {
    const found = this.lookUp((BigInt(at.hi) << 32n) | BigInt(at.lo), access, false);
    return found < 0 ? undefined : { lo: found >>> 0, hi: Math.floor(found / 2 ** 32) };
  }

  private readControls(): void {
    const { el1 } = this.controls;
    const read = (name: string): Word64 => halves(this.get(name));
    el1.sctlr = read('SCTLR_EL1').lo;
    ({ lo: el1.tcrLo, hi: el1.tcrHi } = read('TCR_EL1'));
    ({ lo: el1.ttbr0Lo, hi: el1.ttbr0Hi } = read('TTBR0_EL1'));
    ({ lo: el1.ttbr1Lo, hi: el1.ttbr1Hi } = read('TTBR1_EL1'));
    ({ lo: el1.mairLo, hi: el1.mairHi } = read('MAIR_EL1'));
  }
}

/** A snapshot of a rig. */
export interface RigState {
  readonly memory: Uint8Array;
  readonly registers: ReadonlyMap<SystemRegister, bigint>;
  readonly tlb: TlbState;
  readonly pages: PageAllocatorState;
  readonly host: HostSpaceState;
  readonly shadow: ShadowState;
  readonly pc: number;
}

/** What an access of the guest ended in. */
export interface Outcome {
  readonly kind: 'done' | 'fault' | 'mmio' | 'traced';
  /** Physical address, guest's address of the device or table, or fault status code. */
  readonly value: number;
}

/** A virtual CPU on it. */
export class ShadowRig {
  readonly port: TranslatingPort = new TranslatingPort();
  readonly memory = new PhysicalMemory();
  pages = new PageAllocator(RAM + 0x2000, 2048);
  host: HostSpace;
  linear: LinearPort;
  shadow: ShadowMmu;
  readonly options: ShadowOptions;
  /** Pages of the guest for its tables. */
  readonly allocator: TableAllocator = createAllocator(GUEST_RAM + 8 * MIB, GUEST_RAM + GUEST_BYTES);
  /** What the guest's own CPU would find. */
  readonly oracle: {
    readonly controls: ReturnType<typeof createControls>;
    readonly walk: (va: bigint, access: Access, view: ShadowView) => Translation;
  };
  /** Where tables were written. */
  readonly written = new Set<number>();
  /** Faults that were resolved. */
  resolved = 0;
  /** PC of the guest, for what looks at it. */
  pc = 0;

  constructor(
    options: Partial<ShadowOptions> = {},
    { host, features = {} }: { host?: Partial<HostSpaceOptions>; features?: Partial<MmuFeatures> } = {},
  ) {
    const { port, memory, pages } = this;
    this.options = {
      variant: 'lazy',
      ram: [{ ipa: GUEST_RAM, pa: GUEST_AT, size: GUEST_BYTES }],
      vcpus: 1,
      features: { paBits: 40, ...features },
      ...options,
    };
    this.host = HostSpace.create(port, memory, pages, {
      page: pa(PAGE_AT),
      ranges: [{ base: RAM, size: 32 * MIB, kind: 'memory' }],
      paBits: 44,
      cpus: 1,
      ...host,
    });
    this.linear = new LinearPort(this.host, port);
    this.host.start(port);
    this.shadow = new ShadowMmu(this.host, memory, pages, this.options);
    const controls = createControls({ granule16k: false, ...this.options.features, el2: false });
    const walker = createWalker(controls, { read64: (at, out) => this.peek(at, out) });
    const request = createRequest();
    this.oracle = {
      controls,
      walk: (va, access, view) => {
        const { lo, hi } = halves(va);
        Object.assign(controls.el1, this.shadow.registers(0));
        Object.assign(request, { vaLo: lo, vaHi: hi, access, noUpdate: true });
        Object.assign(request, { unprivileged: view === 'user', pan: view === 'kernel-pan' });
        const out = createTranslation();
        walker.translate(request, out);
        return out;
      },
    };
  }

  /** All that a snapshot has. */
  save(): RigState {
    return {
      memory: Uint8Array.from(this.port.memory),
      registers: new Map(this.port.registers),
      tlb: saveTlb(this.port.tlb),
      pages: this.pages.save(),
      host: hostSpaceShape.check(this.host.save(), 'host'),
      shadow: shadowShape.check(this.shadow.save(), ''),
      pc: this.pc,
    };
  }

  /** Goes back to a snapshot, with new objects. */
  restore(state: RigState): void {
    this.port.memory.set(state.memory);
    for (const [register, value] of state.registers) this.port.registers.set(register, value);
    this.port.tlb = restoreTlb({ sets: 64, ways: 16 }, state.tlb);
    this.pages = new PageAllocator(RAM + 0x2000, 2048, state.pages);
    this.host = new HostSpace(this.pages, 1, state.host);
    this.linear = new LinearPort(this.host, this.port);
    this.shadow = new ShadowMmu(this.host, this.memory, this.pages, this.options, state.shadow);
    this.pc = state.pc;
  }

  /** Reads the guest's memory, by its address. */
  peek(at: number, out: Word64): Fault {
    if (at < GUEST_RAM || at >= GUEST_RAM + GUEST_BYTES) return Fault.Decode;
    // A table that hardware walks holds something else; the guest has what it wrote.
    Object.assign(out, halves(this.port.peek64(this.shadow.hostOf(at))));
    return Fault.None;
  }

  /** Writes it, as the guest's stores do that nobody sees. */
  poke(at: number, lo: number, hi: number): void {
    const value = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    this.port.poke64(this.shadow.hostOf(at), value);
  }

  /** The guest's tables for one range. */
  tables(granule: GranuleShift = 12, inputBits = 48): Tables {
    return createTables({
      store: {
        read64: (at, out) => void this.peek(at, out),
        write64: (at, lo, hi) => {
          this.poke(at, lo, hi);
          this.written.add(at);
        },
      },
      allocator: this.allocator,
      format: 'two-ranges',
      granule,
      inputBits,
    });
  }

  /** Sets the guest's registers: translation on, with these tables. */
  use(lower: Tables, upper: Tables = lower, { asid = 1, sctlr = 0x30d0_0805, tcrHi = 0x10 | 2 } = {}): void {
    const tg = { 12: [0, 2], 14: [2, 1], 16: [1, 3] } as const;
    const size = (tables: Tables): number => 64 - tables.inputBits;
    const granules = (tg[lower.granule][0] << 14) | (tg[upper.granule][1] << 30);
    Object.assign(this.shadow.registers(0), {
      sctlr,
      tcrLo: (size(lower) | (size(upper) << 16) | granules) >>> 0,
      tcrHi,
      ttbr0Lo: lower.root >>> 0,
      ttbr0Hi: (Math.floor(lower.root / 2 ** 32) | (asid << 16)) >>> 0,
      ttbr1Lo: upper.root >>> 0,
      ttbr1Hi: Math.floor(upper.root / 2 ** 32),
      mairLo: 0x0c44_00ff,
      mairHi: 0x0408_bb44,
    });
    this.shadow.changed(0);
  }

  /** An access of the guest until it is done, or is the guest's own affair. */
  access(va: bigint, access: Access, view: ShadowView): Outcome {
    const { port, shadow, linear } = this;
    port.put('ELR_EL1', this.pc);
    for (let i = 0; i < 16; i++) {
      shadow.enter(linear, 0, view);
      const found = port.lookUp(va, access, true);
      if (found >= 0) return { kind: 'done', value: found };
      const code = -1 - found;
      if (code >= 0x10) throw new Error(`the shadow is broken: fault status ${code}`);
      const answer = shadow.resolve(linear, 0, view, halves(va), access);
      this.resolved++;
      if (answer.kind === 'fault') return { kind: 'fault', value: answer.code };
      if (answer.kind !== 'filled') return { kind: answer.kind, value: answer.ipa };
    }
    throw new Error(`0x${va.toString(16)} faults for ever`);
  }

  /** What the guest's own CPU would make of it. */
  expected(va: bigint, access: Access, view: ShadowView): Outcome {
    const out = this.oracle.walk(va, access, view);
    if (out.fault !== 0) return { kind: 'fault', value: faultStatusCode(out) };
    const inside = out.ipa >= GUEST_RAM && out.ipa < GUEST_RAM + GUEST_BYTES;
    return inside
      ? { kind: 'done', value: out.ipa - GUEST_RAM + GUEST_AT }
      : { kind: 'mmio', value: out.ipa };
  }

  /** TLB maintenance of the guest. */
  tlbi(name: string, xt = 0n): void {
    const { lo, hi } = halves(xt);
    this.shadow.maintain(this.linear, 0, name, lo, hi);
  }

  /** A register of the hardware. */
  register(name: string): bigint {
    return this.port.registers.get(systemRegister(name)) ?? 0n;
  }
}

/** Xt of maintenance by address. */
export const xtOf = (va: bigint, asid = 0): bigint =>
  (BigInt(asid) << 48n) | ((va >> 12n) & 0xfff_ffff_ffffn);

/** Numbers that are always the same. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}
