// What plugs into a CPU: banks of system registers, interrupt pins; and what a machine asks of an engine.

import type { Word64 } from './address.ts';
import type { Plain, StateCodec } from './state.ts';

/** A pin of a CPU's interrupt interface. `vserror` and `serror` are pending bits; the others are levels. */
export type CpuPin = 'irq' | 'fiq' | 'virq' | 'vfiq' | 'serror';

/** The interrupt pins of one CPU, which an interrupt controller drives. */
export interface CpuPins {
  /** Drives a pin; takes effect before the next instruction. */
  set(pin: CpuPin, level: boolean): void;
}

/** Fields of ID registers that a part contributes: `{ ID_AA64PFR0_EL1: { GIC: 1 } }`. */
export type IdFields = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * System registers that live outside the CPU core: the generic timer's, the GICv3 CPU interface's. The CPU's own table
 * decides encoding, level and traps of each; the bank only holds what stands behind them, per CPU.
 */
export interface SystemRegisterBank {
  /** Architectural names, for example `CNTV_CTL_EL0`. A register's number in the calls below is its index here. */
  readonly registers: readonly string[];
  /** What the ID registers say when this bank is plugged in. */
  readonly id: IdFields;
  /** MRS. Total. */
  read(cpu: number, register: number, out: Word64): void;
  /** MSR. Total. */
  write(cpu: number, register: number, lo: number, hi: number): void;
  /** Events that its parts send with time, where they do. */
  readonly events?: EventSource;
}

/** Events that come to CPUs with time, as the generic timers' event streams (DDI 0487 D11.2.4): a CPU asks when it executes WFE. */
export interface EventSource {
  /** True when one has come since the CPU last asked. */
  take(cpu: number): boolean;
  /** The CPU waits from now on: it is to be woken when the next one comes. */
  wait(cpu: number): void;
}

/** Why an engine returned. */
export type Stop =
  /** The budget is used up. */
  | 'budget'
  /** WFI or WFE with nothing pending: time may jump. */
  | 'wait'
  /** The machine was asked to stop (power-off, reset, a breakpoint of the host) by `Engine.stop`. */
  | 'stopped';

/** Runs one CPU. Two engines on the same state give the same states at the same instruction counts. */
export interface Engine {
  /** A name for the user. */
  readonly name: string;
  /**
   * Runs at most `budget` instructions (an integer of 1 to 2^31-1) and returns why it stopped. An instruction that ends in
   * an exception, and the taking of an interrupt, count as one each. Where instructions have costs, the budget is in units of
   * cost, and instructions begin while any of it is left: the last one may cost more.
   */
  run(budget: number): Stop;
  /** Instructions executed in the current or the last call of `run`: exact at any moment at which TypeScript runs. */
  readonly executed: number;
  /** What of the budget was spent in the current or the last call of `run`, as exact: instructions, or units of cost. */
  readonly spent: number;
  /** Asks `run` to return after the current instruction. */
  stop(): void;
  /** The bytes at these physical addresses have changed without the engine's doing. */
  invalidate(at: number, bytes: number): void;
}

/** A part with state that a snapshot holds. */
export interface Stateful<State extends Plain> {
  /** How the state is checked on load. */
  readonly state: StateCodec<State>;
  /** The whole state, as plain data. */
  save(): State;
}
