// Loads, stores and fetches as the architecture has them: alignment, translation, page crossing, byte order, RAM or device
// (DDI 0487 B2.2, D8). This is the complete path; engines have shorter ones for RAM.

import { Access } from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { Pa, Transaction, Width, Word64 } from '@worldswitch/platform';

import type { Cpu } from './cpu.ts';
import { ALIGNMENT, EXTERNAL_ABORT } from './translator.ts';

/** How an access is checked. */
export interface AccessFlags {
  /** With EL0's permissions. */
  readonly unprivileged?: boolean | undefined;
  /** Faults when unaligned whatever SCTLR_ELx.A says. */
  readonly aligned?: boolean | undefined;
}

const LOW32 = 0xffff_ffffn;
const LOW64 = 0xffff_ffff_ffff_ffffn;

/** The memory side of one CPU. */
export class MemoryAccess {
  private readonly cpu: Cpu;
  private readonly by: Transaction;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly view: DataView;
  /** Physical addresses of the two parts of the access that was checked last; the second is -1 within one page. */
  private first = 0;
  private second = -1;
  /** Whether they are in the Non-secure address space, and the one that is moved now. */
  private firstNs = true;
  private secondNs = true;
  private ns = true;

  constructor(cpu: Cpu, memory: WebAssembly.Memory, by: Transaction) {
    this.cpu = cpu;
    this.by = by;
    this.view = new DataView(memory.buffer);
  }

  /** A load of 1 to 32 bytes, lowest first, zero-extended. `align` is what SCTLR_ELx.A asks for. */
  load(va: bigint, bytes: number, align: number, flags: AccessFlags): bigint {
    this.check(va, bytes, align, Access.Read, flags);
    return this.transfer(va, bytes, false, 0n);
  }

  /** A store of 1 to 32 bytes. */
  store(va: bigint, bytes: number, align: number, value: bigint, flags: AccessFlags): void {
    this.check(va, bytes, align, Access.Write, flags);
    this.transfer(va, bytes, true, value);
  }

  /** Checks alignment, translation and permissions of all bytes; ends the instruction if there is a fault. */
  check(va: bigint, bytes: number, align: number, access: Access, flags: AccessFlags): void {
    const { cpu } = this;
    const { el } = cpu.state;
    const unprivileged = el === 0 || (flags.unprivileged === true && el === 1);
    const unaligned = (Number(va & 31n) & (align - 1)) !== 0;
    if (unaligned && (flags.aligned === true || cpu.alignmentChecked)) {
      cpu.translator.plainDataAbort(va, ALIGNMENT, access !== Access.Read);
      cpu.endInstruction();
    }
    this.first = this.translated(va, access, unprivileged, unaligned);
    this.firstNs = this.cpu.translator.nonSecure;
    const left = 4096 - Number(va & 0xfffn);
    this.second = -1;
    if (bytes > left) {
      this.second = this.translated((va + BigInt(left)) & LOW64, access, unprivileged, unaligned);
      this.secondNs = this.cpu.translator.nonSecure;
    }
    if (cpu.debug.watching) cpu.debug.checkAccess(va, bytes, access !== Access.Read, unprivileged, false);
  }

  /** Where an exclusive access of one page lies in the shared memory, or -1 if it is not RAM. */
  hostOf(va: bigint, bytes: number, write: boolean): number {
    this.check(va, bytes, bytes, write ? Access.Write : Access.Read, { aligned: true });
    return this.cpu.bus.host(this.first as Pa);
  }

  /** `bytes` bytes of the shared memory, lowest first. */
  peek(offset: number, bytes: number): bigint {
    if (bytes <= 8) return this.readHost(offset, bytes);
    return this.readHost(offset, 8) | (this.readHost(offset + 8, 8) << 64n);
  }

  /** The instruction word at the PC, or -1 in a page of software in TypeScript; ends the instruction if it cannot be fetched. */
  fetch(): number {
    const { cpu } = this;
    const { pcLo, pcHi, el } = cpu.state;
    if ((pcLo & 3) !== 0) {
      cpu.pcAlignmentFault();
      cpu.endInstruction();
    }
    const at = cpu.translator.translateHalves(pcLo, pcHi, Access.Execute, el === 0, false);
    if (at < 0) {
      cpu.translator.instructionAbort(cpu.state.pc);
      cpu.endInstruction();
    }
    const host = cpu.bus.host(at as Pa);
    if (host >= 0) return this.view.getUint32(host, true);
    if (cpu.software?.holds(at) === true) return -1;
    this.ns = cpu.translator.nonSecure;
    const word = cpu.bus.read(at as Pa, 4, this.transaction());
    if (this.failed()) {
      cpu.translator.fetchExternalAbort(cpu.state.pc);
      cpu.endInstruction();
    }
    return word >>> 0;
  }

  /** DC ZVA: the 64 bytes around `va`. */
  zeroBlock(va: bigint): void {
    const from = va & ~63n;
    const { cpu } = this;
    const at = cpu.translator.translate(va, Access.Write, cpu.state.el === 0, true);
    if (at < 0) {
      cpu.translator.dataAbort(va, false);
      cpu.endInstruction();
    }
    if (cpu.debug.watching) cpu.debug.checkAccess(from, 64, true, cpu.state.el === 0, false);
    this.first = at - (at % 64);
    this.second = -1;
    this.ns = cpu.translator.nonSecure;
    for (let i = 0; i < 64; i += 8) this.piece(this.first + i, 8, true, 0n, from);
  }

  /** A cache operation by address: translation and permissions only. */
  cacheOp(va: bigint, as: 'read' | 'write' | 'fetch'): void {
    const { cpu } = this;
    const access = as === 'write' ? Access.Write : Access.Maintenance;
    const user = cpu.state.el === 0;
    if (cpu.translator.translate(va, access, user, false) >= 0) {
      // Of the operations by address DC IVAC alone, which discards what was stored, is like a store to a whole line.
      if (as === 'write' && cpu.debug.watching) cpu.debug.checkAccess(va & ~63n, 64, true, user, true);
      return;
    }
    cpu.translator.dataAbort(va, true);
    cpu.endInstruction();
  }

  private translated(va: bigint, access: Access, unprivileged: boolean, unaligned: boolean): number {
    const at = this.cpu.translator.translate(va, access, unprivileged, unaligned);
    if (at >= 0) return at;
    this.cpu.translator.dataAbort(va, false);
    return this.cpu.endInstruction();
  }

  /** Moves the bytes in the largest aligned pieces that lie in one page. */
  private transfer(va: bigint, bytes: number, write: boolean, value: bigint): bigint {
    let result = 0n;
    let done = 0;
    const left = 4096 - Number(va & 0xfffn);
    while (done < bytes) {
      const inFirst = done < left || this.second < 0;
      const at = inFirst ? this.first + done : this.second + (done - left);
      this.ns = inFirst ? this.firstNs : this.secondNs;
      let piece = 8;
      while (piece > bytes - done || at % piece !== 0) piece >>= 1;
      const shift = BigInt(done * 8);
      const part = this.piece(at, piece, write, (value >> shift) & LOW64, va + BigInt(done));
      result |= part << shift;
      done += piece;
    }
    return result;
  }

  /** One aligned piece of 1, 2, 4 or 8 bytes. */
  private piece(at: number, bytes: number, write: boolean, value: bigint, va: bigint): bigint {
    const host = this.cpu.bus.host(at as Pa);
    if (host < 0) return this.device(at, bytes, write, value, va);
    if (!write) return this.readHost(host, bytes);
    const found = this.cpu.bus.memoryAt(at as Pa);
    if (found !== undefined && !found.memory.writable) return this.device(at, bytes, write, value, va);
    this.writeHost(host, bytes, value);
    if (found !== undefined) {
      const page = Math.floor((at - found.base) / 4096);
      found.memory.dirty[page >>> 5] = (found.memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
    }
    this.cpu.listener?.stored(at, bytes);
    return 0n;
  }

  private readHost(host: number, bytes: number): bigint {
    if (bytes === 8) return this.view.getBigUint64(host, true);
    if (bytes === 4) return BigInt(this.view.getUint32(host, true));
    return BigInt(bytes === 2 ? this.view.getUint16(host, true) : this.view.getUint8(host));
  }

  private writeHost(host: number, bytes: number, value: bigint): void {
    if (bytes === 8) this.view.setBigUint64(host, value, true);
    else if (bytes === 4) this.view.setUint32(host, Number(value & LOW32), true);
    else if (bytes === 2) this.view.setUint16(host, Number(value & 0xffffn), true);
    else this.view.setUint8(host, Number(value & 0xffn));
  }

  private transaction(): Transaction {
    this.by.privileged = this.cpu.state.el !== 0;
    this.by.secure = !this.ns;
    this.by.fault = Fault.None;
    return this.by;
  }

  private failed(): boolean {
    return this.by.fault !== Fault.None;
  }

  private device(at: number, bytes: number, write: boolean, value: bigint, va: bigint): bigint {
    const { bus, counters, slice } = this.cpu;
    const by = this.transaction();
    const lo = Number(value & LOW32);
    const hi = Number((value >> 32n) & LOW32);
    counters.deviceAccesses++;
    this.cpu.architectural?.deviceAccess(Number(va & LOW32), Number(va >> 32n), write);
    slice.charge(slice.costs?.device ?? 0);
    let result = 0n;
    if (bytes === 8) {
      if (write) bus.write64(at as Pa, lo, hi, by);
      else {
        bus.read64(at as Pa, this.word, by);
        result = (BigInt(this.word.hi) << 32n) | BigInt(this.word.lo);
      }
    } else if (write) {
      const mask = bytes === 4 ? lo : lo & ((1 << (8 * bytes)) - 1);
      bus.write(at as Pa, bytes as Width, mask, by);
    } else result = BigInt(bus.read(at as Pa, bytes as Width, by) >>> 0);
    if (this.failed()) {
      this.cpu.translator.plainDataAbort(va, EXTERNAL_ABORT, write);
      this.cpu.endInstruction();
    }
    return result;
  }
}
