// A vCPU whose kernel runs at EL0: its virtual exception level, PSTATE, system registers and banked stack pointers (DDI 0487 D1.2).

import { systemRegisters } from '@worldswitch/isa-core';
import { bits, flag, list, record, uint } from '@worldswitch/platform';
import type { CpuPort, Shape, SystemRegister, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import type { EventListener } from './guest-events.ts';
import { VirtualMonitors, virtualMonitorsShape } from './monitors.ts';
import type { VirtualMonitorsState } from './monitors.ts';

const SP_EL0 = systemRegister('SP_EL0');
const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const OSLSR_EL1 = systemRegister('OSLSR_EL1');
const MDSCR_EL1 = systemRegister('MDSCR_EL1');
const CNTFRQ_EL0 = systemRegister('CNTFRQ_EL0');

/** MDSCR_EL1 fields. */
const [SS, KDE, MDE] = [1, 1 << 13, 1 << 15];
/** SCTLR_EL1 out of reset: the RES1 bits, and SED and ITD; MMU and caches off. */
const RESET_SCTLR = 0x30d0_0980;
/** All of D, A, I and F, as SPSR_ELx has them. */
export const MASKED = 0x3c0;

/** The registers that are this vCPU's while it is on no CPU, halves: X0 to X30, V0 to V31, and these. */
const LIVE = ['SP_EL0', 'TPIDR_EL0', 'TPIDRRO_EL0', 'ELR_EL1', 'SPSR_EL1', 'FPCR', 'FPSR'] as const;
const live: readonly SystemRegister[] = LIVE.map(systemRegister);
/** PC and hardware PSTATE, and their places among them. */
const parked = [
  [3, systemRegister('ELR_EL1')],
  [4, systemRegister('SPSR_EL1')],
] as const;

/** What is saved. */
export type VirtualCpuState = Readonly<{
  on: boolean;
  waiting: boolean;
  level: number;
  spSel: number;
  daif: number;
  system: readonly number[];
  sp: readonly number[];
  general: readonly number[];
  vectors: readonly number[];
  live: readonly number[];
  monitors: VirtualMonitorsState;
}>;

/** How it is checked. */
export const virtualCpuShape: Shape<VirtualCpuState> = record<VirtualCpuState>({
  on: flag,
  waiting: flag,
  level: uint(1),
  spSel: uint(1),
  daif: bits(MASKED),
  system: list(bits(), 2 * systemRegisters.length),
  sp: list(bits(), 4),
  general: list(bits(), 62),
  vectors: list(bits(), 128),
  live: list(bits(), 2 * LIVE.length),
  monitors: virtualMonitorsShape,
});

/** SPSR_EL1.M and nRW of a vCPU that is on no CPU: 0 is EL0 in AArch64 state. */
export const guestMode = (live: readonly number[]): number => (live[2 * LIVE.indexOf('SPSR_EL1')] ?? 0) & 31;

/** One of a VM's CPUs. */
export class VirtualCpu {
  /** Its number among all of the host's. */
  readonly id: number;
  /** The number of its VM, and its own in that. */
  readonly vm: number;
  readonly index: number;
  /** Switched on, as PSCI sees it. */
  on: boolean;
  /** It executed WFI and nothing has come since. */
  waiting: boolean;
  /** The virtual exception level, 0 or 1, PSTATE.SP and PSTATE.DAIF (in SPSR's place). */
  level: number;
  spSel: number;
  daif: number;
  /** Is told of the guest's architectural events, if anybody is. */
  events: EventListener | undefined;
  /** Virtual system registers, halves, by their handles. */
  readonly system: Uint32Array;
  readonly monitors: VirtualMonitors;
  /** SP_EL0 and SP_EL1, halves; the current one is in the hardware's SP_EL0. */
  private readonly sp: Uint32Array;
  private readonly general: Uint32Array;
  private readonly vectors: Uint32Array;
  private readonly live: Uint32Array;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(id: number, vm: number, index: number, state?: VirtualCpuState) {
    this.id = id;
    this.vm = vm;
    this.index = index;
    this.on = state?.on ?? false;
    this.waiting = state?.waiting ?? false;
    this.level = state?.level ?? 1;
    this.spSel = state?.level === 0 ? 0 : (state?.spSel ?? 1);
    this.daif = state?.daif ?? MASKED;
    this.system = Uint32Array.from(state?.system ?? new Array<number>(2 * systemRegisters.length).fill(0));
    this.sp = Uint32Array.from(state?.sp ?? [0, 0, 0, 0]);
    this.general = Uint32Array.from(state?.general ?? new Array<number>(62).fill(0));
    this.vectors = Uint32Array.from(state?.vectors ?? new Array<number>(128).fill(0));
    this.live = Uint32Array.from(state?.live ?? new Array<number>(2 * LIVE.length).fill(0));
    this.monitors = new VirtualMonitors(this, state?.monitors);
  }

  /** The registers of a CPU that comes out of reset at an address. It must be on no CPU. */
  reset(entry: bigint, x0: bigint): void {
    for (const each of [this.sp, this.general, this.vectors, this.live]) each.fill(0);
    const frequency = this.get(CNTFRQ_EL0);
    this.system.fill(0);
    this.set(CNTFRQ_EL0, frequency, 0);
    this.set(SCTLR_EL1, RESET_SCTLR, 0);
    // OSLSR_EL1.OSLK: the OS lock is set out of reset; OSLM says that there is one.
    this.set(OSLSR_EL1, 0xa, 0);
    this.monitors.reset();
    this.level = this.spSel = 1;
    this.daif = MASKED;
    this.general[0] = Number(x0 & 0xffff_ffffn);
    this.general[1] = Number(x0 >> 32n);
    this.live[6] = Number(entry & 0xffff_ffffn);
    this.live[7] = Number(entry >> 32n);
    this.on = true;
    this.waiting = false;
  }

  /** The lower half of a virtual system register. */
  get(register: SystemRegister): number {
    return this.system[2 * register] ?? 0;
  }
  /** Its upper half. */
  getHi(register: SystemRegister): number {
    return this.system[2 * register + 1] ?? 0;
  }
  set(register: SystemRegister, lo: number, hi: number): void {
    this.system[2 * register] = lo;
    this.system[2 * register + 1] = hi;
  }

  /** Software step is on: MDSCR_EL1.SS. */
  get stepping(): boolean {
    return (this.get(MDSCR_EL1) & SS) !== 0;
  }

  /** Its kernel is debugged, as PSTATE.D allows: MDSCR_EL1.KDE with SS or MDE. */
  get debugsKernel(): boolean {
    const mdscr = this.get(MDSCR_EL1);
    return (mdscr & KDE) !== 0 && (mdscr & (SS | MDE)) !== 0;
  }

  /** The stack pointer that is in the hardware: 0 or 1. */
  private get current(): number {
    return this.level & this.spSel;
  }

  /** A stack pointer by its bank. */
  readSp(port: CpuPort, bank: number, out: Word64): void {
    if (bank === this.current) port.readSystem(SP_EL0, out);
    else {
      out.lo = this.sp[2 * bank] ?? 0;
      out.hi = this.sp[2 * bank + 1] ?? 0;
    }
  }
  /** The stack pointer of a bank that is not in the hardware; undefined for the one that is. */
  storedSp(bank: number): readonly [lo: number, hi: number] | undefined {
    if (bank === this.current) return undefined;
    return [this.sp[2 * bank] ?? 0, this.sp[2 * bank + 1] ?? 0];
  }
  writeSp(port: CpuPort, bank: number, lo: number, hi: number): void {
    if (bank === this.current) port.writeSystem(SP_EL0, lo, hi);
    else {
      this.sp[2 * bank] = lo;
      this.sp[2 * bank + 1] = hi;
    }
  }

  /** Another virtual level or stack pointer: the banks swap where that is another one. */
  setMode(port: CpuPort, level: number, spSel: number): void {
    const before = this.current;
    this.level = level;
    this.spSel = spSel;
    const after = this.current;
    if (before === after) return;
    port.readSystem(SP_EL0, this.word);
    this.sp[2 * before] = this.word.lo;
    this.sp[2 * before + 1] = this.word.hi;
    port.writeSystem(SP_EL0, this.sp[2 * after] ?? 0, this.sp[2 * after + 1] ?? 0);
  }

  /** It leaves the CPU: general registers and those that EL0 itself has. What was moved, in registers. */
  unload(port: CpuPort): number {
    const { word } = this;
    for (let n = 0; n < 31; n++) {
      port.readX(n, word);
      this.general[2 * n] = word.lo;
      this.general[2 * n + 1] = word.hi;
    }
    for (let n = 0; n < 32; n++) port.readV(n, this.vectors.subarray(4 * n, 4 * n + 4));
    live.forEach((register, i) => {
      port.readSystem(register, word);
      this.live[2 * i] = word.lo;
      this.live[2 * i + 1] = word.hi;
    });
    return 63 + live.length;
  }

  /** It comes to a CPU that has none. */
  load(port: CpuPort): number {
    const { general, vectors } = this;
    for (let n = 0; n < 31; n++) port.writeX(n, general[2 * n] ?? 0, general[2 * n + 1] ?? 0);
    for (let n = 0; n < 32; n++) port.writeV(n, vectors.subarray(4 * n, 4 * n + 4));
    live.forEach((register, i) => {
      port.writeSystem(register, this.live[2 * i] ?? 0, this.live[2 * i + 1] ?? 0);
    });
    return 63 + live.length;
  }

  /** Only what an interrupt of the hypervisor's own would destroy: PC and hardware PSTATE. */
  park(port: CpuPort): void {
    for (const [i, register] of parked) {
      port.readSystem(register, this.word);
      this.live[2 * i] = this.word.lo;
      this.live[2 * i + 1] = this.word.hi;
    }
  }
  /** The counterpart of `park`. */
  unpark(port: CpuPort): void {
    for (const [i, register] of parked)
      port.writeSystem(register, this.live[2 * i] ?? 0, this.live[2 * i + 1] ?? 0);
  }

  /** As plain data. */
  save(): VirtualCpuState {
    return {
      on: this.on,
      waiting: this.waiting,
      level: this.level,
      spSel: this.spSel,
      daif: this.daif,
      system: Array.from(this.system),
      sp: Array.from(this.sp),
      general: Array.from(this.general),
      vectors: Array.from(this.vectors),
      live: Array.from(this.live),
      monitors: this.monitors.save(),
    };
  }
}
