// A CPU port without a CPU: registers in maps, memory in an array, devices by range, and a record of all that was done.

import { Fault } from '@worldswitch/platform';
import type {
  AtomicKind,
  CpuPort,
  FaultDetail,
  Mmio,
  SystemOperation,
  SystemRegister,
  Transaction,
  Width,
  Word64,
} from '@worldswitch/platform';

import { systemOperation, systemRegister } from '../src/names.ts';

/** One operation of the port. */
export type Done =
  | { readonly what: 'read' | 'write'; readonly register: SystemRegister; readonly value: bigint }
  | {
      readonly what: 'load' | 'store';
      readonly at: number;
      readonly width: number;
      readonly value: bigint;
      readonly unprivileged?: true;
    }
  | { readonly what: 'operate'; readonly operation: SystemOperation; readonly value: bigint }
  | { readonly what: 'copy'; readonly to: number; readonly from: number; readonly bytes: number }
  | { readonly what: 'work'; readonly instructions: number };

const U64 = 0xffff_ffff_ffff_ffffn;
const word = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const set = (out: Word64, value: bigint): void => {
  out.lo = Number(value & 0xffff_ffffn);
  out.hi = Number((value >> 32n) & 0xffff_ffffn);
};
const address = (at: Word64): number => at.hi * 2 ** 32 + at.lo;

/** Where the fake's memory is unless said otherwise. */
export const RAM = 0x4000_0000;

/** The fake. Addresses are physical; what neither memory nor a device decodes gives `Fault.Decode`. */
export class FakePort implements CpuPort {
  readonly index: number;
  readonly level: number = 2;
  readonly page: Word64 = { lo: 0x0b00_0000, hi: 0 };
  readonly lastFault: FaultDetail = {
    esr: 0,
    address: { lo: 0, hi: 0 },
    code: 0,
    level: 0,
    s1ptw: false,
    write: false,
  };
  sp = 0n;
  /** X0 to X30. */
  readonly x: BigUint64Array = new BigUint64Array(31);
  /** V0 to V31, four words each. */
  readonly v: Uint32Array = new Uint32Array(128);
  /** System registers by handle; absent ones are 0. */
  readonly registers = new Map<SystemRegister, bigint>();
  /** Memory from `base` up. */
  readonly memory: Uint8Array;
  readonly base: number;
  /** Everything that was done, in order. */
  readonly done: Done[] = [];
  /** What an operation does besides being recorded: AT, for example, sets PAR_EL1. */
  onOperate: ((operation: SystemOperation, value: bigint) => void) | undefined;
  /** Called before each load and store: may change memory, to play another CPU. */
  onAccess: ((at: number, width: number, write: boolean, value: bigint) => void) | undefined;
  private readonly devices: { readonly base: number; readonly size: number; readonly mmio: Mmio }[] = [];
  private readonly view: DataView;

  constructor(options: { index?: number; base?: number; bytes?: number } = {}) {
    this.index = options.index ?? 0;
    this.base = options.base ?? RAM;
    this.memory = new Uint8Array(options.bytes ?? 0x40_0000);
    this.view = new DataView(this.memory.buffer);
  }

  /** Puts a device on the fake's bus. */
  device(base: number, size: number, mmio: Mmio): void {
    this.devices.push({ base, size, mmio });
  }

  /** A register by name. */
  get(name: string): bigint {
    return this.registers.get(systemRegister(name)) ?? 0n;
  }

  /** Sets a register by name, without a record. */
  put(name: string, value: bigint | number): void {
    this.registers.set(systemRegister(name), BigInt(value) & U64);
  }

  /** A doubleword of memory, without a record. */
  peek64(at: number): bigint {
    return this.view.getBigUint64(at - this.base, true);
  }

  /** Sets a doubleword of memory, without a record. */
  poke64(at: number, value: bigint): void {
    this.view.setBigUint64(at - this.base, value & U64, true);
  }

  /** A word of memory, without a record. */
  poke32(at: number, value: number): void {
    this.view.setUint32(at - this.base, value, true);
  }

  /** How often an operation of a name was executed. */
  operations(name: string): number {
    const wanted = systemOperation(name);
    return this.done.filter((d) => d.what === 'operate' && d.operation === wanted).length;
  }

  /** The values written to a register of a name, in order. */
  written(name: string): bigint[] {
    const wanted = systemRegister(name);
    return this.done.flatMap((d) => (d.what === 'write' && d.register === wanted ? [d.value] : []));
  }

  readX(n: number, out: Word64): void {
    set(out, this.x[n] ?? 0n);
  }

  writeX(n: number, lo: number, hi: number): void {
    if (n < 31) this.x[n] = word(lo, hi);
  }

  readSp(out: Word64): void {
    set(out, this.sp);
  }

  writeSp(lo: number, hi: number): void {
    this.sp = word(lo, hi);
  }

  readV(n: number, out: Uint32Array): void {
    out.set(this.v.subarray(n * 4, n * 4 + 4));
  }

  writeV(n: number, value: Uint32Array): void {
    this.v.set(value.subarray(0, 4), n * 4);
  }

  readSystem(register: SystemRegister, out: Word64): void {
    const value = this.registers.get(register) ?? 0n;
    set(out, value);
    this.done.push({ what: 'read', register, value });
  }

  writeSystem(register: SystemRegister, lo: number, hi: number): void {
    const value = word(lo, hi);
    this.registers.set(register, value);
    this.done.push({ what: 'write', register, value });
  }

  load(at: Word64, width: Width | 8, out: Word64): Fault {
    return this.access('load', at, width, out);
  }

  store(at: Word64, width: Width | 8, lo: number, hi: number): Fault {
    return this.access('store', at, width, { lo, hi });
  }

  loadUnprivileged(at: Word64, width: Width | 8, out: Word64): Fault {
    return this.access('load', at, width, out, true);
  }

  storeUnprivileged(at: Word64, width: Width | 8, lo: number, hi: number): Fault {
    return this.access('store', at, width, { lo, hi }, true);
  }

  compareAndSwap(at: Word64, width: 4 | 8, expected: Word64, desired: Word64): Fault {
    const seen = { lo: 0, hi: 0 };
    const fault = this.load(at, width, seen);
    if (fault !== Fault.None) return fault;
    if (seen.lo === expected.lo && (width === 4 || seen.hi === expected.hi)) {
      return this.store(at, width, desired.lo, desired.hi);
    }
    expected.lo = seen.lo;
    expected.hi = seen.hi;
    return Fault.None;
  }

  copy(to: Word64, from: Word64, bytes: number): Fault {
    this.done.push({ what: 'copy', to: address(to), from: address(from), bytes });
    const a = address(from) - this.base;
    const b = address(to) - this.base;
    if (a < 0 || b < 0 || Math.max(a, b) + bytes > this.memory.length) return Fault.Decode;
    this.memory.copyWithin(b, a, a + bytes);
    return Fault.None;
  }

  atomic(kind: AtomicKind, at: Word64, width: 4 | 8, operand: Word64, old: Word64): Fault {
    const fault = this.load(at, width, old);
    if (fault !== Fault.None) return fault;
    const [a, b] = [word(old.lo, old.hi), word(operand.lo, operand.hi)];
    const made = { add: a + b, set: a | b, clear: a & ~b, xor: a ^ b, swap: b }[kind];
    const to = { lo: 0, hi: 0 };
    set(to, BigInt.asUintN(8 * width, made));
    return this.store(at, width, to.lo, to.hi);
  }

  read(at: Word64, into: Uint8Array): Fault {
    const from = address(at) - this.base;
    if (from < 0 || from + into.length > this.memory.length) return Fault.Decode;
    into.set(this.memory.subarray(from, from + into.length));
    return Fault.None;
  }

  write(at: Word64, from: Uint8Array): Fault {
    const to = address(at) - this.base;
    if (to < 0 || to + from.length > this.memory.length) return Fault.Decode;
    this.memory.set(from, to);
    return Fault.None;
  }

  zero(at: Word64, bytes: number): Fault {
    return this.write(at, new Uint8Array(bytes));
  }

  operate(operation: SystemOperation, lo = 0, hi = 0): void {
    const value = word(lo, hi);
    this.done.push({ what: 'operate', operation, value });
    this.onOperate?.(operation, value);
  }

  work(instructions: number): void {
    this.done.push({ what: 'work', instructions });
  }

  private access(
    what: 'load' | 'store',
    at: Word64,
    width: Width | 8,
    data: Word64,
    unprivileged?: true,
  ): Fault {
    const pa = address(at);
    this.onAccess?.(pa, width, what === 'store', word(data.lo, data.hi));
    const fault = this.bus(what, pa, width, data);
    const mask = (1n << BigInt(width * 8)) - 1n;
    const value = word(data.lo, data.hi) & mask;
    this.done.push({ what, at: pa, width, value, ...(unprivileged && { unprivileged }) });
    return fault;
  }

  private bus(what: 'load' | 'store', pa: number, width: Width | 8, data: Word64): Fault {
    const offset = pa - this.base;
    if (offset >= 0 && offset + width <= this.memory.length) {
      if (what === 'load') {
        let value = 0n;
        for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory[offset + i] ?? 0);
        set(data, value);
      } else {
        const value = word(data.lo, data.hi);
        for (let i = 0; i < width; i++) this.memory[offset + i] = Number((value >> BigInt(8 * i)) & 0xffn);
      }
      return Fault.None;
    }
    const device = this.devices.find((d) => pa >= d.base && pa + width <= d.base + d.size);
    if (what === 'load') set(data, 0n);
    if (device === undefined) return Fault.Decode;
    const by: Transaction = {
      requester: this.index,
      streamId: -1,
      secure: false,
      privileged: true,
      fault: Fault.None,
    };
    const at = pa - device.base;
    if (what === 'load') {
      if (width === 8) {
        data.lo = device.mmio.read(at, 4, by);
        data.hi = device.mmio.read(at + 4, 4, by);
      } else data.lo = device.mmio.read(at, width, by);
    } else if (width === 8) {
      device.mmio.write(at, 4, data.lo, by);
      device.mmio.write(at + 4, 4, data.hi, by);
    } else device.mmio.write(at, width, data.lo, by);
    return by.fault;
  }
}
