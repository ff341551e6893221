// A CPU port of software that has all memory at one offset: it takes physical addresses, so that drivers and tables are written alike
// at EL2 with an identity map and at EL1 beside a guest.

import type {
  AtomicKind,
  CpuPort,
  Fault,
  FaultDetail,
  SystemOperation,
  SystemRegister,
  Width,
  Word64,
} from '@worldswitch/platform';

import type { HostSpace } from './host-space.ts';

/** The same port, but its loads, stores, blocks and atomics are at physical addresses. */
export class LinearPort implements CpuPort {
  private readonly host: Pick<HostSpace, 'offsetHi'>;
  private readonly port: CpuPort;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly from: Word64 = { lo: 0, hi: 0 };

  /**
   * @param host - where memory lies for this CPU
   * @param port - the CPU's own port
   */
  constructor(host: Pick<HostSpace, 'offsetHi'>, port: CpuPort) {
    this.host = host;
    this.port = port;
  }

  get index(): number {
    return this.port.index;
  }
  get level(): number {
    return this.port.level;
  }
  get page(): Readonly<Word64> {
    return this.port.page;
  }
  get lastFault(): FaultDetail {
    return this.port.lastFault;
  }

  readX(n: number, out: Word64): void {
    this.port.readX(n, out);
  }
  writeX(n: number, lo: number, hi: number): void {
    this.port.writeX(n, lo, hi);
  }
  readSp(out: Word64): void {
    this.port.readSp(out);
  }
  writeSp(lo: number, hi: number): void {
    this.port.writeSp(lo, hi);
  }
  readV(n: number, out: Uint32Array): void {
    this.port.readV(n, out);
  }
  writeV(n: number, value: Uint32Array): void {
    this.port.writeV(n, value);
  }
  readSystem(register: SystemRegister, out: Word64): void {
    this.port.readSystem(register, out);
  }
  writeSystem(register: SystemRegister, lo: number, hi: number): void {
    this.port.writeSystem(register, lo, hi);
  }
  operate(operation: SystemOperation, lo = 0, hi = 0): void {
    this.port.operate(operation, lo, hi);
  }
  work(instructions: number): void {
    this.port.work(instructions);
  }
  loadUnprivileged(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault {
    return this.port.loadUnprivileged(at, width, out);
  }
  storeUnprivileged(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault {
    return this.port.storeUnprivileged(at, width, lo, hi);
  }

  load(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault {
    return this.port.load(this.virtual(at, this.at), width, out);
  }
  store(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault {
    return this.port.store(this.virtual(at, this.at), width, lo, hi);
  }
  compareAndSwap(at: Readonly<Word64>, width: 4 | 8, expected: Word64, desired: Readonly<Word64>): Fault {
    return this.port.compareAndSwap(this.virtual(at, this.at), width, expected, desired);
  }
  atomic(
    kind: AtomicKind,
    at: Readonly<Word64>,
    width: 4 | 8,
    operand: Readonly<Word64>,
    old: Word64,
  ): Fault {
    return this.port.atomic(kind, this.virtual(at, this.at), width, operand, old);
  }
  copy(to: Readonly<Word64>, from: Readonly<Word64>, bytes: number): Fault {
    return this.port.copy(this.virtual(to, this.at), this.virtual(from, this.from), bytes);
  }
  read(at: Readonly<Word64>, into: Uint8Array): Fault {
    return this.port.read(this.virtual(at, this.at), into);
  }
  write(at: Readonly<Word64>, from: Uint8Array): Fault {
    return this.port.write(this.virtual(at, this.at), from);
  }
  zero(at: Readonly<Word64>, bytes: number): Fault {
    return this.port.zero(this.virtual(at, this.at), bytes);
  }

  private virtual(at: Readonly<Word64>, out: Word64): Word64 {
    out.lo = at.lo;
    out.hi = (at.hi + this.host.offsetHi(this.port.index)) >>> 0;
    return out;
  }
}
