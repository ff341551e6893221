// What an interpreter is made of, and what it is to others.

import type { Engine } from '@worldswitch/platform';

import { Tables } from '../emit/frame.ts';
import type { InterpreterHost } from '../host.ts';
import type { EngineCount } from '../hot/counters.ts';
import type { HotOptions } from '../hot/tier.ts';
import type { Shortfall } from './build.ts';

/** Pages that a fast TLB may hold: powers of two, to what there is room for. */
export const fastTlbSizes: readonly number[] = Array.from(
  { length: Math.log2(Tables.dataEntries) },
  (_, i) => 2 << i,
);

/** Where the interpreter's tables lie. */
export interface InterpreterOptions {
  /** The CPU. */
  readonly host: InterpreterHost;
  /** Byte offset in the shared memory of `interpreterBytes(pages)` bytes that nobody else uses; a multiple of 32. */
  readonly tables: number;
  /** Pages of guest code that are held decoded, 16 KiB each; 2048 unless given. */
  readonly pages?: number;
  /**
   * The interpreter of another CPU on the same memory, whose decoded pages this one shares; its tables then take
   * `interpreterBytes(0)` bytes. All CPUs that execute from one memory must share: each sees the others' stores by this.
   */
  readonly with?: Interpreter;
  /** How eagerly guest code is compiled; what the interpreter that this one shares with was given counts. */
  readonly hot?: HotOptions;
  /**
   * Pages that each of the fast TLBs holds: one of `fastTlbSizes`, the largest unless given; what the interpreter that this one
   * shares with was given counts. Fewer are for tests.
   */
  readonly tlbEntries?: number;
}

/** Counts of what the loop was left for. No state. */
export interface InterpreterCounters {
  entries: number;
  decoded: number;
  fetchMisses: number;
  dataMisses: number;
  steps: number;
  /** Instructions that compiled code executed. */
  compiled: number;
  samples: number;
  marks: number;
  interrupts: number;
}

/** The interpreter as an engine. */
export interface Interpreter extends Engine {
  readonly counters: InterpreterCounters;
  /** Cases of the instruction table that are left to the reference engine for want of code, and why. */
  readonly shortfalls: readonly Shortfall[];
  /** All counts, with names and what they are; those that are `shared` are of all engines that share. */
  counts(): readonly EngineCount[];
  /** Makes compiled code count, too. To be called before anything runs: false if it is too late. */
  countAll(): boolean;
}
