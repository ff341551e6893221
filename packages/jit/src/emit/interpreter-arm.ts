// One case of the interpreter in the making: operands are places in the record, registers lie in memory, and flags in locals.

import type { Operand } from '../isa.ts';
import type { OpName } from '../wasm/opcodes.ts';
import { Arm, constantOperand } from './arm.ts';
import { DISCARD_SLOT } from './frame.ts';
import type { Frame } from './frame.ts';
import type { FlagNodes, Node } from './node.ts';
import { asSymbol } from './symbol.ts';

/** How the instruction ends when not with the next one. */
interface Ending {
  /** What must be in locals before registers change. */
  readonly needs: readonly Node[];
  /** Emits the branches; falls through where the next instruction follows. */
  readonly emit: () => void;
}

/** One case in the making. */
export class InterpreterArm extends Arm {
  override readonly frame: Frame;
  /** What the instruction costs, where instructions have costs: charged when nothing can keep it from being done. */
  cost = 0;
  private flags: FlagNodes | undefined;
  private ending: Ending | undefined;

  constructor(frame: Frame) {
    super(frame);
    this.frame = frame;
  }

  floatFlags(less: Node, different: Node, notLess: Node): FlagNodes {
    const zero = this.constant('i64', 0n);
    return { n: this.integer('sub', zero, less), z: different, c: notLess, v: this.constant('i64', 0n) };
  }

  override reset(): void {
    super.reset();
    this.flags = this.ending = undefined;
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
    if (frame.costs !== undefined) frame.spend(0, this.cost);
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
}
