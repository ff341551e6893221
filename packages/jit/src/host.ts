// What the interpreter asks of the CPU that it runs. The CPU (isa-core) owns the architecture: translation, exceptions,
// interrupts, the one instruction that the loop does not do itself. The interpreter owns only copies: fast TLBs, decoded pages.

import type { TlbShape } from '@worldswitch/mmu';

import type { Slice } from './isa.ts';

/** Why a page is not for the fast path. */
export type Refusal = 'checked' | 'watched' | 'fault' | 'device' | 'nowhere';

/** Where a page of guest memory lies. Made once, filled by every call. */
export interface FastMapping {
  /** Byte offset of the page's first byte in the shared `WebAssembly.Memory`. */
  host: number;
  /** True when the current context may read the page. */
  readable: boolean;
  /** True when the current context may store to the page, and it is RAM. */
  writable: boolean;
  /** Data accesses: true when the page's bit in `Memory.dirty` is set. */
  dirty: boolean;
  /** After `fillData` answered false: why. */
  refusal: Refusal;
}

/** Room for an answer. */
export const noMapping = (): FastMapping => ({
  host: 0,
  readable: false,
  writable: false,
  dirty: false,
  refusal: 'fault',
});

/** What the CPU tells the interpreter, at any time at which TypeScript runs. */
export interface HostListener {
  /**
   * The translation of one page is gone from the TLB, in any context.
   *
   * @param vaLo - the page, bits 31:12
   * @param vaHi - the page, bits 63:32
   */
  dropped(vaLo: number, vaHi: number): void;
  /** Any translations may be gone. */
  droppedAll(): void;
  /**
   * The CPU's own engine stored to RAM, at a byte offset of the shared memory. Told before the next instruction.
   */
  stored(host: number, bytes: number): void;
}

/** One CPU. All its state is in `memory` from `base` on, as isa-core's `Layout` says. */
export interface InterpreterHost {
  /** The memory that holds CPU state, guest RAM and the interpreter's own tables. */
  readonly memory: WebAssembly.Memory;
  /** Byte offset of the CPU's block. A multiple of 16. */
  readonly base: number;
  /**
   * Names everything that decides how data accesses and fetches translate now: exception level, PAN, ASID, VMID, which stages
   * are on. The same number means that translations made before still hold unless `dropped` was called.
   */
  readonly context: number;
  /** The context of LDTR and STTR. */
  readonly unprivilegedContext: number;
  /** True while every instruction must go through `step`: PSTATE.IL is set, software step is on. */
  readonly mustStep: boolean;
  /** True where the instruction at the PC is likely no instruction of memory's but software of the board's, which `step` calls. */
  readonly atSoftware: boolean;
  /** What is left of the slice, what was executed of it, and what instructions cost. */
  readonly slice: Slice;
  /** Begins a slice. */
  begin(budget: number): void;
  /** What may be spent before `settle` must be called before the next instruction: a counter may overflow then. May be infinite. */
  readonly untilEvent: number;
  /** Brings up to date what depends on the number of executed instructions: at the event, and at the end of a slice. */
  settle(): void;
  /** True in WFI or WFE with nothing pending. */
  readonly waiting: boolean;
  /**
   * Executes the instruction at the PC with the reference engine, or takes the exception that it or its fetch causes: one
   * counted. Interrupts were polled before.
   *
   * @param word - the instruction, where it was fetched already
   * @returns true when the CPU now waits (WFI or WFE with nothing pending)
   */
  step(word?: number): boolean;
  /** Takes a pending interrupt if PSTATE allows it now; true if it did, which counts as an instruction. */
  pollInterrupts(): boolean;
  /**
   * Translates an access of the current context and enters it into the TLB, as the access itself would. False, with nothing
   * changed, where the fast path must not be used: a fault, no RAM, memory that checks alignment, big-endian data, a watchpoint.
   *
   * @param vaLo - any byte of the page, bits 31:0
   * @param vaHi - bits 63:32
   */
  fillData(vaLo: number, vaHi: number, write: boolean, unprivileged: boolean, out: FastMapping): boolean;
  /** The same for an instruction fetch. False for a misaligned PC, and for pages with a breakpoint or software in TypeScript. */
  fillFetch(vaLo: number, vaHi: number, out: FastMapping): boolean;
  /** A page is about to become writable without further calls: sets its bit in `Memory.dirty`. */
  markDirty(host: number): void;
  /** What deals with misses in compiled code. */
  readonly walks?: {
    /** Takes bytes of the shared memory: see `WalkState.place`. */
    place(offset: number): TlbShape | undefined;
    /** Before compiled code runs. */
    prepare(): void;
    /** After it: takes its counts over. Answers how many pages it entered into the fast TLB. */
    takeCounts(): number;
  };
  /** Byte offset in the shared memory of a physical address, or -1 (`Bus.host`). */
  hostOf(pa: number): number;
  /** Who is told. One interpreter at a time. */
  listener: HostListener | undefined;
}
