// The performance monitors of one CPU, PMUv3 (DDI 0487 D7). Instructions are not counted one by one: what the engine has used
// of its slice is added up whenever somebody looks, the state changes, or a counter is about to overflow. An instruction is one
// cycle unless instructions have costs; a CPU that waits has no clock.

import type { Cpu } from '../cpu.ts';
import { Layout } from '../layout.ts';
import { registerByName } from '../sysregs/table.ts';
import { COUNTERS, counts, CYCLES, Event, eventOf, groupEnabled, PMCR, PMEVCNTR } from './counting.ts';

const ALL: readonly number[] = [...Array.from({ length: COUNTERS }, (_, n) => n), CYCLES];
const bitOf = (n: number): bigint => 1n << BigInt(n);
/** Events that come with each instruction. */
const ticks = (event: number): boolean => event === Event.CPU_CYCLES || event === Event.INST_RETIRED;

/** A counter that counts in the current state. */
interface Running {
  readonly n: number;
  readonly event: number;
  /** Cell of its value. */
  readonly cell: number;
}

/** The counters of one CPU. */
export class Pmu {
  /** Some counter is enabled, whether or not it counts at this level. */
  active = false;
  /** PMUIRQ: an overflow whose interrupt is enabled. */
  level = false;
  private readonly cpu: Cpu;
  private running: readonly Running[] = [];
  /** `running` by exception level and Security state, as far as they were asked for since registers changed. */
  private known: (readonly Running[] | undefined)[] = [];
  /** What of the slice is counted: `Slice.spent`, and the instructions. */
  private mark = 0;
  private marked = 0;
  /** `Slice.spent` before which no counter overflows that interrupts. */
  private dueAt = Infinity;

  constructor(cpu: Cpu) {
    this.cpu = cpu;
  }

  /** What may be spent until a counter overflows that interrupts: an engine must stop there for `settle`. */
  get untilEvent(): number {
    return this.dueAt === Infinity ? Infinity : this.dueAt - this.cpu.slice.spent;
  }

  /** A slice begins. */
  begin(): void {
    this.mark = this.marked = 0;
    this.predict();
  }
  /** Counts what has been executed until now, the current instruction excepted. */
  settle(): void {
    const { slice } = this.cpu;
    this.count(slice.spent, slice.executed, 0);
  }
  /** Counts the current instruction too, under the state before it: the state is about to change. */
  settleInstruction(retired = true): void {
    const { slice } = this.cpu;
    const spent = slice.spent + slice.current;
    if (this.active) this.count(spent, slice.executed + 1, retired ? 0 : 1);
    else [this.mark, this.marked] = [spent, slice.executed + 1];
  }

  private count(upTo: number, executed: number, unretired: number): void {
    const units = upTo - this.mark;
    if (units <= 0) return;
    const retired = Math.max(0, executed - this.marked - unretired);
    this.mark = upTo;
    this.marked = executed;
    if (this.running.length === 0) return;
    const cycles = this.cyclesOf(units);
    let overflow = 0n;
    for (const counter of this.running) {
      if (counter.event === Event.CPU_CYCLES) overflow |= this.add(counter, cycles);
      else if (counter.event === Event.INST_RETIRED) overflow |= this.add(counter, retired);
    }
    this.overflowed(overflow);
    this.predict();
  }

  /** Whole cycles; what is left over is kept. */
  private cyclesOf(units: number): number {
    const { slice, state } = this.cpu;
    if (slice.costs === undefined) return units;
    const all = state.word(Layout.cycleFraction) + units;
    state.setWord(Layout.cycleFraction, all % slice.costs.perCycle);
    return Math.floor(all / slice.costs.perCycle);
  }

  /** Adds to a counter. The overflow bits that this sets, of itself and of the one that is chained to it. */
  private add(counter: Running, amount: number): bigint {
    const { state } = this.cpu;
    if (counter.n === CYCLES) return this.addCycles(counter, amount);
    const value = state.cell(counter.cell) + BigInt(amount);
    state.setCell(counter.cell, value & 0xffff_ffffn);
    if (value >> 32n === 0n) return 0n;
    const next = this.running.find((c) => c.n === counter.n + 1);
    const chained = (counter.n & 1) === 0 && next?.event === Event.CHAIN;
    return bitOf(counter.n) | (chained ? this.add(next, Number(value >> 32n)) : 0n);
  }

  /** PMCCNTR_EL0: every cycle or, by PMCR_EL0.D, every 64th; overflows out of bit 31 or, by LC, of bit 63. */
  private addCycles({ cell }: Running, cycles: number): bigint {
    const { cpu } = this;
    const pmcr = cpu.register('PMCR_EL0');
    let amount = cycles;
    if ((pmcr & PMCR.D) !== 0n && (pmcr & PMCR.LC) === 0n) {
      const all = cpu.state.word(Layout.cycleDivider) + cycles;
      cpu.state.setWord(Layout.cycleDivider, all & 63);
      amount = Math.floor(all / 64);
    }
    const old = cpu.state.cell(cell);
    const value = old + BigInt(amount);
    cpu.state.setCell(cell, value);
    const width = (pmcr & PMCR.LC) === 0n ? 32n : 64n;
    return value >> width === old >> width ? 0n : bitOf(CYCLES);
  }

  private overflowed(bits: bigint): void {
    if (bits === 0n) return;
    const { cpu } = this;
    cpu.setRegister('PMOVSSET_EL0', cpu.register('PMOVSSET_EL0') | bits);
    this.drive();
  }

  /** An event that belongs to the current instruction and has nothing to do with time. */
  private happened(event: number): void {
    let overflow = 0n;
    for (const counter of this.running) if (counter.event === event) overflow |= this.add(counter, 1);
    this.overflowed(overflow);
  }

  /** An exception is about to be taken. SVC, HVC and SMC are retired; what else ends in one is not. */
  exceptionTaken(retired: boolean): void {
    this.settleInstruction(retired);
    if (this.active) this.happened(Event.EXC_TAKEN);
  }
  /** ERET is about to return. */
  exceptionReturn(): void {
    this.settleInstruction();
    if (this.active) this.happened(Event.EXC_RETURN);
  }
  /** MSR has written a register. */
  registerWritten(name: string): void {
    if (name === 'CONTEXTIDR_EL1') this.happened(Event.CID_WRITE_RETIRED);
    else if (name === 'TTBR0_EL1' || name === 'TTBR1_EL1') this.happened(Event.TTBR_WRITE_RETIRED);
  }
  /** PMSWINC_EL0, of the counters that the level sees. */
  increment(bits: bigint): void {
    let overflow = 0n;
    for (const counter of this.running) {
      if (counter.event === Event.SW_INCR && (bits & bitOf(counter.n)) !== 0n)
        overflow |= this.add(counter, 1);
    }
    this.overflowed(overflow);
  }

  /** The exception level or the Security state has changed; `settleInstruction` came before. */
  modeChanged(): void {
    if (!this.active) return;
    const { cpu } = this;
    const state = cpu.state.el | (cpu.secure ? 4 : 0);
    const running = (this.known[state] ??= this.findRunning());
    if (running === this.running) return;
    this.running = running;
    this.predict();
  }

  private findRunning(): readonly Running[] {
    const { cpu } = this;
    return ALL.filter((n) => counts(cpu, n)).map((n) => ({
      n,
      event: eventOf(cpu, n),
      cell: registerByName(n === CYCLES ? 'PMCCNTR_EL0' : (PMEVCNTR[n] ?? '')).cell,
    }));
  }

  /** Registers of the monitors have changed. */
  changed(): void {
    const { cpu } = this;
    const enabled = cpu.register('PMCNTENSET_EL0');
    this.active = ALL.some((n) => (enabled & bitOf(n)) !== 0n && groupEnabled(cpu, n));
    this.known = [];
    this.running = [];
    this.modeChanged();
    this.predict();
    this.drive();
  }
  /** The CPU was restored: its line has the level that it had. */
  restored(): void {
    this.level = this.asserted;
    this.mark = this.cpu.slice.spent;
    this.marked = this.cpu.slice.executed;
    this.changed();
  }

  /** PMCR_EL0.C, which also starts the 64 cycles anew that D divides by. */
  resetCycles(): void {
    this.cpu.setRegister('PMCCNTR_EL0', 0n);
    this.cpu.state.setWord(Layout.cycleDivider, 0);
  }

  /** Finds the next overflow that interrupts, or chains. */
  private predict(): void {
    this.dueAt = Infinity;
    if (this.running.length === 0) return;
    const { cpu } = this;
    const interrupts = cpu.register('PMINTENSET_EL1');
    const chains = this.running.some((c) => c.event === Event.CHAIN);
    for (const counter of this.running) {
      if (!ticks(counter.event)) continue;
      if ((interrupts & bitOf(counter.n)) === 0n && !(chains && counter.n < CYCLES)) continue;
      this.dueAt = Math.min(this.dueAt, this.mark + this.leastUntilOverflow(counter));
    }
  }

  /** The least that is spent until a counter overflows. */
  private leastUntilOverflow(counter: Running): number {
    const { slice, state } = this.cpu;
    const left = this.untilOverflow(counter);
    if (slice.costs === undefined) return left;
    if (counter.event === Event.INST_RETIRED) return left * slice.costs.least;
    return left * slice.costs.perCycle - state.word(Layout.cycleFraction);
  }

  /** Instructions or cycles that a counter takes to overflow, if all instructions are retired. */
  private untilOverflow({ n, cell }: Running): number {
    const { cpu } = this;
    const value = cpu.state.cell(cell);
    if (n !== CYCLES) return Number(0x1_0000_0000n - value);
    const pmcr = cpu.register('PMCR_EL0');
    if ((pmcr & PMCR.LC) !== 0n) return Number((1n << 64n) - value);
    const left = Number(0x1_0000_0000n - (value & 0xffff_ffffn));
    return (pmcr & PMCR.D) === 0n ? left : left * 64 - cpu.state.word(Layout.cycleDivider);
  }

  private get asserted(): boolean {
    const { cpu } = this;
    const pending = cpu.register('PMOVSSET_EL0') & cpu.register('PMINTENSET_EL1');
    return pending !== 0n && ALL.some((n) => (pending & bitOf(n)) !== 0n && groupEnabled(cpu, n));
  }
  private drive(): void {
    const level = this.asserted;
    if (level === this.level) return;
    this.level = level;
    this.cpu.pmuInterrupt?.(level);
  }
}
