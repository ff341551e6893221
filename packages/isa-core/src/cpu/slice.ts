// What an engine may still execute, and what it has: instructions or, where instructions have costs, units of cost. Both engines
// count in the CPU's block; what is not an instruction (a table walk, an exception, a device) is charged here.

import { Layout } from './layout.ts';
import type { CpuState } from './state.ts';

/** What things cost, in units of a fraction of a cycle: whole numbers. */
export interface CpuCosts {
  /** Units of a cycle. */
  readonly perCycle: number;
  /** The least that an instruction costs, at least 1; also what one costs that could not be fetched or decoded. */
  readonly least: number;
  /** By the number of the instruction's case in the table. */
  readonly cases: ArrayLike<number>;
  /** Taking an exception, by the level that takes it. */
  readonly exception: readonly number[];
  /** An exception return, by the level that it leaves. */
  readonly exceptionReturn: readonly number[];
  /** A translation that the TLB did not have, besides its walk. */
  readonly tlbMiss: number;
  /** A descriptor that a walk reads, by stage: at 1 and 2. */
  readonly descriptor: readonly number[];
  /** An access to a device. */
  readonly device: number;
  /** Software in TypeScript; when absent each of its instructions is one of the cheapest. */
  readonly software?: SoftwareUnits;
}

/** What software in TypeScript costs: an instruction of each kind of its port's operations, and what is besides them. */
export interface SoftwareUnits {
  readonly kinds: Readonly<Record<PortKind, number>>;
  /** A call. */
  readonly call: number;
  /** An operation of the port. */
  readonly operation: number;
}

/** Kinds of operations of a CPU port. */
export type PortKind =
  'general' | 'vector' | 'system' | 'load' | 'store' | 'atomic' | 'maintenance' | 'barrier' | 'work';

/** The slice of a CPU. */
export class Slice {
  readonly costs: CpuCosts | undefined;
  /** What the instruction costs that the reference engine executes now, in the slice's units. */
  current: number;
  private readonly words: Int32Array;
  private budget = 0;
  /** Charged, and not yet taken from `remaining`, so that the instruction under way is executed. */
  private borrowed = 0;

  constructor(state: CpuState, costs: CpuCosts | undefined) {
    this.words = new Int32Array(state.bytes.buffer, state.bytes.byteOffset, Layout.size / 4);
    this.costs = costs;
    this.current = costs?.least ?? 1;
  }

  /** A slice begins. `budget` is in instructions or, with costs, in units: an instruction begins while anything is left of it. */
  begin(budget: number): void {
    this.budget = budget;
    this.borrowed = 0;
    this.words[Layout.retired >> 2] = 0;
    this.words[Layout.remaining >> 2] = budget;
  }

  /** What is left, 0 or less at the end: with costs the last instruction may have cost more than there was. Setting it has no effect on `executed`. */
  get remaining(): number {
    return this.words[Layout.remaining >> 2] ?? 0;
  }
  set remaining(value: number) {
    if (this.costs !== undefined) this.set(value, this.executed);
    else this.words[Layout.remaining >> 2] = value;
  }

  /** Instructions executed in the slice. */
  get executed(): number {
    const { remaining } = this;
    if (this.costs === undefined) return this.budget - remaining;
    // A lower half below zero has borrowed from the upper one.
    const retired = (this.words[Layout.retired >> 2] ?? 0) + (remaining < 0 ? 1 : 0);
    return 0 - retired;
  }
  private set(remaining: number, executed: number): void {
    this.words[Layout.remaining >> 2] = remaining;
    this.words[Layout.retired >> 2] = -executed - (remaining < 0 ? 1 : 0);
  }

  /** What was spent of the budget: more than all of it, where the last instruction cost more than was left. */
  get spent(): number {
    return this.budget - this.remaining + this.borrowed;
  }

  /** The instruction under way is over. */
  spend(): void {
    if (this.costs === undefined) this.words[Layout.remaining >> 2] = this.remaining - 1;
    else {
      this.set(this.remaining - this.current - this.borrowed, this.executed + 1);
      this.borrowed = 0;
    }
  }

  /** Instructions are over that software in TypeScript did in one go; with costs they are `units`, the least unless given. */
  retire(instructions: number, units: number = instructions * (this.costs?.least ?? 1)): void {
    if (this.costs === undefined) this.words[Layout.remaining >> 2] = this.remaining - instructions;
    else {
      const cost = units + this.borrowed;
      this.set(this.remaining - cost, this.executed + instructions);
      this.borrowed = 0;
    }
  }

  /** Something besides instructions costs so many units: the one under way, or about to be executed, goes on all the same. */
  charge(units: number): void {
    if (this.costs === undefined) return;
    const left = this.remaining - units;
    const lacking = Math.max(0, 1 - left);
    this.borrowed += lacking;
    this.remaining = left + lacking;
  }

  /** Takes back what was charged since `remaining` and `debt` were what is given. */
  undo(remaining: number, debt: number): void {
    if (this.costs === undefined) return;
    this.borrowed = debt;
    this.remaining = remaining;
  }
  /** Charged, and not yet taken from `remaining`. */
  get debt(): number {
    return this.borrowed;
  }

  /** At the end of a run: takes what is still borrowed. */
  repay(): void {
    if (this.borrowed === 0) return;
    this.remaining -= this.borrowed;
    this.borrowed = 0;
  }
}
