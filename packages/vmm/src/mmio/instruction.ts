// Executing one load or store of the guest in its place: by the instruction table's own semantics, on registers that come and
// go through the port, and memory that is the VM's (DDI 0487 C3.2). First the addresses are found without an effect.

import { CpuLayout, CpuState, decode, instructionEnded, referenceEvaluator } from '@worldswitch/isa-core';
import type { Decoded, ReferenceEvaluator, ReferenceHost } from '@worldswitch/isa-core';
import { Fault } from '@worldswitch/platform';
import type { CpuPort, Ipa, SystemRegister, Transaction, Width, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';

const SP_EL0 = systemRegister('SP_EL0');
const SP_EL1 = systemRegister('SP_EL1');
const SP_SLOT = 31;
const LOW32 = 0xffff_ffffn;
/** The bytes that DC ZVA clears. */
const ZERO_BLOCK = 64;

/** How an instruction's accesses reach the VM. */
export interface GuestReach {
  /** The physical address of the VM's that a virtual one stands for, or the fault status code, negative and minus one. */
  stage1(port: CpuPort, va: bigint, write: boolean, user: boolean): number;
  /** A load of 1 to 8 bytes within a page, lowest first. */
  load(port: CpuPort, ipa: Ipa, width: Width | 8, out: Word64, by: Transaction): Fault;
  /** A store. */
  store(port: CpuPort, ipa: Ipa, width: Width | 8, lo: number, hi: number, by: Transaction): Fault;
}

/** What is known of the guest and of the abort that it took. */
export interface Circumstances {
  /** The preferred return address: where the instruction is. */
  readonly pc: bigint;
  /** FAR_EL2. */
  readonly va: bigint;
  /** The IPA of `va`. */
  readonly ipa: Ipa;
  readonly write: boolean;
  /** Of the abort: whether it is from EL0, and whether SP_EL0 is its stack pointer. */
  readonly user: boolean;
  readonly spEl0: boolean;
  readonly bigEndian: boolean;
}

/**
 * How it ended: `other` where the instruction is none that takes such an abort (it is not the one that did any more); a number is
 * the fault status for the guest, at `faultVa`.
 */
export type InstructionEnd = 'done' | 'other' | number;

/** A synchronous external abort. */
const EXTERNAL = 0x10;

interface Access {
  readonly va: bigint;
  readonly bytes: number;
  readonly write: boolean;
}

/** Evaluates loads and stores of guests, one at a time. */
export class InstructionEmulator {
  /** Where the last instruction failed. */
  faultVa = 0n;
  faultWrite = false;
  private readonly state: CpuState = new CpuState(new WebAssembly.Memory({ initial: 1 }), 0);
  private readonly evaluator: ReferenceEvaluator;
  private readonly accesses: Access[] = [];
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly vector: Uint32Array = new Uint32Array(4);
  /** Finding addresses: nothing is accessed. */
  private dry = true;
  /** It did something that no load or store does. */
  private strange = false;
  private status = 0;
  private port: CpuPort | undefined;
  private access: GuestReach | undefined;
  private by: Transaction | undefined;
  private circumstances: Circumstances | undefined;

  constructor() {
    this.evaluator = referenceEvaluator(this.host());
  }

  /** Does what the instruction `word` does, registers included, but does not go on behind it. */
  execute(
    port: CpuPort,
    word: number,
    guest: GuestReach,
    circumstances: Circumstances,
    by: Transaction,
  ): InstructionEnd {
    const decoded = decode(word);
    if (decoded === undefined) return 'other';
    this.port = port;
    this.access = guest;
    this.by = by;
    this.circumstances = circumstances;
    try {
      return this.run(port, decoded, circumstances);
    } finally {
      this.port = this.access = this.by = this.circumstances = undefined;
    }
  }

  private run(port: CpuPort, decoded: Decoded, c: Circumstances): InstructionEnd {
    this.fill(port, decoded, c);
    const before = this.state.u64.slice();
    this.dry = true;
    this.strange = false;
    this.accesses.length = 0;
    this.evaluator.step(decoded);
    this.state.u64.set(before);
    if (!this.fits(c)) return 'other';
    this.dry = false;
    this.status = 0;
    if (!this.evaluator.step(decoded)) return this.status === 0 ? 'other' : this.status;
    this.writeBack(port, decoded, before, c);
    return 'done';
  }

  /** True where it is a load or store, and one of its accesses the one that aborted. */
  private fits({ va, write }: Circumstances): boolean {
    if (this.strange) return false;
    const at = va & 0xff_ffff_ffff_ffffn;
    return this.accesses.some((a) => {
      const from = a.va & 0xff_ffff_ffff_ffffn;
      return a.write === write && at >= from && at < from + BigInt(a.bytes);
    });
  }

  /** The registers that the instruction names. */
  private fill(port: CpuPort, { operands, row }: Decoded, c: Circumstances): void {
    const { state, word, vector } = this;
    state.u64.fill(0n);
    state.pc = c.pc;
    state.setWord(CpuLayout.bigEndian, c.bigEndian ? 1 : 0);
    // No optional instruction is a load or store that aborts to EL2.
    state.setWord(CpuLayout.absent, 0xffff_ffff);
    for (const { kind, value } of Object.values(operands)) {
      if (kind === 'x' && value <= SP_SLOT) {
        if (value === SP_SLOT) port.readSystem(stackPointer(c), word);
        else port.readX(value, word);
        state.setX(value, (BigInt(word.hi) << 32n) | BigInt(word.lo));
      } else if (kind === 'v' && row.gate === 'fp') {
        port.readV(value, vector);
        state.u32.set(vector, (CpuLayout.v >> 2) + 4 * value);
      }
    }
  }

  private writeBack(port: CpuPort, { operands }: Decoded, before: BigUint64Array, c: Circumstances): void {
    const { state, vector } = this;
    const seen = new Set<string>();
    for (const { kind, value } of Object.values(operands)) {
      const key = `${kind}${value}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (kind === 'x' && value <= SP_SLOT) {
        const now = state.x(value);
        if (now === before[CpuLayout.x / 8 + value]) continue;
        const lo = Number(now & LOW32);
        const hi = Number(now >> 32n);
        if (value === SP_SLOT) port.writeSystem(stackPointer(c), lo, hi);
        else port.writeX(value, lo, hi);
      } else if (kind === 'v') {
        const at = (CpuLayout.v >> 3) + 2 * value;
        if (state.u64[at] === before[at] && state.u64[at + 1] === before[at + 1]) continue;
        vector.set(state.u32.subarray(2 * at, 2 * at + 4));
        port.writeV(value, vector);
      }
    }
  }

  private host(): ReferenceHost {
    const stranger = (): never => {
      this.strange = true;
      throw instructionEnded;
    };
    return {
      state: this.state,
      load: (va, bytes, _align, how) => {
        if (!this.noted(va, bytes, false)) return this.move(va, bytes, false, 0n, how.unprivileged === true);
        return 0n;
      },
      checkStore: (va, bytes) => {
        this.noted(va, bytes, true);
      },
      store: (va, bytes, _align, value, how) => {
        if (!this.noted(va, bytes, true)) this.move(va, bytes, true, value, how.unprivileged === true);
      },
      // Exclusives to what is no memory of the machine never succeed.
      exclusiveAddress: (va, bytes, write) => {
        this.noted(va, bytes, write);
        return -1;
      },
      peek: () => 0n,
      zeroBlock: (va) => {
        const from = va & ~BigInt(ZERO_BLOCK - 1);
        if (!this.noted(from, ZERO_BLOCK, true)) this.move(from, ZERO_BLOCK, true, 0n, false);
      },
      cacheOp: stranger,
      branchTarget: stranger,
      checkSp: () => undefined,
      raise: () => {
        this.strange = true;
      },
      raiseFpTrap: stranger,
      callHandler: () => {
        this.strange = true;
        return undefined;
      },
    };
  }

  private noted(va: bigint, bytes: number, write: boolean): boolean {
    if (this.dry) this.accesses.push({ va, bytes, write });
    return this.dry;
  }

  /** Moves the bytes in the largest aligned pieces, as the CPU does. */
  private move(va: bigint, bytes: number, write: boolean, value: bigint, unprivileged: boolean): bigint {
    let result = 0n;
    let page = -1n;
    let base = 0;
    for (let done = 0; done < bytes;) {
      const at = BigInt.asUintN(64, va + BigInt(done));
      if (at >> 12n !== page) {
        page = at >> 12n;
        base = this.ipaOf(at, write, unprivileged) - Number(at & 0xfffn);
      }
      const ipa = base + Number(at & 0xfffn);
      let piece: 1 | 2 | 4 | 8 = 8;
      while (piece > bytes - done || ipa % piece !== 0) piece = (piece >> 1) as 1 | 2 | 4;
      const part = this.piece(at, ipa as Ipa, piece, write, value >> BigInt(8 * done));
      result |= part << BigInt(8 * done);
      done += piece;
    }
    return result;
  }

  private ipaOf(va: bigint, write: boolean, unprivileged: boolean): number {
    const { port, access, circumstances: c } = this;
    if (port === undefined || access === undefined || c === undefined) throw instructionEnded;
    if (va >> 12n === c.va >> 12n) return c.ipa - Number(c.va & 0xfffn) + Number(va & 0xfffn);
    const ipa = access.stage1(port, va, write, c.user || unprivileged);
    return ipa >= 0 ? ipa : this.fail(va, write, -1 - ipa);
  }

  private piece(va: bigint, ipa: Ipa, bytes: 1 | 2 | 4 | 8, write: boolean, value: bigint): bigint {
    const { port, access, by, word } = this;
    if (port === undefined || access === undefined || by === undefined) throw instructionEnded;
    if (write) {
      const part = BigInt.asUintN(8 * bytes, value);
      const fault = access.store(port, ipa, bytes, Number(part & LOW32), Number(part >> 32n), by);
      if (fault !== Fault.None) this.fail(va, true, EXTERNAL);
      return 0n;
    }
    if (access.load(port, ipa, bytes, word, by) !== Fault.None) this.fail(va, false, EXTERNAL);
    return BigInt.asUintN(8 * bytes, (BigInt(word.hi) << 32n) | BigInt(word.lo));
  }

  private fail(va: bigint, write: boolean, status: number): never {
    this.status = status;
    this.faultVa = va;
    this.faultWrite = write;
    throw instructionEnded;
  }
}

const stackPointer = (c: Circumstances): SystemRegister => (c.spEl0 ? SP_EL0 : SP_EL1);
