// A CPU for the reference evaluator that is what a Linux process sees: EL0, a window of memory and nothing else, signals for
// exceptions.

import { Layout } from '../../src/cpu/layout.ts';
import { CpuState } from '../../src/cpu/state.ts';
import { instructionEnded } from '../../src/reference/index.ts';
import type { ReferenceHost } from '../../src/reference/index.ts';
import type { Access, Raise } from '../../src/semantics/builder.ts';
import { WINDOW } from './batch.ts';

/** Linux's numbers. */
export const Signal = { none: 0, SIGILL: 4, SIGTRAP: 5, SIGBUS: 7, SIGSEGV: 11 } as const;

const WINDOW_OFFSET = 0x4000;

/** The CPU. */
export class TestHost implements ReferenceHost {
  readonly state: CpuState;
  /** The bytes of the window. */
  readonly window: Uint8Array;
  /** The window's address. */
  windowAt = 0n;
  /** The signal that the last instruction ended in. */
  signal: number = Signal.none;
  /** The first address that an instruction accessed since this was cleared. */
  accessed: bigint | undefined;
  /** True when an instruction did what this host knows nothing of. */
  strange = false;

  constructor() {
    const memory = new WebAssembly.Memory({ initial: 1 });
    this.state = new CpuState(memory, 0);
    // No direct access to a system register: a process may hardly access any, and the handler ends it.
    this.state.setWord(Layout.accessTraps, -1);
    this.window = new Uint8Array(memory.buffer, WINDOW_OFFSET, WINDOW);
  }

  private end(signal: number): never {
    this.signal = signal;

    throw instructionEnded;
  }
  private offsetOf(va: bigint, bytes: number, align: number, how: Access): number {
    this.accessed ??= va;
    if (how.aligned === true && va % BigInt(align) !== 0n) this.end(Signal.SIGBUS);
    const offset = BigInt.asUintN(64, va - this.windowAt);
    if (offset + BigInt(bytes) > WINDOW) this.end(Signal.SIGSEGV);
    return Number(offset);
  }
  load(va: bigint, bytes: number, align: number, how: Access): bigint {
    const offset = this.offsetOf(va, bytes, align, how);
    return this.peek(WINDOW_OFFSET + offset, bytes);
  }
  checkStore(va: bigint, bytes: number, align: number, how: Access): void {
    this.offsetOf(va, bytes, align, how);
  }
  store(va: bigint, bytes: number, align: number, value: bigint, how: Access): void {
    const offset = this.offsetOf(va, bytes, align, how);
    for (let i = 0; i < bytes; i++) this.window[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  exclusiveAddress(va: bigint, bytes: number): number {
    return WINDOW_OFFSET + this.offsetOf(va, bytes, 1, {});
  }
  peek(offset: number, bytes: number): bigint {
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--)
      value = (value << 8n) | BigInt(this.window[offset - WINDOW_OFFSET + i] ?? 0);
    return value;
  }
  zeroBlock(va: bigint): void {
    const offset = this.offsetOf(va & ~63n, 64, 1, {});
    this.window.fill(0, offset, offset + 64);
  }
  cacheOp(va: bigint): void {
    this.offsetOf(va, 1, 1, {});
  }
  branchTarget(va: bigint): bigint {
    return va;
  }
  checkSp(): void {
    // Linux processes under QEMU run with SCTLR_EL1.SA0 clear.
  }
  raise(what: Raise): never {
    if (what === 'svc' || what === 'hlt') this.strange = true;
    return this.end(what === 'brk' ? Signal.SIGTRAP : Signal.SIGILL);
  }
  raiseFpTrap(): never {
    return this.end(Signal.SIGILL);
  }
  /** A process may not execute what has a handler. */
  callHandler(): bigint {
    return this.end(Signal.SIGILL);
  }

  /** The whole state, to compare and to go back to. */
  save(): Uint8Array {
    const saved = new Uint8Array(Layout.cells + WINDOW);
    saved.set(this.state.bytes.subarray(0, Layout.cells));
    saved.set(this.window, Layout.cells);
    return saved;
  }
  /** Goes back to a state. */
  restore(saved: Uint8Array): void {
    this.state.bytes.set(saved.subarray(0, Layout.cells));
    this.window.set(saved.subarray(Layout.cells));
  }
}
