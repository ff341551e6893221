// Expressions as functions that push their value: for code that is written by hand and not made from a table.

import type { Code, Target } from './code.ts';
import type { OpName, TypeName } from './opcodes.ts';

/** Emits code that leaves one value on the stack. */
export type Push = () => void;

/** Writes statements and expressions to one function. */
export class Writer {
  readonly code: Code;

  constructor(code: Code) {
    this.code = code;
  }

  // ---- expressions

  i32(value: number): Push {
    return () => {
      this.code.i32(value);
    };
  }
  i64(value: bigint | number): Push {
    return () => {
      this.code.i64(BigInt(value));
    };
  }
  /** A local's value. */
  of(local: number): Push {
    return () => {
      this.code.get(local);
    };
  }
  /** An instruction on its operands. */
  op(name: OpName, ...operands: readonly Push[]): Push {
    return () => {
      for (const push of operands) push();
      this.code.op(name);
    };
  }
  /** A load from an address and a constant. */
  load(name: OpName, address: Push, offset: number): Push {
    return () => {
      address();
      this.code.memory(name, offset);
    };
  }
  /** A load from a constant address. */
  at(name: OpName, address: number): Push {
    return this.load(name, this.i32(0), address);
  }

  // ---- statements

  /** A new local with a value. */
  let(type: TypeName, value: Push): number {
    const local = this.code.fixedLocal(type);
    this.set(local, value);
    return local;
  }
  set(local: number, value: Push): void {
    value();
    this.code.set(local);
  }
  store(name: OpName, address: Push, offset: number, value: Push): void {
    address();
    value();
    this.code.memory(name, offset);
  }
  storeAt(name: OpName, address: number, value: Push): void {
    this.store(name, this.i32(0), address, value);
  }
  /** Adds to a word at a constant address. */
  addAt(address: number, value: Push): void {
    this.storeAt('i32_store', address, this.op('i32_add', this.at('i32_load', address), value));
  }
  if(condition: Push, then: () => void, otherwise?: () => void): void {
    condition();
    this.code.if();
    then();
    if (otherwise !== undefined) {
      this.code.else();
      otherwise();
    }
    this.code.end();
  }
  /** Branches if the condition holds. */
  when(condition: Push, to: Target): void {
    condition();
    this.code.brIf(to);
  }
  /** A loop over a counter that steps from one value to below another. */
  for(counter: number, from: Push, below: Push, body: () => void): void {
    const { code } = this;
    this.set(counter, from);
    const done = code.block();
    const again = code.loop();
    this.when(this.op('i32_ge_u', this.of(counter), below), done);
    body();
    this.set(counter, this.op('i32_add', this.of(counter), this.i32(1)));
    code.br(again);
    code.end();
    code.end();
  }
}
