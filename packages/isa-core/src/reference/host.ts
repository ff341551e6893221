// What the reference engine needs of a CPU: its registers, memory as the CPU sees it, and exceptions. Nothing else.

import type { CpuState } from '../cpu/state.ts';
import type { Access, Raise } from '../semantics/builder.ts';

/**
 * The CPU of a reference engine. A method that is marked as aborting takes the exception in full (nothing of the current
 * instruction is visible yet, and PC is its address) and then throws `instructionEnded`.
 */
export interface ReferenceHost {
  /** The registers. */
  readonly state: CpuState;
  /**
   * Loads `bytes` (1 to 32) bytes, as a little-endian number whatever the byte order. Aborts.
   *
   * @param va - address as computed, with its tag
   * @param bytes - size of the whole access
   * @param align - alignment that SCTLR_ELx.A asks for, and `how.aligned` always
   * @param how - what is special
   */
  load(va: bigint, bytes: number, align: number, how: Access): bigint;
  /** Does all checks of `store` and nothing else. Aborts. */
  checkStore(va: bigint, bytes: number, align: number, how: Access): void;
  /** Stores the low `bytes` bytes of `value`, lowest first. Aborts. */
  store(va: bigint, bytes: number, align: number, value: bigint, how: Access): void;
  /**
   * Where the memory at `va` lies in the shared `WebAssembly.Memory`, for an exclusive access that was found allowed, or
   * that this finds out (`write`: a store). -1 where there is no memory. Aborts.
   */
  exclusiveAddress(va: bigint, bytes: number, write: boolean): number;
  /** `bytes` bytes of the shared memory, lowest first. */
  peek(offset: number, bytes: number): bigint;
  /** DC ZVA, without its trap. Aborts. */
  zeroBlock(va: bigint): void;
  /** `Builder.cacheOp`. Aborts. */
  cacheOp(va: bigint, as: 'read' | 'write' | 'fetch'): void;
  /** AArch64.BranchAddr(): where a branch to `va` goes, without a tag where the current level ignores tags. */
  branchTarget(va: bigint): bigint;
  /** Raises the SP alignment fault of a load or store whose base is SP, if there is one. Aborts. */
  checkSp(): void;
  /** Takes a synchronous exception: the instruction has ended. */
  raise(what: Raise, immediate: number): void;
  /** Takes the exception of a trapped access to the FP and SIMD registers and throws. */
  raiseFpTrap(): never;
  /**
   * Runs a handler, which leaves PC where execution goes on. Its result is for a register; undefined where the handler set PC itself
   * or took an exception. Aborts.
   */
  callHandler(name: string, args: readonly bigint[]): bigint | undefined;
}

/** Thrown when an instruction has ended in an exception that the CPU has already taken. No error: it is caught in `step`. */
export class InstructionEnded extends Error {
  /** For whoever sees it by mistake. */
  override readonly message: string = 'the instruction ended in an exception';
}

/** The one instance: throwing it allocates nothing. */
export const instructionEnded: InstructionEnded = new InstructionEnded();
