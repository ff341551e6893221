// The address space of a hypervisor at EL1 beside its guests: its page, memory and devices in one hole of 512 GiB of the upper range,
// for itself alone, which is in every root (DDI 0487 D8.2, D17.2 TCR_EL1). One for all CPUs and all VMs.

import { createTables, Permission, tableDescriptor } from '@worldswitch/mmu';
import type { Tables } from '@worldswitch/mmu';
import { bits, list, record, SoftwareEntry, StateError, uint } from '@worldswitch/platform';
import type { CpuPort, Pa, Shape, Word64 } from '@worldswitch/platform';

import type { HostRange } from '../memory/host-map.ts';
import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { systemOperation, systemRegister } from '../names.ts';
import { Asids, asidsShape } from './asids.ts';
import type { AsidsState } from './asids.ts';
import { DEVICE, MAIR, WRITE_BACK } from './attributes.ts';
import { LinearPort } from './linear-port.ts';

/** Host memory. */
export type HostMemory = Readonly<{ pa: number; size: number }>;

/** What EL0 has in the hole while the guest's kernel runs, and at no other time: for code that was translated, of one virtual CPU. */
export type TranslatedCode = Readonly<{
  /** Readable and executable for EL0. */
  cache: HostMemory;
  /** Readable and writable for EL0. */
  state: HostMemory;
}>;

/** What the hypervisor's own address space has. */
export interface HostSpaceOptions {
  /** Of the software's page. */
  readonly page: Pa;
  /** Memory and devices, below 512 GiB. The page is added to them. */
  readonly ranges: readonly HostRange[];
  /** Of the CPU: 32, 36, 40, 42, 44 or 48. */
  readonly paBits: number;
  readonly cpus: number;
  /** Bits of an ASID that are used, 2 to 16: 16 unless given. */
  readonly asidBits?: number;
  /** SCTLR_EL1 bits 31:0 after `start`; everything that EL0 could do unseen is refused unless given. */
  readonly sctlr?: number;
  /** Of each guest, and each of its virtual CPUs: whole pages of at most 64 MiB each. */
  readonly translated?: readonly (readonly TranslatedCode[])[];
}

/** What one CPU's registers hold. */
type Loaded = Readonly<{
  ttbr0: number;
  asid: number;
  ttbr1: number;
  tcrHi: number;
  /** Slot of the hole; 512 before `start`. */
  hole: number;
}>;

/** The address space as plain data; its tables are in the machine's memory. */
export type HostSpaceState = Readonly<{
  page: number;
  paBits: number;
  sctlr: number;
  /** Table of level 1 of the hole. */
  table: number;
  /** The root with the hole alone, and one with nothing. */
  root: number;
  empty: number;
  /** The hole as each guest's kernel has it, where that is another. */
  kernels: readonly Readonly<{ table: number; cpus: readonly TranslatedCode[] }>[];
  asids: AsidsState;
  loaded: readonly Loaded[];
}>;

const address = uint(2 ** 48 - PAGE);

/** Log2 of the bytes between what one virtual CPU has in the hole and what the next has, and of how many there are. */
const [EACH, MOST_CPUS] = [26, 3];
const memoryShape = record<HostMemory>({ pa: address, size: uint(2 ** EACH) });
const codeShape = record<TranslatedCode>({ cache: memoryShape, state: memoryShape });

const shape = record<HostSpaceState>({
  page: address,
  paBits: uint(48),
  sctlr: bits(),
  table: address,
  root: address,
  empty: address,
  kernels: list(record({ table: address, cpus: list(codeShape, 1, 2 ** MOST_CPUS) }), 0, 4096),
  asids: asidsShape,
  loaded: list(
    record<Loaded>({
      ttbr0: address,
      asid: uint(65535),
      ttbr1: address,
      tcrHi: bits(),
      hole: uint(512),
    }),
    1,
    4096,
  ),
});

/** Checks a saved address space. */
export const hostSpaceShape: Shape<HostSpaceState> = {
  check(from, path) {
    const state = shape.check(from, path);
    for (const field of ['page', 'table', 'root', 'empty'] as const) {
      if (state[field] % PAGE !== 0) throw new StateError(`${path}.${field}`, 'must be a page');
    }
    if (!SIZES.includes(state.paBits))
      throw new StateError(`${path}.paBits`, `must be of ${SIZES.join(', ')}`);
    if (state.asids.running.length !== state.loaded.length) {
      throw new StateError(`${path}.asids.running`, 'must have one for each CPU');
    }
    return state;
  },
};

const SIZES: readonly number[] = [32, 36, 40, 42, 44, 48];
/** Slot of the hole in a table of level 0, unless the guest has something there: 0xffff_f000_0000_0000. */
export const HOLE = 0x1e0;
/** Log2 of the bytes of the hole. */
export const HOLE_SHIFT = 39;
/** In the hole, above all memory: translated code, and its state. */
const CACHE_AT = 0x7f_c000_0000;
const STATE_AT = 0x7f_e000_0000;
const NOT_STARTED = 512;
/** PSTATE: EL1 with its own stack pointer, debug exceptions alone masked. */
const EL1H_UNMASKED = 0x205;
/** EOS, TSCXT, EIS, SPAN, nTLSMD and LSMAOE are RES1; M, C, I. All that EL0 may be refused is refused. */
const SCTLR = 0x30d0_0800 | 0x1000 | 4 | 1;
/** Both ranges have 48 bits and pages of 4 KiB; walks are Write-Back and Inner Shareable. */
const TCR = 16 | (16 << 16) | 0x3500 | (0x35 << 24) | (2 << 30);
/** AS. */
const TCR_HI = 1 << 4;
const { PrivilegedRead, PrivilegedWrite, PrivilegedExecute } = Permission;
const { UnprivilegedRead, UnprivilegedWrite, UnprivilegedExecute } = Permission;

const MAIR_EL1 = systemRegister('MAIR_EL1');
const TCR_EL1 = systemRegister('TCR_EL1');
const TTBR0_EL1 = systemRegister('TTBR0_EL1');
const TTBR1_EL1 = systemRegister('TTBR1_EL1');
const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const VBAR_EL1 = systemRegister('VBAR_EL1');
const ELR_EL1 = systemRegister('ELR_EL1');
const SPSR_EL1 = systemRegister('SPSR_EL1');
const VMALLE1 = systemOperation('TLBI VMALLE1');
const DSB_ISH = systemOperation('DSB ISH');
const ISB = systemOperation('ISB');

/** The tables of a hole: memory and devices where they are, for the hypervisor alone. */
function holeTables(
  port: CpuPort,
  memory: PhysicalMemory,
  pages: PageAllocator,
  { page, ranges }: HostSpaceOptions,
): Tables {
  const tables = createTables({
    store: {
      read64: (at, out) => void memory.load(port, at as Pa, 8, out),
      write64: (at, lo, hi) => void memory.store(port, at as Pa, 8, lo, hi),
    },
    allocator: pages,
    format: 'two-ranges',
    inputBits: HOLE_SHIFT,
  });
  const own: HostRange = { base: page, size: PAGE, kind: 'memory', execute: true };
  for (const { base, size, kind, execute } of [...ranges, own]) {
    const permissions = PrivilegedRead | PrivilegedWrite | (execute === true ? PrivilegedExecute : 0);
    const attributes = { index: kind === 'memory' ? WRITE_BACK : DEVICE };
    tables.map({ va: base, pa: base, size, permissions, attributes });
  }
  return tables;
}

/** The same with what a guest's kernel has there: the table. */
function kernelTable(
  port: CpuPort,
  memory: PhysicalMemory,
  pages: PageAllocator,
  options: HostSpaceOptions,
  translated: readonly TranslatedCode[],
): number {
  const most = 2 ** MOST_CPUS;
  if (translated.length > most) throw new RangeError(`a guest has ${most} translated virtual CPUs at most`);
  const tables = holeTables(port, memory, pages, options);
  // Never global: the guest's user code has the same addresses and nothing there.
  const attributes = { index: WRITE_BACK, global: false };
  const reads = PrivilegedRead | UnprivilegedRead;
  translated.forEach(({ cache, state }, i) => {
    const by = i * 2 ** EACH;
    tables.map({ va: CACHE_AT + by, ...cache, permissions: reads | UnprivilegedExecute, attributes });
    const writes = PrivilegedWrite | UnprivilegedWrite;
    tables.map({ va: STATE_AT + by, ...state, permissions: reads | writes, attributes });
  });
  return tables.root;
}

/** What a guest is entered with. */
export interface GuestRoots {
  readonly ttbr0: number;
  readonly asid: number;
  readonly ttbr1: number;
  /** Slot of the hole in the upper root. */
  readonly hole: number;
  /** TBI0 and TBI1, in their places in the upper half of TCR_EL1. */
  readonly topByteIgnored: number;
}

/** The hypervisor's own address space, and what each CPU's registers hold. */
export class HostSpace {
  /** ASIDs of all VMs. */
  readonly asids: Asids;
  private readonly page: number;
  private readonly paBits: number;
  private readonly sctlr: number;
  private readonly table: number;
  private readonly root: number;
  private readonly empty: number;
  private readonly kernels: HostSpaceState['kernels'];
  private readonly loaded: Loaded[];
  /** Counts what each CPU was loaded with. */
  private readonly loads: Uint32Array;

  /**
   * Restores one; `HostSpace.create` makes a new one.
   *
   * @param pages - whose pages the tables are
   * @param cpus - how many CPUs there are
   * @param state - what `save` returned, checked
   */
  constructor(pages: PageAllocator, cpus: number, state: HostSpaceState) {
    for (const field of ['table', 'root', 'empty'] as const) {
      if (!pages.owns(state[field], PAGE))
        throw new StateError(field, 'must be a table that its owner has allocated');
    }
    if (state.loaded.length !== cpus) throw new StateError('loaded', `must have ${cpus} elements`);
    ({ page: this.page, paBits: this.paBits, sctlr: this.sctlr } = state);
    ({ table: this.table, root: this.root, empty: this.empty } = state);
    this.asids = new Asids(state.asids);
    state.kernels.forEach(({ table }, i) => {
      if (!pages.owns(table, PAGE))
        throw new StateError(`kernels[${i}].table`, 'must be a table that its owner has allocated');
    });
    this.kernels = state.kernels;
    this.loaded = [...state.loaded];
    this.loads = new Uint32Array(cpus);
  }

  /**
   * Makes the tables, with translation off.
   *
   * @param port - of any CPU
   */
  static create(
    port: CpuPort,
    memory: PhysicalMemory,
    pages: PageAllocator,
    options: HostSpaceOptions,
  ): HostSpace {
    const tables = holeTables(port, memory, pages, options);
    const { page, paBits, cpus, translated = [] } = options;
    const kernels = translated.map((own) => ({
      table: kernelTable(port, memory, pages, options, own),
      cpus: own.map(({ cache, state }) => ({ cache: { ...cache }, state: { ...state } })),
    }));
    const [root, empty] = [pages.allocate(PAGE), pages.allocate(PAGE)];
    memory.zero(port, root as Pa, PAGE);
    memory.zero(port, empty as Pa, PAGE);
    const { lo, hi } = tableDescriptor(tables.root);
    // Slot 0 is the identity, for the way up alone.
    memory.store(port, root as Pa, 8, lo, hi);
    memory.store(port, (root + HOLE * 8) as Pa, 8, lo, hi);
    const asidBits = options.asidBits ?? 16;
    const off: Loaded = { ttbr0: 0, asid: 0, ttbr1: 0, tcrHi: 0, hole: NOT_STARTED };
    const running = Array.from({ length: cpus }, () => 0);
    return new HostSpace(pages, cpus, {
      page,
      paBits,
      sctlr: (options.sctlr ?? SCTLR) >>> 0,
      table: tables.root,
      root,
      empty,
      kernels,
      asids: { bits: asidBits, generation: 1, next: 1, running },
      loaded: running.map(() => off),
    });
  }

  /**
   * The descriptor of the hole's table, for a slot of a root.
   *
   * @param kernel - for a root of the guest's kernel
   * @param guest - which guest's, by its number in `translated`
   */
  hole(kernel: boolean, guest = 0): Readonly<{ lo: number; hi: number }> {
    return tableDescriptor((kernel ? this.kernels[guest]?.table : undefined) ?? this.table);
  }

  /** Where a virtual CPU's translated code is for EL0 in what this CPU has loaded, while that is the guest's kernel. */
  cacheAddress(cpu: number, vcpu = 0): Word64 {
    return this.inHole(cpu, CACHE_AT + vcpu * 2 ** EACH);
  }

  /** Where its state is. */
  stateAddress(cpu: number, vcpu = 0): Word64 {
    return this.inHole(cpu, STATE_AT + vcpu * 2 ** EACH);
  }

  /** What a CPU's virtual addresses of the hypervisor are above physical ones: bits 63:32. */
  offsetHi(cpu: number): number {
    const hole = this.loaded[cpu]?.hole ?? NOT_STARTED;
    return hole === NOT_STARTED ? 0 : (0xffff_0000 | (hole << (HOLE_SHIFT - 32))) >>> 0;
  }

  /** Translation on, on this CPU: physical addresses were virtual ones before, and are in the hole now. */
  start(port: CpuPort): void {
    const tcrHi = this.tcrHi(0);
    port.writeSystem(MAIR_EL1, ...MAIR);
    port.writeSystem(TCR_EL1, TCR >>> 0, tcrHi);
    port.writeSystem(TTBR0_EL1, this.root >>> 0, Math.floor(this.root / 2 ** 32));
    port.writeSystem(TTBR1_EL1, this.root >>> 0, Math.floor(this.root / 2 ** 32));
    port.operate(DSB_ISH);
    port.operate(VMALLE1);
    port.operate(DSB_ISH);
    port.operate(ISB);
    port.writeSystem(SCTLR_EL1, this.sctlr, 0);
    port.operate(ISB);
    // From here the code is in the hole, and the identity goes.
    this.loaded[port.index] = { ttbr0: this.root, asid: 0, ttbr1: this.root, tcrHi, hole: HOLE };
    this.writeVectors(port);
    this.idle(port);
    port.operate(VMALLE1);
    port.operate(DSB_ISH);
    port.operate(ISB);
  }

  /** The next ERET goes to where software waits, in the hole: after `start` this CPU is still where its page was before. */
  leaveToWait(port: CpuPort): void {
    const high = Math.floor(this.page / 2 ** 32) + this.offsetHi(port.index);
    port.writeSystem(ELR_EL1, (this.page >>> 0) + SoftwareEntry.wait, high >>> 0);
    port.writeSystem(SPSR_EL1, EL1H_UNMASKED, 0);
  }

  /** The hypervisor's tables alone: no guest is on this CPU. */
  idle(port: CpuPort): void {
    this.load(port, { ttbr0: this.empty, asid: 0, ttbr1: this.root, hole: HOLE, topByteIgnored: 0 });
  }

  /** Loads a guest's roots, where they are not loaded. */
  load(port: CpuPort, roots: GuestRoots): void {
    const { ttbr0, asid, ttbr1, hole, topByteIgnored } = roots;
    const before = this.loaded[port.index];
    if (before === undefined || before.hole === NOT_STARTED) throw new RangeError('this CPU was not started');
    const tcrHi = this.tcrHi(topByteIgnored);
    this.loads[port.index] = (this.loads[port.index] ?? 0) + 1;
    const same = before.ttbr0 === ttbr0 && before.asid === asid;
    if (same && before.ttbr1 === ttbr1 && before.tcrHi === tcrHi && before.hole === hole) return;
    if (before.ttbr1 !== ttbr1 || before.tcrHi !== tcrHi) {
      // Nothing of the one may be walked with the ASID of the other.
      port.writeSystem(TTBR0_EL1, this.empty >>> 0, Math.floor(this.empty / 2 ** 32));
      port.operate(ISB);
      if (before.tcrHi !== tcrHi) port.writeSystem(TCR_EL1, TCR >>> 0, tcrHi);
      port.writeSystem(TTBR1_EL1, ttbr1 >>> 0, Math.floor(ttbr1 / 2 ** 32));
      port.operate(ISB);
    }
    port.writeSystem(TTBR0_EL1, ttbr0 >>> 0, (Math.floor(ttbr0 / 2 ** 32) | (asid << 16)) >>> 0);
    this.loaded[port.index] = { ttbr0, asid, ttbr1, tcrHi, hole };
    if (before.hole !== hole) {
      // The hole's translations are global: where it was, the guest has something now.
      this.writeVectors(port);
      port.operate(VMALLE1);
      port.operate(DSB_ISH);
    }
    port.operate(ISB);
  }

  /** Changes whenever this CPU is loaded with something. */
  loadsOf(cpu: number): number {
    return this.loads[cpu] ?? 0;
  }

  /** Its state, for `hostSpaceShape`. */
  save(): HostSpaceState {
    const { page, paBits, sctlr, table, root, empty, kernels } = this;
    const loaded = this.loaded.map((one) => ({ ...one }));
    return { page, paBits, sctlr, table, root, empty, kernels, asids: this.asids.save(), loaded };
  }

  /** A port of this CPU that takes physical addresses. */
  port(port: CpuPort): LinearPort {
    return new LinearPort(this, port);
  }

  private inHole(cpu: number, at: number): Word64 {
    return { lo: at >>> 0, hi: (this.offsetHi(cpu) + Math.floor(at / 2 ** 32)) >>> 0 };
  }

  private tcrHi(topByteIgnored: number): number {
    return TCR_HI | SIZES.indexOf(this.paBits) | topByteIgnored;
  }

  private writeVectors(port: CpuPort): void {
    const high = Math.floor(this.page / 2 ** 32) + this.offsetHi(port.index);
    port.writeSystem(VBAR_EL1, this.page >>> 0, high >>> 0);
  }
}
