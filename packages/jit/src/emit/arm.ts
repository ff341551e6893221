// The code of one instruction: a graph of values, and the effects on it in the order of semantics rule 2: checks and loads,
// stores, registers, branch.

import type { Layout, Operand } from '../isa.ts';
import type { Code } from '../wasm/code.ts';
import type { OpName, TypeName } from '../wasm/opcodes.ts';
import type { BaseFrame } from './frame.ts';
import type { FlagNodes, Node } from './node.ts';
import { Sym } from './symbol.ts';

/** FPSR.IXC. */
const IXC = 1 << 4;

/** Widths of integers as value types. */
export const intType = (w: number): 'i32' | 'i64' => (w === 64 ? 'i64' : 'i32');

/** A register write that waits for the end of the instruction. */
export interface Write {
  /** Pushes the address. */
  readonly address: () => void;
  readonly value: Node;
  /** Converts the pushed value and stores it. */
  readonly store: () => void;
}

/** A look into the TLB that serves several accesses. */
export interface SharedLookup {
  /** True for the first of them, which looks: that all bytes are on one page. */
  readonly first: boolean;
  /** The lowest byte of all relative to the access, and the bytes from there on. */
  readonly low: number;
  readonly bytes: number;
  /** The local that gets the address in memory of the lowest byte. */
  readonly local: number;
}

/** What a loop keeps of the TLB for accesses that are probably on one page. */
export interface LoopPage {
  /** Locals: the tag, and what to add to an address. */
  readonly page: number;
  readonly addend: number;
  /** Another, for stores beside code: the lines of the page that hold code, one bit each. */
  readonly lines: number | undefined;
  /**
   * A local for the one place in memory of an access whose address does not change in the loop: 0 until it is looked up. There are
   * no other locals then.
   */
  readonly place: number | undefined;
  readonly write: boolean;
  /** By what the address changes, as far as that is constant. */
  readonly steps: readonly number[];
}

/** One instruction in the making. */
export abstract class Arm {
  readonly frame: BaseFrame;
  readonly code: Code;
  /** True when nothing of the instruction is done here. */
  leaves = false;
  protected readonly checks: (() => void)[] = [];
  protected readonly stores: (() => void)[] = [];
  protected readonly writes: Write[] = [];
  private readonly cache = new Map<string, Node>();

  constructor(frame: BaseFrame) {
    this.frame = frame;
    this.code = frame.code;
  }

  /** Pushes a slot of the record: only of an operand that is not known now. */
  abstract slot(at: number, op?: OpName): void;

  /** Flags of a comparison of numbers, from i64s that are 0 or 1 and a condition. */
  abstract floatFlags(less: Node, different: Node, notLess: Node): FlagNodes;

  /** How the access of this instruction shares one look into the TLB with others, if it does. */
  shared(): SharedLookup | undefined {
    return undefined;
  }

  /** Pushes whether FPSR.IXC is up: zero if not. */
  inexact(): void {
    this.frame.loadWord('fpsr');
    this.code.i32(IXC);
    this.code.op('i32_and');
  }

  /** The page that is kept for the access of this instruction, if there is one. */
  loopPage(): LoopPage | undefined {
    return undefined;
  }

  /** Makes room for the next instruction. */
  reset(): void {
    this.leaves = false;
    this.checks.length = this.stores.length = this.writes.length = 0;
    this.cache.clear();
    this.code.releaseAll();
  }

  // ---- values

  /** A value computed from others. */
  node(type: TypeName, inputs: readonly Node[], push: () => void): Node {
    for (const i of inputs) i.uses++;
    return { type, push, uses: 0, local: -1 };
  }

  /** An instruction on two operands. */
  binary(op: OpName, type: TypeName, a: Node, b: Node): Node {
    return this.node(type, [a, b], () => {
      this.push(a);
      this.push(b);
      this.code.op(op);
    });
  }

  /** An instruction on one operand. */
  unary(op: OpName, type: TypeName, a: Node): Node {
    return this.node(type, [a], () => {
      this.push(a);
      this.code.op(op);
    });
  }

  /** Integer arithmetic of the width of `a`. */
  integer(
    op: 'add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'shl' | 'shr_s' | 'shr_u' | 'rotr',
    a: Node,
    b: Node,
  ): Node {
    return this.binary(`${intType(a.type === 'i64' ? 64 : 32)}_${op}`, a.type, a, b);
  }

  /** A constant. */
  constant(type: 'i32' | 'i64', value: bigint): Node {
    const constant = BigInt.asIntN(type === 'i64' ? 64 : 32, value);
    const push = (): void => {
      if (type === 'i64') this.code.i64(constant);
      else this.code.i32(Number(constant));
    };
    return { type, push, uses: 0, local: -1, constant };
  }

  /** A value that is read at most once: the state before the instruction. */
  once(key: string, make: () => Node): Node {
    const known = this.cache.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.cache.set(key, made);
    return made;
  }

  /** A local of the frame. */
  frameLocal(type: TypeName, local: number): Node {
    return {
      type,
      push: () => {
        this.code.get(local);
      },
      uses: 0,
      local: -1,
    };
  }

  /** Pushes a value: from its local, or computed, and then kept if others want it too. */
  push(n: Node): void {
    if (n.local >= 0) {
      this.code.get(n.local);
      return;
    }
    n.push();
    if (n.uses < 2 || n.constant !== undefined) return;
    n.local = this.code.freshLocal(n.type);
    this.code.tee(n.local);
  }

  /** Computes a value now, into a local. */
  force(n: Node): void {
    if (n.local >= 0 || n.constant !== undefined) return;
    n.push();
    n.local = this.code.freshLocal(n.type);
    this.code.set(n.local);
  }

  // ---- effects

  /** Something that may leave the loop, or a load. Nothing of the instruction has happened yet. */
  check(emit: () => void): void {
    this.checks.push(emit);
  }

  /** Leaves to the reference engine if the condition holds. */
  stepIf(condition: Node): void {
    condition.uses++;
    this.check(() => {
      this.push(condition);
      this.code.brSeldom(this.frame.step);
    });
  }

  /** A store whose checks are done: `needs` are in locals when it is emitted. */
  store(needs: readonly Node[], emit: () => void): void {
    for (const n of needs) n.uses++;
    this.check(() => {
      for (const n of needs) this.force(n);
    });
    this.stores.push(emit);
  }

  /** A register write. */
  write(address: () => void, value: Node, store: () => void): void {
    value.uses++;
    this.writes.push({ address, value, store });
  }

  /** A 64-bit field of the CPU's block. */
  word64(field: keyof typeof Layout): Node {
    return this.node('i64', [], () => {
      this.frame.pushBase();
      this.code.memory('i64_load', this.frame.at(field), true);
    });
  }
}

/** The operand's value where it is known when the case is made. */
export function constantOperand(o: Operand): Operand | undefined {
  return o instanceof Sym ? o.constant : o;
}
