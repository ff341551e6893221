// What the arms of an interpreter function share: its locals and the places where an arm may leave to.

import { Layout } from '../isa.ts';
import { Code } from '../wasm/code.ts';
import type { Target } from '../wasm/code.ts';
import type { Costs } from './costs.ts';
import { spentBy } from './costs.ts';

/** Slot of the general registers that takes writes to the zero register. */
export const DISCARD_SLOT = 33;

/** Sizes of the tables in memory that the loop reads. */
export const Tables = {
  /**
   * Entries of a data TLB, 32 bytes each: read tag, write tag (64 bits each), addend (32 bits), `mixed` (32 bits): 0, or the
   * address of the lines of the page with the read tag that hold code, which may be stored to elsewhere.
   */
  dataEntries: 4096,
  dataBytes: 0x20000,
  readTag: 0,
  writeTag: 8,
  addend: 16,
  mixed: 20,
  /** Entries of a fetch TLB, 16 bytes each: tag (64 bits), address of the decoded page (32 bits). */
  fetchEntries: 4096,
  fetchBytes: 0x10000,
  fetchPage: 8,
  /**
   * Instructions in a page. The records are followed by an end mark, by 16 bits each: the region's entry there, or 0; and by
   * a bit for each line of 64 bytes: 1 if anything of it was decoded or compiled.
   */
  pageRecords: 1024,
  pageEntries: 0x4010,
  pageLines: 0x4810,
  pageBytes: 0x4820,
} as const;

/** What the code of any instruction needs, in the interpreter and in a compiled region. */
export abstract class BaseFrame {
  abstract readonly code: Code;
  /** Local: address of the data TLB. */
  abstract tlb: number;
  /** Local: the address of the access that is looked up. */
  abstract va: number;
  /** Local: what is left of the budget. An i64 where instructions have costs: see `spentBy`. */
  abstract remaining: number;
  /** What instructions cost; undefined where each costs 1 and `remaining` is an i32. */
  abstract readonly costs: Costs | undefined;
  /** Relaxed SIMD is there and its multiply-adds round once: see `hostFuses`. */
  fuses = false;
  /** Leaves: this instruction is the reference engine's. */
  step: Target = 0;
  /** Leave: `va` is not in the data TLB. */
  missRead: Target = 0;
  missWrite: Target = 0;
  missUnprivilegedRead: Target = 0;
  missUnprivilegedWrite: Target = 0;
  /** Entries of each TLB that the loop reads: a power of two, `Tables.dataEntries` at most. */
  tlbEntries: number = Tables.dataEntries;
  /** Stores beside the code of a page are done here: what else misses. */
  mixedStores = false;

  /** Memory offset of a field of the CPU's block, to be used with the address that `pushBase` pushes. */
  abstract at(field: keyof typeof Layout): number;
  /** Pushes the address that `at` is relative to. */
  abstract pushBase(): void;
  /** Adds that address to the one on the stack. */
  abstract addBase(): void;

  /** Sets the local `remaining` from memory. */
  takeRemaining(): void {
    this.pushBase();
    this.code.memory(this.costs === undefined ? 'i32_load' : 'i64_load', this.at('remaining'), true);
    this.code.set(this.remaining);
  }
  /** Puts the local `remaining` into memory. */
  putRemaining(): void {
    this.pushBase();
    this.code.get(this.remaining);
    this.code.memory(this.costs === undefined ? 'i32_store' : 'i64_store', this.at('remaining'), true);
  }
  /** Pushes what is left as an i32. */
  pushRemaining(): void {
    this.code.get(this.remaining);
    if (this.costs !== undefined) this.code.op('i32_wrap_i64');
  }
  /** Counts instructions that cost so much: without costs, one each. Negative numbers take that back. */
  spend(instructions: number, cost: number): void {
    const { code, costs, remaining } = this;
    code.get(remaining);
    if (costs === undefined) code.i32(Math.abs(instructions));
    else code.i64(spentBy(Math.abs(instructions), Math.abs(cost)));
    code.op(`${costs === undefined ? 'i32' : 'i64'}_${instructions < 0 ? 'add' : 'sub'}`);
    code.set(remaining);
  }

  /** Pushes a 32-bit field of the CPU's block. */
  loadWord(field: keyof typeof Layout): void {
    this.pushBase();
    this.code.memory('i32_load', this.at(field), true);
  }
}

/** One function of the interpreter while its code is made. */
export class Frame extends BaseFrame {
  readonly code: Code;
  /** Byte offset of the CPU's block: a constant of the code, which saves an addition for every register. */
  readonly base: number;
  /** Address of the current record. */
  readonly record: number;
  /** Address of the current page's first record. */
  readonly page: number;
  /** Virtual address of the current page. */
  readonly pageVa: number;
  readonly remaining: number;
  readonly costs: Costs | undefined;
  /** NZCV, as in `FlagNodes`. */
  readonly n: number;
  readonly z: number;
  readonly c: number;
  readonly v: number;
  /** Address of the data TLB. */
  readonly tlb: number;
  /** The address that missed in the data TLB. */
  readonly va: number;
  /** The PC on the way to another page, or out of the loop. */
  readonly pc: number;
  /** Why the loop is left. */
  readonly why: number;
  /** The next instruction is at `pc`, perhaps in another page. */
  fetch: Target = 0;
  /** The next instruction is the one after `record`. */
  next: Target = 0;
  /** Leaves after the instruction: an interrupt may be due. */
  poll: Target = 0;

  /** @param costs - where instructions have costs */
  constructor(base: number, costs?: Costs) {
    super();
    this.base = base;
    this.costs = costs;
    const c = (this.code = new Code());
    this.record = c.fixedLocal('i32');
    this.page = c.fixedLocal('i32');
    this.remaining = c.fixedLocal(costs === undefined ? 'i32' : 'i64');
    this.tlb = c.fixedLocal('i32');
    this.c = c.fixedLocal('i32');
    this.why = c.fixedLocal('i32');
    this.pageVa = c.fixedLocal('i64');
    this.n = c.fixedLocal('i64');
    this.z = c.fixedLocal('i64');
    this.v = c.fixedLocal('i64');
    this.va = c.fixedLocal('i64');
    this.pc = c.fixedLocal('i64');
  }

  /** The same frame, writing elsewhere. */
  withCode(code: Code): Frame {
    return Object.assign(Object.create(Frame.prototype) as Frame, this, { code });
  }

  at(field: keyof typeof Layout): number {
    return this.base + Layout[field];
  }

  pushBase(): void {
    this.code.i32(0);
  }

  addBase(): void {
    // It is zero: the block's place is part of every offset.
  }
}

/** Pushes true if nothing is left of the budget. */
export function pushExhausted(frame: Frame): void {
  frame.pushRemaining();
  if (frame.costs === undefined) frame.code.op('i32_eqz');
  else {
    // The last instruction may have cost more than there was.
    frame.code.i32(0);
    frame.code.op('i32_le_s');
  }
}
