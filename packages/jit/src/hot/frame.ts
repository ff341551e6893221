// The function of a region while its code is made: guest registers live in its locals.

import type { Costs } from '../emit/costs.ts';
import { BaseFrame } from '../emit/frame.ts';
import { Layout } from '../isa.ts';
import { Code } from '../wasm/code.ts';
import type { Target } from '../wasm/code.ts';
import type { FunctionType } from '../wasm/module.ts';
import type { Decoded } from './flow.ts';

/**
 * The type of a region: address of the CPU's block, where to enter (number of the entry, page of the region in bits 31:8),
 * how deep calls may still nest, the PC. The result is one of `Status`.
 */
export const regionType: FunctionType = { parameters: ['i32', 'i32', 'i32', 'i64'], results: ['i32'] };
/** The type of `gate`: address of the CPU's block, how deep calls may nest, the PC to go on at. */
export const gateType: FunctionType = { parameters: ['i32', 'i32', 'i64'], results: ['i32'] };

/** How compiled code is left. State is in memory then, with the PC. */
export const Status = {
  /** Goes on at the PC: whoever called compares it with where it wanted to be. */
  Go: 0,
  /** The instruction at the PC is the interpreter's. */
  Interpret: 1,
  /** As `Reason.Poll`. */
  Poll: 2,
  /** The PC has been reached often and has no compiled code. */
  Heat: 3,
  /** As `Reason.HotMissRead` and `Reason.HotMissWrite`. */
  MissRead: 4,
  MissWrite: 5,
} as const;

/** First of the scratch registers that compiled code uses. */
const SCRATCH: number = Layout.v + 40 * 16;
/** Offsets in a CPU's block, in its scratch registers. */
export const HotLayout: {
  /** The flags between regions: see `Kind`. */
  readonly kind: number;
  readonly guard: number;
  readonly a: number;
  readonly b: number;
  /** Instructions that compiled code executed: counts up, 32 bits. */
  readonly executed: number;
} = { kind: SCRATCH, guard: SCRATCH + 4, a: SCRATCH + 8, b: SCRATCH + 16, executed: SCRATCH + 24 };

/** Instructions before the root page that a region may have, and one more than the number of any after it. */
const EXIT_BIAS = 4096;

/** One region in the making. */
export class HotFrame extends BaseFrame {
  readonly code: Code;
  readonly base: number = 0;
  readonly entry: number = 1;
  readonly depth: number = 2;
  /** The PC where it is not known when the code is made. */
  readonly pc: number = 3;
  tlb = 0;
  va = 0;
  remaining = 0;
  /** About the instruction that is under way: see `setExit`. */
  exit = 0;
  status = 0;
  /** Address of the region's root page. */
  pageVa = 0;
  /** NZCV: what set them last, and its operands. See `flags.ts`. */
  kind = 0;
  guard = 0;
  a = 0;
  b = 0;
  /** As `step`, for an instruction that has no code, and for one that traps or that the CPU has not. */
  never: Target = 0;
  absent: Target = 0;
  /** Leaves after the instruction under way; `exit` is that of the next. */
  poll: Target = 0;
  /** Leaves with `pc`, `status` and `remaining` as they are in their locals. */
  leave: Target = 0;
  private general: (number | undefined)[] = [];
  private vector: (number | undefined)[] = [];
  private scalars: (number | undefined)[] = [];
  private inexactLocal: number | undefined;
  readonly writtenGeneral: Set<number> = new Set<number>();
  readonly writtenVectors: Set<number> = new Set<number>();

  readonly costs: Costs | undefined;

  /**
   * @param type - the function's type; its first parameter is the address of the CPU's block
   * @param costs - where instructions have costs
   */
  constructor(type: FunctionType = regionType, costs?: Costs) {
    super();
    this.costs = costs;
    this.code = new Code(undefined, type.parameters);
    this.fixed();
  }

  /** Makes room for another function. */
  reset(): void {
    this.code.reset();
    this.general = [];
    this.vector = [];
    this.scalars = [];
    this.inexactLocal = undefined;
    this.writtenGeneral.clear();
    this.writtenVectors.clear();
    this.fixed();
  }

  /** The locals that every function has: always the same numbers. */
  private fixed(): void {
    const c = this.code;
    this.tlb = c.fixedLocal('i32');
    this.remaining = c.fixedLocal(this.costs === undefined ? 'i32' : 'i64');
    this.exit = c.fixedLocal(this.costs === undefined ? 'i32' : 'i64');
    this.status = c.fixedLocal('i32');
    this.kind = c.fixedLocal('i32');
    this.guard = c.fixedLocal('i32');
    this.va = c.fixedLocal('i64');
    this.pageVa = c.fixedLocal('i64');
    this.a = c.fixedLocal('i64');
    this.b = c.fixedLocal('i64');
  }

  at(field: keyof typeof Layout): number {
    return Layout[field];
  }

  pushBase(): void {
    this.code.get(this.base);
  }

  addBase(): void {
    this.code.get(this.base);
    this.code.op('i32_add');
  }

  /** What the first instructions of a block cost together: one each without costs. */
  costOf(block: readonly Decoded[], instructions: number = block.length): number {
    const { costs } = this;
    if (costs === undefined) return instructions;
    let sum = 0;
    for (let i = 0; i < instructions; i++) sum += costs[block[i]?.caseId ?? -1] ?? 0;
    return sum;
  }

  /** Says in the local `exit` that the PC is at an instruction, and that so many of its block are done and not counted. */
  setExit(instruction: number, block: readonly Decoded[], done: number): void {
    const { code, costs } = this;
    const low = (instruction + EXIT_BIAS) | (done << 13);
    if (costs === undefined) code.i32(low);
    else code.i64((BigInt(this.costOf(block, done)) << 32n) | BigInt(low));
    code.set(this.exit);
  }

  /** The PC and the count from the local `exit`. */
  takeExit(): void {
    const { code, costs, exit, remaining } = this;
    code.get(this.pageVa);
    code.get(exit);
    if (costs !== undefined) code.op('i32_wrap_i64');
    code.i32(0x1fff);
    code.op('i32_and');
    code.i32(EXIT_BIAS);
    code.op('i32_sub');
    code.i32(2);
    code.ops('i32_shl', 'i64_extend_i32_s', 'i64_add');
    code.set(this.pc);
    code.get(remaining);
    code.get(exit);
    if (costs === undefined) {
      code.i32(13);
      code.ops('i32_shr_u', 'i32_sub');
    } else {
      // As `spentBy` has it.
      code.i64(32n);
      code.op('i64_shr_u');
      code.op('i64_sub');
      code.get(exit);
      code.i64(13n);
      code.op('i64_shr_u');
      code.i64(0x7_ffffn);
      code.op('i64_and');
      code.i64(32n);
      code.ops('i64_shl', 'i64_sub');
    }
    code.set(remaining);
  }

  /** The local of a general register, 31 for the stack pointer. */
  x(register: number): number {
    return (this.general[register] ??= this.code.fixedLocal('i64'));
  }

  /** The local of a vector register. */
  v(register: number): number {
    return (this.vector[register] ??= this.code.fixedLocal('v128'));
  }

  /** A local for the number in a vector register. */
  scalar(register: number, type: 'f32' | 'f64'): number {
    const index = 2 * register + (type === 'f64' ? 1 : 0);
    return (this.scalars[index] ??= this.code.fixedLocal(type));
  }

  /** A local for FPSR.IXC. */
  inexact(): number {
    return (this.inexactLocal ??= this.code.fixedLocal('i32'));
  }

  /** Emits a move of every register that has a local from memory into it. */
  loadRegisters(): void {
    const { code } = this;
    for (const [r, local] of this.general.entries()) {
      if (local === undefined) continue;
      this.pushBase();
      code.memory('i64_load', Layout.x + 8 * r, true);
      code.set(local);
    }
    for (const [r, local] of this.vector.entries()) {
      if (local === undefined) continue;
      this.pushBase();
      code.memory('v128_load', Layout.v + 16 * r, true);
      code.set(local);
    }
  }

  /** Emits a move of every register that the region writes to memory. */
  storeRegisters(): void {
    const { code } = this;
    for (const r of this.writtenGeneral) {
      this.pushBase();
      code.get(this.x(r));
      code.memory('i64_store', Layout.x + 8 * r, true);
    }
    for (const r of this.writtenVectors) {
      this.pushBase();
      code.get(this.v(r));
      code.memory('v128_store', Layout.v + 16 * r, true);
    }
  }
}
