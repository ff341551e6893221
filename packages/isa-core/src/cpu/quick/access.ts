// Loads and stores that the fast paths leave for want of a translation: those on two pages, those of devices, those that fault,
// and stores to pages of code. The same as by `MemoryAccess`, without numbers of 64 bits (DDI 0487 B2.2, D8).

import { Access } from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { Memory, Pa, Transaction, Width, Word64 } from '@worldswitch/platform';

import type { Cpu } from '../cpu.ts';
import { Layout } from '../layout.ts';
import { accessForm, createForm } from './access-form.ts';
import type { AccessForm } from './access-form.ts';

/** Offset of the words of X0. */
const X: number = Layout.x >> 2;
const ZERO = 32;

/** One part of an access: the bytes that lie on one page. */
interface Part {
  host: number;
  pa: number;
  memory: Memory | undefined;
  /** Of its first byte in the window. */
  offset: number;
}

/** Simple accesses of one CPU. */
export class QuickAccess {
  private readonly cpu: Cpu;
  private readonly form: AccessForm = createForm();
  private readonly bytes: Uint8Array;
  /** What is loaded or stored. */
  private readonly data = new Uint8Array(32);
  private readonly dataWords = new Uint32Array(this.data.buffer);
  private readonly first: Part = { host: -1, pa: 0, memory: undefined, offset: 0 };
  private readonly second: Part = { host: -1, pa: 0, memory: undefined, offset: 0 };
  private readonly by: Transaction;
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private vaLo = 0;
  private vaHi = 0;

  constructor(cpu: Cpu) {
    this.cpu = cpu;
    this.bytes = new Uint8Array(cpu.memory.buffer);
    this.by = {
      requester: cpu.index,
      streamId: -1,
      secure: false,
      privileged: true,
      fault: Fault.None,
    };
  }

  /** Executes the instruction, or takes its abort. False, with nothing changed but counts of the TLB, if it is none of these. */
  step(word: number): boolean {
    const { cpu, form } = this;
    if (!accessForm(word, form) || cpu.alignmentChecked || cpu.bigEndian) return false;
    if (form.vector && cpu.state.word(Layout.fpTrap) !== 0) return false;
    if (form.base === 31 && cpu.state.word(Layout.spCheck) !== 0 && ((cpu.state.u32[X + 62] ?? 0) & 15) !== 0)
      return false;
    this.address(word);
    const { bytes, count, store } = form;
    const unaligned = (this.vaLo & (bytes - 1)) !== 0;
    if (unaligned && form.aligned) return false;
    const all = bytes * count;
    const here = Math.min(all, 4096 - (this.vaLo & 0xfff));
    if (!this.translate(this.first, 0, unaligned)) return true;
    if (here < all && !this.translate(this.second, here, unaligned)) return true;
    if (this.first.host < 0) return here === all && !unaligned && count === 1 && this.device();
    if (here < all && this.second.host < 0) return false;
    if (store && !(writable(this.first) && (here === all || writable(this.second)))) return false;
    if (store) this.fromRegisters();
    this.move(this.first, 0, here);
    if (here < all) this.move(this.second, here, all);
    if (!store) this.toRegisters();
    this.finish();
    return true;
  }

  /** The address, by the registers. */
  private address(word: number): void {
    const { form } = this;
    const { u32 } = this.cpu.state;
    const at = X + 2 * form.base;
    let byLo = form.offset | 0;
    let byHi = byLo >> 31;
    if (form.indexed) {
      const m = (word >>> 16) & 31;
      const slot = X + 2 * (m === 31 ? ZERO : m);
      const shift = (word & 0x1000) === 0 ? 0 : Math.log2(form.bytes);
      const option = (word >>> 13) & 7;
      const lo = u32[slot] ?? 0;
      const hi = option === 2 ? 0 : option === 6 ? (lo | 0) >> 31 : (u32[slot + 1] ?? 0);
      byLo = lo << shift;
      byHi = shift === 0 ? hi : (hi << shift) | (lo >>> (32 - shift));
    }
    this.vaLo = ((u32[at] ?? 0) + byLo) >>> 0;
    this.vaHi = ((u32[at + 1] ?? 0) + byHi + carry(this.vaLo, byLo)) >>> 0;
  }

  /** Where the byte `plus` of the access lies. False if there is a fault, which is then taken. */
  private translate(part: Part, plus: number, unaligned: boolean): boolean {
    const { cpu, form } = this;
    const { translator, bus, state } = cpu;
    const lo = (this.vaLo + plus) >>> 0;
    const hi = (this.vaHi + carry(lo, plus)) >>> 0;
    const user = state.el === 0 || (form.unprivileged && state.el === 1);
    const access = form.store ? Access.Write : Access.Read;
    const pa = translator.translateHalves(lo, hi, access, user, unaligned);
    if (pa < 0) {
      translator.dataAbortAt(lo, hi, false);
      return false;
    }
    const found = bus.memoryAt(pa as Pa);
    part.pa = pa;
    part.memory = found?.memory;
    part.offset = found === undefined ? 0 : pa - found.base;
    part.host = found === undefined ? -1 : found.memory.offset + part.offset;
    this.by.secure = !translator.nonSecure;
    return true;
  }

  private move(part: Part, from: number, to: number): void {
    const { bytes, data, form } = this;
    const { host, memory } = part;
    if (!form.store) {
      for (let i = from; i < to; i++) data[i] = bytes[host + i - from] ?? 0;
      return;
    }
    for (let i = from; i < to; i++) bytes[host + i - from] = data[i] ?? 0;
    const page = Math.floor(part.offset / 4096);
    if (memory !== undefined) memory.dirty[page >>> 5] = (memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
    this.cpu.listener?.stored(part.pa, to - from);
  }

  /** An aligned access to registers of a device. False where it must be made again, and in full. */
  private device(): boolean {
    const { cpu, form, by, dataWords, first } = this;
    const { bytes, store } = form;
    if (bytes > 8 || form.vector) return false;
    by.privileged = cpu.state.el !== 0;
    by.fault = Fault.None;
    cpu.counters.deviceAccesses++;
    cpu.architectural?.deviceAccess(this.vaLo, this.vaHi, store);
    if (store) this.fromRegisters();
    const at = first.pa as Pa;
    const lo = dataWords[0] ?? 0;
    if (bytes === 8) {
      if (store) cpu.bus.write64(at, lo, dataWords[1] ?? 0, by);
      else {
        cpu.bus.read64(at, this.word, by);
        dataWords[0] = this.word.lo;
        dataWords[1] = this.word.hi;
      }
    } else if (store) cpu.bus.write(at, bytes as Width, bytes === 4 ? lo : lo & ((1 << (8 * bytes)) - 1), by);
    else dataWords[0] = cpu.bus.read(at, bytes as Width, by);
    // Whoever set it, TypeScript does not see it.
    if ((by.fault as Fault) !== Fault.None) {
      cpu.translator.externalAbortAt(this.vaLo, this.vaHi, store);
      return true;
    }
    if (!store) this.toRegisters();
    this.finish();
    return true;
  }

  private fromRegisters(): void {
    this.place(0, this.form.first);
    if (this.form.count === 2) this.place(this.form.bytes, this.form.second);
  }

  /** Takes a register's bytes to what is stored. */
  private place(at: number, register: number): void {
    const { form, data } = this;
    const from = form.vector ? Layout.v + 16 * register : Layout.x + 8 * (register === 31 ? ZERO : register);
    const { bytes } = this.cpu.state;
    for (let i = 0; i < form.bytes; i++) data[at + i] = bytes[from + i] ?? 0;
  }

  private toRegisters(): void {
    this.take(0, this.form.first);
    if (this.form.count === 2) this.take(this.form.bytes, this.form.second);
  }

  /** Gives a register what was loaded. */
  private take(at: number, register: number): void {
    const { form, data, dataWords } = this;
    const { u32 } = this.cpu.state;
    if (form.vector) {
      const { bytes } = this.cpu.state;
      const to = Layout.v + 16 * register;
      for (let i = 0; i < 16; i++) bytes[to + i] = i < form.bytes ? (data[at + i] ?? 0) : 0;
      return;
    }
    if (register === 31) return;
    const slot = X + 2 * register;
    if (form.bytes === 8) {
      u32[slot] = dataWords[at >> 2] ?? 0;
      u32[slot + 1] = dataWords[(at >> 2) + 1] ?? 0;
      return;
    }
    const unused = 32 - 8 * form.bytes;
    const raw = (dataWords[at >> 2] ?? 0) << unused;
    u32[slot] = form.signed ? raw >> unused : raw >>> unused;
    u32[slot + 1] = form.signed && !form.narrow ? raw >> 31 : 0;
  }

  /** Write-back, and the next instruction. */
  private finish(): void {
    const { form } = this;
    const { state } = this.cpu;
    const { u32 } = state;
    const by = form.writeBack | 0;
    if (by !== 0) {
      const at = X + 2 * form.base;
      const lo = ((u32[at] ?? 0) + by) >>> 0;
      u32[at] = lo;
      u32[at + 1] = (u32[at + 1] ?? 0) + (by >> 31) + carry(lo, by);
    }
    state.nextPc();
  }
}

/** The carry of an addition modulo 2^32, by its result and one of its operands. */
const carry = (sum: number, operand: number): number => (sum < operand >>> 0 ? 1 : 0);

const writable = ({ memory }: Part): boolean => memory?.writable === true;
