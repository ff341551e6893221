// The page of virtual registers and the virtual CPU: what translated code has changed comes back at an exit, and what the hypervisor
// has changed goes there before the guest's kernel goes on.

import { bits, Fault, list, record, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, SystemRegister, Word64 } from '@worldswitch/platform';
import { systemRegister, virtualMpidr } from '@worldswitch/vmm';

import { high, low } from './address.ts';
import { pageRegisters, STATE_BYTES, StatePage, TABLE_ENTRIES, tableIndex } from './state-page.ts';

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
/** No address that an instruction has. */
const NOWHERE = 1;

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

/** What is known of a page's contents. */
export type RegisterPageState = Readonly<{ known: readonly number[]; daif: number; pending: number }>;

/** How it is checked. */
export const registerPageShape: Shape<RegisterPageState> = record<RegisterPageState>({
  known: list(bits(), 2 * slots.length),
  daif: bits(),
  pending: uint(1),
});

/** The page of one vCPU. */
export class VirtualRegisterPage {
  /** Its physical address, for the hypervisor. */
  private readonly pa: number;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };
  /** What is in the page, by slot, halves. */
  private readonly known: Uint32Array;
  private daif: number;
  private pending: number;

  constructor(pa: number, state?: RegisterPageState) {
    this.pa = pa;
    this.known = Uint32Array.from(state?.known ?? new Array<number>(2 * slots.length).fill(0));
    this.daif = state?.daif ?? 0;
    this.pending = state?.pending ?? 0;
  }

  /** As plain data. */
  save(): RegisterPageState {
    return { known: [...this.known], daif: this.daif, pending: this.pending };
  }

  /** A page as it is at first, with an empty table. */
  initialise(port: CpuPort): void {
    port.zero(this.place(0), STATE_BYTES);
    this.emptyTable(port);
    this.known.fill(0);
    this.daif = this.pending = 0;
    const { word } = this;
    for (const { offset, register, where } of slots) {
      if (where !== 'constant') continue;
      // The VM has one vCPU.
      if (register === MPIDR_EL1) Object.assign(word, { lo: virtualMpidr(0), hi: 0 });
      else port.readSystem(register, word);
      this.store(port, offset, 8, word.lo, word.hi);
    }
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

  /** No indirect branch finds its target. */
  emptyTable(port: CpuPort): void {
    for (let i = 0; i < TABLE_ENTRIES; i++) this.store(port, StatePage.TABLE + 16 * i, 8, NOWHERE, 0);
  }

  /** Indirect branches to an address of the guest find its code in the cache. */
  enterTable(port: CpuPort, pc: number, landing: number): void {
    const entry = StatePage.TABLE + 16 * tableIndex(pc);
    this.store(port, entry, 8, low(pc), high(pc));
    this.store(port, entry + 8, 8, low(landing), high(landing));
  }

  /** An exit: the virtual CPU has what the guest's kernel wrote. */
  arrive(port: CpuPort, cpu: VirtualRegisters): void {
    this.daif = this.load(port, StatePage.DAIF, 4).lo;
    cpu.daif = this.daif & 0x3c0;
    slots.forEach(({ offset, register, where, writable }, i) => {
      if (!writable) return;
      const { lo, hi } = this.load(port, offset, 8);
      this.known[2 * i] = lo;
      this.known[2 * i + 1] = hi;
      if (where === 'virtual') cpu.set(register, lo, hi);
      else if (where === 'sp') cpu.writeSp(port, 0, lo, hi);
      else port.writeSystem(register, lo, hi);
    });
  }

  /**
   * The guest's kernel goes on: the page has what the virtual CPU has.
   *
   * @param page - the page's address in the guest's address space
   * @param pending - an interrupt waits for it
   */
  depart(port: CpuPort, cpu: VirtualRegisters, page: Readonly<Word64>, pending: boolean): void {
    if (cpu.daif !== this.daif) this.store(port, StatePage.DAIF, 4, (this.daif = cpu.daif), 0);
    if (Number(pending) !== this.pending)
      this.store(port, StatePage.PENDING, 4, (this.pending = Number(pending)), 0);
    slots.forEach(({ offset, register, where }, i) => {
      if (where === 'constant') return;
      const { word, known } = this;
      if (where === 'virtual') {
        word.lo = cpu.get(register);
        word.hi = cpu.getHi(register);
      } else if (where === 'sp') cpu.readSp(port, 0, word);
      else port.readSystem(register, word);
      const { lo, hi } = word;
      if (known[2 * i] === lo && known[2 * i + 1] === hi) return;
      known[2 * i] = lo;
      known[2 * i + 1] = hi;
      this.store(port, offset, 8, lo, hi);
    });
    port.writeSystem(TPIDRRO_EL0, page.lo, page.hi);
  }

  /** The register that TPIDR_EL0 keeps. */
  stashed(port: CpuPort, out: Word64): void {
    port.readSystem(TPIDR_EL0, out);
  }
}

const gone = (): Error => new Error('the page of virtual registers is gone');
