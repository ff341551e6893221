// The code of one case: a graph of values, and the effects on it in the order of semantics rule 2: checks and loads, stores,
// registers, branch.

import type { Layout, Operand } from '../isa.ts';
import type { Code } from '../wasm/code.ts';
import type { OpName, TypeName } from '../wasm/opcodes.ts';
import { DISCARD_SLOT } from './frame.ts';
import type { Frame } from './frame.ts';
import type { FlagNodes, Node } from './node.ts';
import { asSymbol, Sym } from './symbol.ts';

/** Widths of integers as value types. */
export const intType = (w: number): 'i32' | 'i64' => (w === 64 ? 'i64' : 'i32');

/** A register write that waits for the end of the instruction. */
interface Write {
  /** Pushes the address. */
  readonly address: () => void;
  readonly value: Node;
  /** Converts the pushed value and stores it. */
  readonly store: () => void;
}

/** How the instruction ends when not with the next one. */
interface Ending {
  /** What must be in locals before registers change. */
  readonly needs: readonly Node[];
  /** Emits the branches; falls through where the next instruction follows. */
  readonly emit: () => void;
}

/** One case in the making. */
export class Arm {
  readonly frame: Frame;
  readonly code: Code;
  /** True when nothing of the instruction is done here. */
  leaves = false;
  private readonly checks: (() => void)[] = [];
  private readonly stores: (() => void)[] = [];
  private readonly writes: Write[] = [];
  private readonly cache = new Map<string, Node>();
  private flags: FlagNodes | undefined;
  private ending: Ending | undefined;

  constructor(frame: Frame) {
    this.frame = frame;
    this.code = frame.code;
  }

  /** Makes room for the next case. */
  reset(): void {
    this.leaves = false;
    this.checks.length = this.stores.length = this.writes.length = 0;
    this.cache.clear();
    this.flags = this.ending = undefined;
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

  // ---- operands

  /** Pushes a slot of the record. */
  slot(at: number, op: OpName = 'i32_load16_u'): void {
    this.code.get(this.frame.record);
    this.code.memory(op, at, true);
  }

  /** Where a register lies: what to push as the address, and the offset to add. */
  register(r: Operand, file: 'x' | 'v' | 'cells'): { push: () => void; offset: number } {
    const bytes = file === 'v' ? 16 : 8;
    const offset = this.frame.at(file);
    const known = constantOperand(r);
    if (known !== undefined) {
      return {
        push: () => {
          this.code.i32(0);
        },
        offset: offset + known.value * bytes,
      };
    }
    const s = asSymbol(r);
    s.read = true;
    return {
      push: () => {
        this.slot(s.at);
      },
      offset,
    };
  }

  /** Where a register that is written lies. */
  destination(r: Operand, file: 'x' | 'v' | 'cells'): { push: () => void; offset: number } {
    const known = constantOperand(r);
    if (known !== undefined) {
      const discarded = file === 'x' && known.value === 32;
      return this.register(discarded ? { ...known, value: DISCARD_SLOT } : known, file);
    }
    const s = asSymbol(r);
    s.written = true;
    return {
      push: () => {
        this.slot(s.writtenAt);
      },
      offset: this.frame.at(file),
    };
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
      this.code.brIf(this.frame.step);
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

  setFlags(flags: FlagNodes): void {
    for (const n of [flags.n, flags.z, flags.c, flags.v]) n.uses++;
    this.flags = flags;
  }

  end(needs: readonly Node[], emit: () => void): void {
    for (const n of needs) n.uses++;
    this.ending = { needs, emit };
  }

  /**
   * Emits everything.
   *
   * @param last - false when the code of the next instruction follows
   */
  emit(last = true): void {
    const { code, frame } = this;
    for (const check of this.checks) check();
    for (const store of this.stores) store();
    this.emitWrites();
    this.ending?.emit();
    if (last) code.br(frame.next);
  }

  /** Registers and flags change together: all values first. */
  private emitWrites(): void {
    const { writes, flags, ending, code, frame } = this;
    const parts = flags === undefined ? [] : [flags.n, flags.z, flags.c, flags.v];
    if (writes.length + (flags === undefined ? 0 : 1) + (ending?.needs.length ?? 0) > 1) {
      for (const w of writes) this.force(w.value);
    }
    if (parts.length > 0) for (const p of parts) this.force(p);
    for (const n of ending?.needs ?? []) this.force(n);
    for (const w of writes) {
      w.address();
      this.push(w.value);
      w.store();
    }
    const locals = [frame.n, frame.z, frame.c, frame.v];
    for (const [i, p] of parts.entries()) {
      this.push(p);
      code.set(locals[i] ?? 0);
    }
  }

  /** A 64-bit field of the CPU's block. */
  word64(field: keyof typeof Layout): Node {
    return this.node('i64', [], () => {
      this.code.i32(0);
      this.code.memory('i64_load', this.frame.at(field), true);
    });
  }
}

/** The operand's value where it is known when the case is made. */
export function constantOperand(o: Operand): Operand | undefined {
  return o instanceof Sym ? o.constant : o;
}
