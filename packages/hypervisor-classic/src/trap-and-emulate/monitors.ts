// The performance monitors of a vCPU whose kernel runs at EL0 (PMUv3, DDI 0487 D7). What counts instructions and time is counted by the
// hardware, at EL0 alone and in the guest's virtual level alone; what happens virtually is counted here. Where the guest's are off, so are the hardware's.

import { systemRegisters } from '@worldswitch/isa-core';
import { bits, list, record, uint } from '@worldswitch/platform';
import type { CpuPort, InterruptLine, Shape, SystemRegister, Word64 } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

const handles = (pattern: RegExp): readonly SystemRegister[] =>
  systemRegisters.filter(({ name }) => pattern.test(name)).map(({ name }) => systemRegister(name));

/** Values and types of the event counters, by number. */
export const counterRegisters: readonly SystemRegister[] = handles(/^PMEVCNTR\d+_EL0$/);
export const typeRegisters: readonly SystemRegister[] = handles(/^PMEVTYPER\d+_EL0$/);

const pm = (name: string): SystemRegister => systemRegister(`PM${name}`);
interface MonitorHandles {
  readonly control: SystemRegister;
  /** Those that are set and cleared are what sets them. */
  readonly enable: SystemRegister;
  readonly disable: SystemRegister;
  readonly overflow: SystemRegister;
  readonly overflowClear: SystemRegister;
  readonly interrupts: SystemRegister;
  readonly interruptsOff: SystemRegister;
  readonly select: SystemRegister;
  readonly user: SystemRegister;
  readonly cycles: SystemRegister;
  readonly cycleFilter: SystemRegister;
}
/** Registers of the monitors. */
export const Pm: MonitorHandles = {
  control: pm('CR_EL0'),
  enable: pm('CNTENSET_EL0'),
  disable: pm('CNTENCLR_EL0'),
  overflow: pm('OVSSET_EL0'),
  overflowClear: pm('OVSCLR_EL0'),
  interrupts: pm('INTENSET_EL1'),
  interruptsOff: pm('INTENCLR_EL1'),
  select: pm('SELR_EL0'),
  user: pm('USERENR_EL0'),
  cycles: pm('CCNTR_EL0'),
  cycleFilter: pm('CCFILTR_EL0'),
};

/** PMCR_EL0 fields. */
export const Pmcr = { E: 1, P: 2, C: 4, D: 8, X: 16, DP: 32, LC: 64 } as const;
/** Bits of PMCR_EL0 that hold what is written. */
export const CONTROL: number = Pmcr.E | Pmcr.D | Pmcr.X | Pmcr.DP | Pmcr.LC;
/** The cycle counter's bit. */
const CYCLES = 0x8000_0000;
/** What there is of registers that have a bit for each counter. */
export const ALL_COUNTERS: number = (CYCLES | ((1 << counterRegisters.length) - 1)) >>> 0;
/** PMEVTYPER<n>_EL0 and PMCCFILTR_EL0: not at EL1, not at EL0, and the event. There is no EL2 and no EL3. */
const NOT_EL1 = 0x8000_0000;
const NOT_EL0 = 0x4000_0000;
export const FILTER: number = NOT_EL1 + NOT_EL0;
export const EVENT = 0x3ff;

/** Events (D7.10.3) that are no time of the guest's: what its software does, and what happens to its virtual level. */
export const MonitorEvent = {
  SW_INCR: 0x00,
  EXC_TAKEN: 0x09,
  EXC_RETURN: 0x0a,
  CID_WRITE_RETIRED: 0x0b,
  TTBR_WRITE_RETIRED: 0x1c,
  CHAIN: 0x1e,
} as const;
const virtual: ReadonlySet<number> = new Set(Object.values(MonitorEvent));
/** Those of the hardware's of which an exit and its emulation know. */
const [INST_RETIRED, CPU_CYCLES] = [0x08, 0x11];

const LOW = 0xffff_ffffn;
const TWO_64 = 1n << 64n;
const joined = (lo: number, hi: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);

/** What is saved besides the virtual registers. */
export type VirtualMonitorsState = Readonly<{
  /** The counters that are the hardware's now, and for which virtual level. */
  armed: number;
  level: number;
  /** Cycles that PMCR_EL0.D has not made a count of. */
  divider: number;
  /** What the hardware's cycle counter began with, halves. */
  start: readonly number[];
}>;

/** How it is checked. */
export const virtualMonitorsShape: Shape<VirtualMonitorsState> = record<VirtualMonitorsState>({
  armed: bits(ALL_COUNTERS),
  level: uint(1),
  divider: uint(63),
  start: list(bits(), 2),
});

/** The virtual registers of a vCPU. */
export interface MonitorRegisters {
  get(register: SystemRegister): number;
  getHi(register: SystemRegister): number;
  set(register: SystemRegister, lo: number, hi: number): void;
}

/** The hardware's monitors count what EL0 does, and nothing yet: the hypervisor is never counted. */
export function silenceMonitors(port: CpuPort): void {
  port.writeSystem(Pm.disable, 0xffff_ffff, 0);
  port.writeSystem(Pm.interruptsOff, 0xffff_ffff, 0);
  port.writeSystem(Pm.overflowClear, 0xffff_ffff, 0);
  port.writeSystem(Pm.cycleFilter, NOT_EL1, 0);
  port.writeSystem(Pm.control, Pmcr.E | Pmcr.LC, 0);
}

/** The monitors of one vCPU. */
export class VirtualMonitors {
  /** Some counter counts at some level. Nothing is to be done where none does. */
  counting = false;
  /** PMUIRQ. */
  line: InterruptLine | undefined;
  private readonly cpu: MonitorRegisters;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  /** Counters that count, by virtual level; those of them that are the hardware's; and those of retired instructions. */
  private readonly running: number[] = [0, 0];
  private readonly hardware: number[] = [0, 0];
  private readonly retiring: number[] = [0, 0];
  private armed: number;
  private level: number;
  private divider: number;
  private start: bigint;

  constructor(cpu: MonitorRegisters, state?: VirtualMonitorsState) {
    this.cpu = cpu;
    this.armed = state?.armed ?? 0;
    this.level = state?.level ?? 0;
    this.divider = state?.divider ?? 0;
    this.start = joined(state?.start[0] ?? 0, state?.start[1] ?? 0);
    this.changed();
  }

  /** As plain data. */
  save(): VirtualMonitorsState {
    const { armed, level, divider, start } = this;
    return { armed, level, divider, start: [Number(start & LOW), Number(start >> 32n)] };
  }

  /** As out of reset: the registers are. */
  reset(): void {
    this.armed = this.divider = 0;
    this.changed();
  }

  /** The wire of the interrupt. */
  connect(line: InterruptLine): void {
    this.line = line;
    this.drive();
  }

  private eventOf(n: number): number {
    const type = typeRegisters[n];
    return type === undefined ? CPU_CYCLES : this.cpu.get(type) & EVENT;
  }

  /** Registers have changed; `settle` came before. */
  changed(): void {
    const { cpu, running, hardware, retiring } = this;
    const enabled = (cpu.get(Pm.control) & Pmcr.E) === 0 ? 0 : cpu.get(Pm.enable);
    this.counting = enabled !== 0;
    for (const level of [0, 1]) {
      running[level] = hardware[level] = retiring[level] = 0;
      const unwanted = level === 0 ? NOT_EL0 : NOT_EL1;
      for (let left = enabled; left !== 0; left &= left - 1) {
        const n = 31 - Math.clz32(left & -left);
        const filter = cpu.get(typeRegisters[n] ?? Pm.cycleFilter);
        if ((filter & unwanted) !== 0) continue;
        const bit = (1 << n) >>> 0;
        const event = this.eventOf(n);
        running[level] = (running[level] | bit) >>> 0;
        if (!virtual.has(event)) hardware[level] = (hardware[level] | bit) >>> 0;
        if (event === INST_RETIRED) retiring[level] |= bit;
      }
    }
    this.drive();
  }

  /** What `armed` and `level` may be of these registers. */
  agrees(): boolean {
    return this.armed === 0 || this.armed === this.hardware[this.level];
  }

  /** The guest goes on at a virtual level: the hardware counts what it does there. */
  enter(port: CpuPort, level: number): void {
    if (!this.counting) return;
    const { armed, running } = this;
    if (armed === this.hardware[level] && (armed === 0 || running[level] === running[this.level])) return;
    this.settle(port);
    this.arm(port, level);
  }

  private arm(port: CpuPort, level: number): void {
    const { cpu } = this;
    const wanted = this.hardware[level] ?? 0;
    if (wanted === 0) return;
    counterRegisters.forEach((counter, n) => {
      if ((wanted & (1 << n)) === 0) return;
      port.writeSystem(typeRegisters[n] ?? counter, NOT_EL1 + this.eventOf(n), 0);
      port.writeSystem(counter, cpu.get(counter), 0);
    });
    if ((wanted & CYCLES) !== 0) {
      this.start = TWO_64 - this.untilOverflow();
      port.writeSystem(Pm.cycles, Number(this.start & LOW), Number((this.start >> 32n) & LOW));
    }
    let interrupts = cpu.get(Pm.interrupts);
    for (let n = 0; n < counterRegisters.length; n += 2) if (this.chains(n, level)) interrupts |= 1 << n;
    interrupts &= wanted;
    if (interrupts !== 0) port.writeSystem(Pm.interrupts, interrupts >>> 0, 0);
    port.writeSystem(Pm.enable, wanted, 0);
    this.armed = wanted;
    this.level = level;
  }

  /** The virtual registers have what was counted, and the hardware counts no more. */
  settle(port: CpuPort): void {
    const { armed, cpu, word, level } = this;
    if (armed === 0) return;
    this.armed = 0;
    port.writeSystem(Pm.disable, armed, 0);
    port.writeSystem(Pm.interruptsOff, armed, 0);
    port.readSystem(Pm.overflow, word);
    const over = word.lo & armed;
    if (over !== 0) port.writeSystem(Pm.overflowClear, over >>> 0, 0);
    // All values before any of them chains.
    counterRegisters.forEach((counter, n) => {
      if ((armed & (1 << n)) === 0) return;
      port.readSystem(counter, word);
      cpu.set(counter, word.lo, 0);
    });
    if ((armed & CYCLES) !== 0) this.settleCycles(port);
    for (let n = 0; n < counterRegisters.length; n++) if ((over & (1 << n)) !== 0) this.overflowed(n, level);
    this.drive();
  }

  /** An even counter overflows into the odd one behind it. */
  private chains(n: number, level: number): boolean {
    if ((n & 1) !== 0 || ((this.running[level] ?? 0) & (2 << n)) === 0) return false;
    return this.eventOf(n + 1) === MonitorEvent.CHAIN;
  }

  private overflowed(n: number, level: number): void {
    const { cpu } = this;
    cpu.set(Pm.overflow, (cpu.get(Pm.overflow) | (1 << n)) >>> 0, 0);
    if (this.chains(n, level)) this.add(n + 1, level);
  }

  /** One more, of a counter that is not the hardware's. */
  private add(n: number, level: number): void {
    const { cpu } = this;
    const counter = counterRegisters[n];
    if (counter === undefined) return;
    const value = (cpu.get(counter) + 1) >>> 0;
    cpu.set(counter, value, 0);
    if (value === 0) this.overflowed(n, level);
  }

  /** Something has happened to the guest at a virtual level. */
  happened(event: number, level: number, which: number = ALL_COUNTERS): void {
    for (let left = (this.running[level] ?? 0) & which & ~CYCLES; left !== 0; left &= left - 1) {
      const n = 31 - Math.clz32(left & -left);
      if (this.eventOf(n) === event) this.add(n, level);
    }
    this.drive();
  }

  /** An instruction was emulated, which the hardware has not retired. */
  retire(port: CpuPort, level: number): void {
    const { word } = this;
    for (let left = this.retiring[level] ?? 0; left !== 0; left &= left - 1) {
      const n = 31 - Math.clz32(left & -left);
      const counter = counterRegisters[n];
      if (counter === undefined) continue;
      if ((this.armed & (1 << n)) !== 0) {
        port.readSystem(counter, word);
        if (word.lo !== 0xffff_ffff) {
          port.writeSystem(counter, word.lo + 1, 0);
          continue;
        }
        this.settle(port);
      }
      this.add(n, level);
      this.drive();
    }
  }

  // ---- the cycle counter: the hardware's overflows when the virtual one does, whatever its length and divider

  private get long(): boolean {
    return (this.cpu.get(Pm.control) & Pmcr.LC) !== 0;
  }
  private get divided(): boolean {
    return (this.cpu.get(Pm.control) & (Pmcr.D | Pmcr.LC)) === Pmcr.D;
  }

  /** Cycles until it overflows. */
  private untilOverflow(): bigint {
    const { cpu } = this;
    if (this.long) return TWO_64 - joined(cpu.get(Pm.cycles), cpu.getHi(Pm.cycles));
    const left = (1n << 32n) - BigInt(cpu.get(Pm.cycles));
    return this.divided ? left * 64n - BigInt(this.divider) : left;
  }

  /** What PMCCNTR_EL0 is, and what is left for the divider, after so many cycles more. */
  private after(cycles: bigint): { readonly value: bigint; readonly left: bigint } {
    const { cpu } = this;
    const all = BigInt(this.divider) + cycles;
    const [amount, left] = this.divided ? [all >> 6n, all & 63n] : [cycles, BigInt(this.divider)];
    return { value: joined(cpu.get(Pm.cycles), cpu.getHi(Pm.cycles)) + amount, left };
  }

  /** Cycles since it was armed. */
  private elapsed(port: CpuPort): bigint {
    port.readSystem(Pm.cycles, this.word);
    return BigInt.asUintN(64, joined(this.word.lo, this.word.hi) - this.start);
  }

  private settleCycles(port: CpuPort): void {
    const { cpu } = this;
    const { value, left } = this.after(this.elapsed(port));
    const width = this.long ? 64n : 32n;
    const old = joined(cpu.get(Pm.cycles), cpu.getHi(Pm.cycles));
    this.divider = Number(left);
    cpu.set(Pm.cycles, Number(value & LOW), Number((value >> 32n) & LOW));
    if (value >> width !== old >> width) cpu.set(Pm.overflow, (cpu.get(Pm.overflow) | CYCLES) >>> 0, 0);
  }

  /** PMCR_EL0.C; `settle` came before. */
  resetCycles(): void {
    this.cpu.set(Pm.cycles, 0, 0);
    this.divider = 0;
  }

  // ---- what MRS shows: all that was before it. The cycle of the exit is its own, and so is what retired for it

  readCycles(port: CpuPort, out: Word64): void {
    const { cpu } = this;
    out.lo = cpu.get(Pm.cycles);
    out.hi = cpu.getHi(Pm.cycles);
    if ((this.armed & CYCLES) === 0) return;
    const elapsed = this.elapsed(port);
    const { value } = this.after(elapsed === 0n ? 0n : elapsed - 1n);
    out.lo = Number(value & LOW);
    out.hi = Number((value >> 32n) & LOW);
  }

  /**
   * An event counter; those that are not there read zero.
   *
   * @param retired - the hardware has retired what stands for the MRS
   */
  readCounter(port: CpuPort, n: number, retired: boolean, out: Word64): void {
    const counter = counterRegisters[n];
    out.lo = out.hi = 0;
    if (counter === undefined) return;
    const before = this.cpu.get(counter);
    out.lo = before;
    if ((this.armed & (1 << n)) === 0) return;
    port.readSystem(counter, out);
    const event = this.eventOf(n);
    const own = event === CPU_CYCLES || (event === INST_RETIRED && retired);
    if (own && out.lo !== before) out.lo = (out.lo - 1) >>> 0;
  }

  private drive(): void {
    const { cpu } = this;
    const met = (cpu.get(Pm.overflow) & cpu.get(Pm.interrupts)) !== 0;
    this.line?.set(met && (cpu.get(Pm.control) & Pmcr.E) !== 0);
  }
}
