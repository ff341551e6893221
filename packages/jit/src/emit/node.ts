// A value of one instruction while its code is made: how to push it, and the local that keeps it once it was pushed.

import type { TypeName } from '../wasm/opcodes.ts';

/** An integer, a condition or a vector. Floating-point numbers are the integers of their bits. */
export interface Node {
  readonly type: TypeName;
  /** Pushes the value; called once, and again only for what has no state of its own (`cheap`). */
  readonly push: () => void;
  /** How many other nodes and effects want it. */
  uses: number;
  /** The local that holds it, or -1. */
  local: number;
  /** The value where it is a constant. */
  readonly constant?: bigint;
  /** The same value as `f32` or `f64`, where somebody has it. */
  float?: Node;
  /** True for a number of half precision, on which there is no arithmetic here. */
  half?: true;
  /** For a checked address: what accesses through it add. */
  readonly offset?: number;
  /** Pushes the address of a register that holds the value as it was before the instruction, and the offset to add. */
  readonly place?: { readonly push: () => void; readonly offset: number };
}

/** NZCV in four parts: N is the sign of `n`, Z is `z` = 0, C is `c`, V is the sign of `v`. */
export interface FlagNodes {
  readonly n: Node;
  readonly z: Node;
  readonly c: Node;
  readonly v: Node;
}

/** Thrown while a case is built that uses a primitive without code: the case is left to the reference engine. */
export class Unsupported extends Error {}
