// The page of virtual registers and the virtual CPU: what translated code has changed comes back at an exit, and what the hypervisor
// has changed goes there before the guest's kernel goes on.

import { bits, Fault, flag, list, record, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, SystemRegister, Word64 } from '@worldswitch/platform';
import { systemRegister, virtualMpidr } from '@worldswitch/vmm';

import { high, low } from './address.ts';
import {
  CONTEXTS,
  pageRegisters,
  STATE_BYTES,
  StatePage,
  TABLE_BYTES,
  TABLE_ENTRIES,
  tableIndex,
} from './state-page.ts';

/** What is asked of a virtual CPU. */
export interface VirtualRegisters {
  /** PSTATE.DAIF, in SPSR's place. */
  daif: number;
  get(register: SystemRegister): number;
  getHi(register: SystemRegister): number;
  set(register: SystemRegister, lo: number, hi: number): void;
  /** A stack pointer by its bank; 0 is not the current one. */
  readSp(port: CpuPort, bank: number, out: Word64): void;
  writeSp(port: CpuPort, bank: number, lo: number, hi: number): void;
}

/** Registers that the hardware itself has while the hypervisor runs, and translated code uses for itself. */
const HARDWARE = new Set(['TPIDR_EL0', 'TPIDRRO_EL0']);
/** Identification that is the hardware's, and never another: it is in the page from the beginning. */
const CONSTANT = new Set(['MIDR_EL1', 'MPIDR_EL1', 'REVIDR_EL1', 'CTR_EL0']);
const MPIDR_EL1 = systemRegister('MPIDR_EL1');
const TPIDR_EL0 = systemRegister('TPIDR_EL0');
const TPIDRRO_EL0 = systemRegister('TPIDRRO_EL0');
/** In both halves: no number of a page, which has 52 bits. */
export const NO_PAGE = 0xffff_ffff;
/** In an empty entry of a table: an address that is looked for in another one. A guest may branch to any. */
const nowhere = (entry: number): number => 4 * ((entry + 1) % TABLE_ENTRIES);
const EMPTY_TABLE = emptyTable();
const tableOf = (context: number): number => StatePage.TABLE + context * TABLE_BYTES;

function emptyTable(): Uint8Array {
  const bytes = new Uint8Array(TABLE_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < TABLE_ENTRIES; i++) view.setUint32(16 * i, nowhere(i), true);
  return bytes;
}

interface Slot {
  readonly offset: number;
  readonly register: SystemRegister;
  readonly where: 'virtual' | 'hardware' | 'sp' | 'constant';
  readonly writable: boolean;
}

const placeOf = (name: string): Slot['where'] => {
  if (name === 'SP_EL0') return 'sp';
  if (CONSTANT.has(name)) return 'constant';
  return HARDWARE.has(name) ? 'hardware' : 'virtual';
};

const slots: readonly Slot[] = pageRegisters.map(({ name, offset, writable }) => ({
  offset,
  register: systemRegister(name),
  where: placeOf(name),
  writable,
}));

/** They come first. */
const WRITABLE = slots.filter(({ writable }) => writable).length;

/** What is known of a page's contents. */
export type RegisterPageState = Readonly<{
  known: readonly number[];
  daif: number;
  pending: number;
  inUse: boolean;
  /** Number of the page that is flushed, halves. */
  flushed: readonly number[];
  /** Number of the page that nothing is known of, halves. */
  unshadowed: readonly number[];
}>;

/** How it is checked. */
export const registerPageShape: Shape<RegisterPageState> = record<RegisterPageState>({
  known: list(bits(), 2 * slots.length),
  daif: bits(),
  pending: uint(1),
  inUse: flag,
  flushed: list(bits(), 2),
  unshadowed: list(bits(), 2),
});

/** The page of one vCPU. */
export class VirtualRegisterPage {
  /** Its physical address, for the hypervisor. */
  private readonly pa: number;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };
  /** DAIF to the last register that translated code writes. */
  private readonly bytes = new Uint8Array(StatePage.REGISTERS + 8 * WRITABLE);
  private readonly view = new DataView(this.bytes.buffer);
  /** What is in the page, by slot, halves. */
  private readonly known: Uint32Array;
  private daif: number;
  private pending: number;
  /** The guest's kernel runs from the cache, and the page has what is newest. */
  inUse: boolean;
  /** The number of the vCPU in its VM. */
  private readonly vcpu: number;
  private readonly nowFlushed: Word64;
  private readonly nowUnshadowed: Word64;
  /** The guest's. */
  context = 0;

  constructor(pa: number, state?: RegisterPageState, vcpu = 0) {
    this.pa = pa;
    this.vcpu = vcpu;
    this.known = Uint32Array.from(state?.known ?? new Array<number>(2 * slots.length).fill(0));
    this.daif = state?.daif ?? 0;
    this.pending = state?.pending ?? 0;
    this.inUse = state?.inUse ?? false;
    const [lo = NO_PAGE, hi = NO_PAGE] = state?.flushed ?? [];
    this.nowFlushed = { lo, hi };
    const [unLo = NO_PAGE, unHi = NO_PAGE] = state?.unshadowed ?? [];
    this.nowUnshadowed = { lo: unLo, hi: unHi };
  }

  /** As plain data. */
  save(): RegisterPageState {
    const { known, daif, pending, inUse, nowFlushed, nowUnshadowed } = this;
    return {
      known: [...known],
      daif,
      pending,
      inUse,
      flushed: [nowFlushed.lo, nowFlushed.hi],
      unshadowed: [nowUnshadowed.lo, nowUnshadowed.hi],
    };
  }

  /** A page as it is at first, with empty tables. */
  initialise(port: CpuPort): void {
    port.zero(this.place(0), STATE_BYTES);
    for (let context = 0; context < CONTEXTS; context++) this.emptyTable(port, context);
    this.known.fill(0);
    this.daif = this.pending = 0;
    this.nowFlushed.lo = this.nowUnshadowed.lo = 0;
    this.flushed(port, NO_PAGE, NO_PAGE);
    this.unshadowed(port, NO_PAGE, NO_PAGE);
    const { word } = this;
    for (const { offset, register, where } of slots) {
      if (where !== 'constant') continue;
      if (register === MPIDR_EL1) Object.assign(word, { lo: virtualMpidr(this.vcpu), hi: 0 });
      else port.readSystem(register, word);
      this.store(port, offset, 8, word.lo, word.hi);
    }
  }

  /** The guest is in another context from now on. */
  select(context: number): void {
    this.context = context;
  }

  private place(offset: number): Word64 {
    this.at.lo = low(this.pa + offset);
    this.at.hi = high(this.pa + offset);
    return this.at;
  }

  private load(port: CpuPort, offset: number, width: 4 | 8): Word64 {
    if (port.load(this.place(offset), width, this.word) !== Fault.None) throw gone();
    return this.word;
  }
  private store(port: CpuPort, offset: number, width: 4 | 8, lo: number, hi: number): void {
    if (port.store(this.place(offset), width, lo, hi) !== Fault.None) throw gone();
  }

  /** A register that a sequence keeps in the page. */
  kept(port: CpuPort, offset: number, out: Word64): void {
    const { lo, hi } = this.load(port, offset, 8);
    out.lo = lo;
    out.hi = hi;
  }

  /** No indirect branch of a context finds its target. */
  emptyTable(port: CpuPort, context: number): void {
    if (port.write(this.place(tableOf(context)), EMPTY_TABLE) !== Fault.None) throw gone();
  }

  /** Indirect branches to an address of the guest find its code in the cache. */
  enterTable(port: CpuPort, pc: number, landing: number): void {
    const entry = tableOf(this.context) + 16 * tableIndex(low(pc));
    this.store(port, entry, 8, low(pc), high(pc));
    this.store(port, entry + 8, 8, low(landing), high(landing));
  }

  /** A page is flushed, by its number; none is with `NO_PAGE`. */
  flushed(port: CpuPort, lo: number, hi: number): void {
    const { nowFlushed } = this;
    if (nowFlushed.lo === lo && nowFlushed.hi === hi) return;
    nowFlushed.lo = lo;
    nowFlushed.hi = hi;
    this.store(port, StatePage.FLUSHED, 8, lo, hi);
  }

  /** Nothing is known of a page, by what TLBI says of it; of none with `NO_PAGE`. */
  unshadowed(port: CpuPort, lo: number, hi: number): void {
    const { nowUnshadowed } = this;
    if (nowUnshadowed.lo === lo && nowUnshadowed.hi === hi) return;
    nowUnshadowed.lo = lo;
    nowUnshadowed.hi = hi;
    this.store(port, StatePage.UNSHADOWED, 8, lo, hi);
  }

  /** That it is. */
  isUnshadowed({ lo, hi }: Readonly<Word64>): boolean {
    return this.nowUnshadowed.lo === lo && this.nowUnshadowed.hi === hi;
  }

  /** The page that is flushed is in the same GiB as another. TLBI has bits 43:0 of a number, and the halves differ in the highest. */
  isFlushedNear({ lo, hi }: Readonly<Word64>): boolean {
    const { nowFlushed } = this;
    return nowFlushed.lo >>> 18 === lo >>> 18 && (nowFlushed.hi & 0xfff) === (hi & 0xfff);
  }

  /** They do not any more. */
  leaveTable(port: CpuPort, pc: number, context: number): void {
    const entry = tableOf(context) + 16 * tableIndex(low(pc));
    const { lo, hi } = this.load(port, entry, 8);
    if (lo === low(pc) && hi === high(pc)) this.store(port, entry, 8, nowhere(tableIndex(low(pc))), 0);
  }

  /** An exit: the virtual CPU has what the guest's kernel wrote. */
  arrive(port: CpuPort, cpu: VirtualRegisters): void {
    this.inUse = false;
    if (port.read(this.place(0), this.bytes) !== Fault.None) throw gone();
    const { view, known } = this;
    this.daif = view.getUint32(StatePage.DAIF, true);
    cpu.daif = this.daif & 0x3c0;
    for (let i = 0; i < WRITABLE; i++) {
      const slot = slots[i];
      if (slot === undefined) return;
      const lo = view.getUint32(slot.offset, true);
      const hi = view.getUint32(slot.offset + 4, true);
      // What the page had before, the virtual CPU has.
      const changed = known[2 * i] !== lo || known[2 * i + 1] !== hi;
      known[2 * i] = lo;
      known[2 * i + 1] = hi;
      if (slot.where === 'hardware') port.writeSystem(slot.register, lo, hi);
      else if (!changed) continue;
      else if (slot.where === 'virtual') cpu.set(slot.register, lo, hi);
      else cpu.writeSp(port, 0, lo, hi);
    }
  }

  /**
   * The guest's kernel goes on: the page has what the virtual CPU has.
   *
   * @param page - the page's address in the guest's address space
   * @param pending - an interrupt waits for it
   */
  depart(port: CpuPort, cpu: VirtualRegisters, page: Readonly<Word64>, pending: boolean): void {
    this.inUse = true;
    if (cpu.daif !== this.daif) this.store(port, StatePage.DAIF, 4, (this.daif = cpu.daif), 0);
    if (Number(pending) !== this.pending)
      this.store(port, StatePage.PENDING, 4, (this.pending = Number(pending)), 0);
    const { word, known } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      if (slot === undefined || slot.where === 'constant') continue;
      if (slot.where === 'virtual') {
        word.lo = cpu.get(slot.register);
        word.hi = cpu.getHi(slot.register);
      } else if (slot.where === 'sp') cpu.readSp(port, 0, word);
      else port.readSystem(slot.register, word);
      const { lo, hi } = word;
      if (known[2 * i] === lo && known[2 * i + 1] === hi) continue;
      known[2 * i] = lo;
      known[2 * i + 1] = hi;
      this.store(port, slot.offset, 8, lo, hi);
    }
    port.writeSystem(TPIDRRO_EL0, page.lo, page.hi);
  }

  /** The register that TPIDR_EL0 keeps. */
  stashed(port: CpuPort, out: Word64): void {
    port.readSystem(TPIDR_EL0, out);
  }
}

const gone = (): Error => new Error('the page of virtual registers is gone');
