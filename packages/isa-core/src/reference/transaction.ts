// One instruction is one transaction: its effects wait here until nothing can fault any more, then happen in the order
// stores, registers, flags, PC.

import { Layout } from '../cpu/layout.ts';
import type { Access, Raise } from '../semantics/builder.ts';
import { ZERO_SLOT } from '../semantics/operands.ts';
import type { ReferenceHost } from './host.ts';
import { MASK64 } from './values.ts';

interface PendingStore {
  readonly va: bigint;
  readonly bytes: number;
  readonly align: number;
  readonly value: bigint;
  readonly how: Access;
}

/** The exclusive monitor as an instruction leaves it. */
export interface Monitor {
  readonly open: boolean;
  readonly bytes: number;
  readonly host: number;
  readonly value: bigint;
}

interface HandlerCall {
  readonly name: string;
  readonly args: readonly bigint[];
  /** Slot of the register that takes the result. */
  readonly to: number | undefined;
}

const FPSR = Layout.fpsr >> 2;

/** The effects of the current instruction. */
export class Transaction {
  /** FPCR, and the FPSR bits that this instruction has set: a `FloatEnv`. */
  readonly env: { fpcr: number; fpsr: number } = { fpcr: 0, fpsr: 0 };
  private readonly host: ReferenceHost;
  private readonly stores: PendingStore[] = [];
  private readonly words: { offset: number; value: bigint }[] = [];
  private readonly vectors: { register: number; value: bigint }[] = [];
  private zeroed: bigint | undefined;
  private flags: number | undefined;
  private daif: number | undefined;
  private monitor: Monitor | undefined;
  private target: bigint | undefined;
  private call: HandlerCall | undefined;
  private raised: { readonly what: Raise; readonly immediate: number } | undefined;

  constructor(host: ReferenceHost) {
    this.host = host;
  }

  begin(): void {
    this.env.fpcr = this.host.state.word(Layout.fpcr);
    this.env.fpsr = 0;
    // Setting a length costs more than looking at it.
    if (this.stores.length > 0) this.stores.length = 0;
    if (this.words.length > 0) this.words.length = 0;
    if (this.vectors.length > 0) this.vectors.length = 0;
    this.zeroed = this.flags = this.daif = this.monitor = this.target = this.call = this.raised = undefined;
  }

  /** 64 bits at an offset of the CPU's block. */
  setWord(offset: number, value: bigint): void {
    this.words.push({ offset, value });
  }
  setX(slot: number, value: bigint): void {
    if (slot !== ZERO_SLOT) this.setWord(Layout.x + 8 * slot, value);
  }
  setV(register: number, value: bigint): void {
    this.vectors.push({ register, value });
  }
  setFlags(nzcv: number): void {
    this.flags = nzcv;
  }
  setDaif(value: number): void {
    this.daif = value;
  }
  setMonitor(monitor: Monitor): void {
    this.monitor = monitor;
  }
  jump(target: bigint): void {
    this.target = target;
  }
  zeroBlock(va: bigint): void {
    this.zeroed = va;
  }
  store(va: bigint, bytes: number, align: number, value: bigint, how: Access): void {
    this.stores.push({ va, bytes, align, value, how });
  }
  handler(name: string, args: readonly bigint[], to?: number): void {
    this.call = { name, args, to };
  }

  /** The instruction asks for an exception and does nothing else. */
  raise(what: Raise, immediate: number): void {
    this.raised = { what, immediate };
  }

  /** Makes it all happen. False where the instruction ended in an exception, or a handler set PC. */
  commit(): boolean {
    const { state } = this.host;
    if (this.raised !== undefined) {
      this.host.raise(this.raised.what, this.raised.immediate);
      return false;
    }
    this.commitStores();
    if (this.call !== undefined) {
      const result = this.host.callHandler(this.call.name, this.call.args);
      if (result === undefined) return false;
      if (this.call.to !== undefined) state.setX(this.call.to, result);
      return true;
    }
    for (const { offset, value } of this.words) state.u64[offset >> 3] = value;
    for (const { register, value } of this.vectors) {
      state.u64[(Layout.v >> 3) + 2 * register] = value & MASK64;
      state.u64[(Layout.v >> 3) + 2 * register + 1] = value >> 64n;
    }
    if (this.env.fpsr !== 0) state.u32[FPSR] = state.word(Layout.fpsr) | this.env.fpsr;
    if (this.flags !== undefined) state.nzcv = this.flags << 28;
    if (this.daif !== undefined) state.daif = this.daif;
    if (this.monitor !== undefined) this.commitMonitor(this.monitor);
    state.pc = this.target === undefined ? state.pc + 4n : this.host.branchTarget(this.target);
    return true;
  }

  /** Nothing may be stored before all stores have passed their checks. */
  private commitStores(): void {
    if (this.stores.length > 1)
      for (const s of this.stores) this.host.checkStore(s.va, s.bytes, s.align, s.how);
    for (const s of this.stores) this.host.store(s.va, s.bytes, s.align, s.value, s.how);
    if (this.zeroed !== undefined) this.host.zeroBlock(this.zeroed);
  }

  private commitMonitor(monitor: Monitor): void {
    const { state } = this.host;
    state.setWord(Layout.exclusiveOpen, monitor.open ? 1 : 0);
    if (!monitor.open) return;
    state.setWord(Layout.exclusiveBytes, monitor.bytes);
    state.setWord(Layout.exclusiveHost, monitor.host);
    state.u64[Layout.exclusiveValue >> 3] = monitor.value & MASK64;
    state.u64[(Layout.exclusiveValue >> 3) + 1] = monitor.value >> 64n;
  }
}
