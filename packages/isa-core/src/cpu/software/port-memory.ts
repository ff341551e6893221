// The memory half of the CPU port, and how an operation is executed: caught faults, and levels that intercept.

import { Access } from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { AtomicKind, FaultDetail, SoftwareCounts, Width, Word64 } from '@worldswitch/platform';

import type { Cpu } from '../cpu.ts';
import { Layout } from '../layout.ts';
import type { PortKind } from '../slice.ts';
import type { CpuState } from '../state.ts';
import { LastFault } from './faults.ts';
import { PortMemory, reversed } from './memory.ts';
import { kindAt, PC_OF, SCRATCH } from './places.ts';
import type { AttachedSoftware, SoftwareUnit } from './unit.ts';

const LOW32 = 0xffff_ffffn;
const PC = Layout.pc >> 2;
const SCRATCH_WORD = (Layout.x >> 2) + 2 * SCRATCH;
/** Times that an operation is intercepted and retried, before that counts as never ending. */
const MOST_RETRIES = 1000;
/** Instructions of an atomic operation: load-exclusive, compute, store-exclusive, branch. */
const ATOMIC = 4;
/** Bytes of a pair of registers, in which blocks are copied. */
const PAIR = 16;
const MOST_BYTES = 2 ** 30;

/** LDR, STR, LDTR and STTR of X9 at X10; bits 31:30 are the size. */
const WORDS = { load: 0x3940_0149, store: 0x3900_0149, ldtr: 0x3840_0949, sttr: 0x3800_0949 } as const;
const sizeBits = (width: number): number => (31 - Math.clz32(width)) << 30;
const bigOf = (at: Readonly<Word64>): bigint => (BigInt(at.hi >>> 0) << 32n) | BigInt(at.lo >>> 0);

/** How an operation ended: as the instruction does, emulated by a higher level, or in a fault for its own level. */
export type Outcome = 'done' | 'emulated' | 'fault';

/** Memory as software sees it. */
export class MemoryPort {
  readonly cpu: Cpu;
  readonly unit: SoftwareUnit;
  readonly attached: AttachedSoftware;
  readonly counts: SoftwareCounts;
  readonly state: CpuState;
  readonly index: number;
  level = 0;
  readonly page: Word64 = { lo: 0, hi: 0 };
  private readonly last = new LastFault();
  private readonly memory: PortMemory;
  private readonly cursor: Word64 = { lo: 0, hi: 0 };
  private readonly cursor2: Word64 = { lo: 0, hi: 0 };
  private readonly value: Word64 = { lo: 0, hi: 0 };

  constructor(cpu: Cpu, unit: SoftwareUnit, attached: AttachedSoftware) {
    this.cpu = cpu;
    this.unit = unit;
    this.attached = attached;
    this.counts = attached.counts;
    this.state = cpu.state;
    this.index = cpu.index;
    this.memory = new PortMemory(cpu);
  }

  get lastFault(): FaultDetail {
    return this.last;
  }

  // ---- how an operation is executed

  /** Instructions of one operation are done, which are of one kind. */
  protected retire(instructions: number, kind: PortKind): void {
    this.counts.instructions += instructions;
    this.unit.retire(instructions, this.unitsOf(instructions, kind));
  }
  private unitsOf(instructions: number, kind: PortKind): number {
    const { costs } = this.cpu.slice;
    if (costs === undefined) return instructions;
    const { software, least } = costs;
    if (software === undefined) return instructions * least;
    return instructions * software.kinds[kind] + software.operation;
  }
  /** Sets the PC to an offset of the page. */
  goTo(offset: number): void {
    this.state.u32[PC] = this.page.lo + offset;
    this.state.u32[PC + 1] = this.page.hi;
  }
  /** What an emulated operation left in the scratch register. */
  protected takeScratch(out: Word64): void {
    out.lo = this.result.lo;
    out.hi = this.result.hi;
  }
  private readonly result: Word64 = { lo: 0, hi: 0 };

  /**
   * Executes one instruction until it is done. Where a higher level takes an exception from it, its software runs: it finds the value of
   * a store or MSR in the scratch register, and leaves that of a load or MRS there, unless `call` says that the registers are the
   * context's own.
   */
  protected instruction(
    what: string,
    place: number,
    word: number,
    run: () => void,
    lo = 0,
    hi = 0,
    call = false,
  ): Outcome {
    const { state, unit, cpu, level } = this;
    for (let tries = 0; tries < MOST_RETRIES; tries++) {
      this.goTo(place);
      cpu.word = word;
      const done = unit.attempt(run);
      this.retire(1, kindAt(place));
      if (done) return 'done';
      if (!unit.taken) return 'fault';
      if (call) unit.serve(this, what);
      else this.serveWithScratch(what, lo, hi);
      const next = state.word(Layout.pc) - this.page.lo - place;
      const back = state.el === level && state.word(Layout.pc + 4) === this.page.hi;
      if (back && next === 4) return 'emulated';
      if (!back || next !== 0) {
        throw new Error(
          `${what} was intercepted by a higher level, which returned to 0x${state.pc.toString(16)} at EL${state.el} and neither to it nor behind it: software in TypeScript cannot be resumed`,
        );
      }
    }
    throw new Error(`${what} was intercepted ${MOST_RETRIES} times and never got done`);
  }
  private serveWithScratch(what: string, lo: number, hi: number): void {
    const { u32 } = this.state;
    const [wasLo = 0, wasHi = 0] = [u32[SCRATCH_WORD], u32[SCRATCH_WORD + 1]];
    u32[SCRATCH_WORD] = lo;
    u32[SCRATCH_WORD + 1] = hi;
    this.unit.serve(this, what);
    this.result.lo = u32[SCRATCH_WORD] ?? 0;
    this.result.hi = u32[SCRATCH_WORD + 1] ?? 0;
    u32[SCRATCH_WORD] = wasLo;
    u32[SCRATCH_WORD + 1] = wasHi;
  }
  /** The fault of an access. */
  private faulted(): Fault {
    this.counts.faults++;
    const { caught } = this.unit;
    const fault = caught && this.last.set(caught);
    if (fault !== undefined) return fault;
    throw new Error(`an access ended in another exception than a data abort`);
  }

  // ---- single accesses

  load(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault {
    return this.loadAs(at, width, out, false);
  }
  store(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault {
    return this.storeAs(at, width, lo, hi, false);
  }
  loadUnprivileged(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault {
    return this.loadAs(at, width, out, true);
  }
  storeUnprivileged(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault {
    return this.storeAs(at, width, lo, hi, true);
  }

  private loadAs(at: Readonly<Word64>, width: number, out: Word64, unprivileged: boolean): Fault {
    const { counts, memory } = this;
    counts.loads++;
    counts.bytesLoaded += width;
    const host = (at.lo & (width - 1)) === 0 ? memory.find(at.lo, at.hi, width, false, unprivileged) : -1;
    if (host < 0) return this.wholeLoad(at, width, out, unprivileged);
    memory.get(host, width, out);
    this.retire(1, 'load');
    return Fault.None;
  }
  private wholeLoad(at: Readonly<Word64>, width: number, out: Word64, unprivileged: boolean): Fault {
    const { cpu } = this;
    const va = bigOf(at);
    const before = cpu.counters.deviceAccesses;
    let value = 0n;
    const how = this.instruction(
      'a load',
      unprivileged ? PC_OF.loadUnprivileged : PC_OF.load,
      (sizeBits(width) | (unprivileged ? WORDS.ldtr : WORDS.load)) >>> 0,
      () => {
        value = cpu.access.load(va, width, width, { unprivileged });
      },
    );
    if (cpu.counters.deviceAccesses !== before) this.counts.deviceLoads++;
    if (how === 'fault') return this.faulted();
    if (how === 'emulated') {
      this.takeScratch(out);
      return Fault.None;
    }
    if (cpu.bigEndian) value = reversed(value, width);
    out.lo = Number(value & LOW32);
    out.hi = Number(value >> 32n);
    return Fault.None;
  }

  private storeAs(at: Readonly<Word64>, width: number, lo: number, hi: number, unprivileged: boolean): Fault {
    const { counts, memory } = this;
    counts.stores++;
    counts.bytesStored += width;
    const host = (at.lo & (width - 1)) === 0 ? memory.find(at.lo, at.hi, width, true, unprivileged) : -1;
    if (host < 0) return this.wholeStore(at, width, lo, hi, unprivileged);
    memory.put(host, width, lo, hi);
    memory.stored(width);
    this.retire(1, 'store');
    return Fault.None;
  }
  private wholeStore(
    at: Readonly<Word64>,
    width: number,
    lo: number,
    hi: number,
    unprivileged: boolean,
  ): Fault {
    const { cpu } = this;
    const va = bigOf(at);
    const before = cpu.counters.deviceAccesses;
    const plain = BigInt.asUintN(8 * width, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
    const value = cpu.bigEndian ? reversed(plain, width) : plain;
    const how = this.instruction(
      'a store',
      unprivileged ? PC_OF.storeUnprivileged : PC_OF.store,
      (sizeBits(width) | (unprivileged ? WORDS.sttr : WORDS.store)) >>> 0,
      () => {
        cpu.access.store(va, width, width, value, { unprivileged });
      },
      lo,
      hi,
    );
    if (cpu.counters.deviceAccesses !== before) this.counts.deviceStores++;
    return how === 'fault' ? this.faulted() : Fault.None;
  }

  // ---- atomics

  compareAndSwap(at: Readonly<Word64>, width: 4 | 8, expected: Word64, desired: Readonly<Word64>): Fault {
    const { lo, hi } = expected;
    const wide = width === 8;
    return this.modify(at, width, expected, (found) =>
      found.lo === lo >>> 0 && (!wide || found.hi === hi >>> 0) ? desired : undefined,
    );
  }
  atomic(
    kind: AtomicKind,
    at: Readonly<Word64>,
    width: 4 | 8,
    operand: Readonly<Word64>,
    old: Word64,
  ): Fault {
    const { lo, hi } = operand;
    return this.modify(at, width, old, (found) => combine(kind, found, lo, hi));
  }
  /** Loads exclusively, and stores what is made of it. */
  private modify(
    at: Readonly<Word64>,
    width: 4 | 8,
    old: Word64,
    make: (found: Readonly<Word64>) => Readonly<Word64> | undefined,
  ): Fault {
    const { cpu, counts, memory, value } = this;
    const swapped = cpu.bigEndian;
    counts.atomics++;
    counts.bytesLoaded += width;
    let host = (at.lo & (width - 1)) === 0 ? memory.find(at.lo, at.hi, width, true) : -1;
    const fast = host >= 0;
    if (fast) this.retire(ATOMIC, 'atomic');
    else {
      const va = bigOf(at);
      const how = this.instruction('an atomic operation', PC_OF.atomic, 0, () => {
        cpu.access.check(va, width, width, Access.Write, { aligned: true });
        host = cpu.access.hostOf(va, width, true);
        // Exclusives reach memory alone.
        if (host < 0 || swapped) cpu.translator.plainDataAbort(va, 0x35, true);
      });
      if (how === 'fault') return this.faulted();
      if (how === 'emulated')
        throw new Error('an atomic operation was skipped by the level that intercepted it');
      this.retire(ATOMIC - 1, 'atomic');
      host = memory.find(at.lo, at.hi, width, true);
      if (host < 0) throw new Error('an atomic operation at a watched address is not modelled');
    }
    memory.get(host, width, value);
    const made = make(value);
    old.lo = value.lo;
    old.hi = value.hi;
    cpu.clearExclusive();
    if (made === undefined) return Fault.None;
    counts.bytesStored += width;
    memory.put(host, width, made.lo, made.hi);
    memory.stored(width);
    return Fault.None;
  }

  // ---- blocks

  copy(to: Readonly<Word64>, from: Readonly<Word64>, bytes: number): Fault {
    const { memory, counts, cursor, cursor2 } = this;
    set(cursor, from);
    set(cursor2, to);
    for (let left = length(bytes); left > 0;) {
      const part = Math.min(left, toPageEnd(cursor), toPageEnd(cursor2));
      const source = memory.find(cursor.lo, cursor.hi, part, false);
      const target = source < 0 ? -1 : memory.find(cursor2.lo, cursor2.hi, part, true);
      let moved = part;
      if (target >= 0) {
        memory.at(target, part).set(memory.at(source, part));
        memory.stored(part);
        this.block(part, true, true);
        counts.loads += Math.ceil(part / PAIR);
      } else {
        moved = pieceOf(cursor.lo | cursor2.lo, left);
        const fault =
          this.loadAs(cursor, moved, this.value, false) ||
          this.storeAs(cursor2, moved, this.value.lo, this.value.hi, false);
        if (fault !== Fault.None) return fault;
      }
      advance(cursor, moved);
      advance(cursor2, moved);
      left -= moved;
    }
    return Fault.None;
  }
  read(at: Readonly<Word64>, into: Uint8Array): Fault {
    const { memory, cursor, value } = this;
    set(cursor, at);
    for (let done = 0; done < into.length;) {
      const left = into.length - done;
      let part = Math.min(left, toPageEnd(cursor));
      const host = memory.find(cursor.lo, cursor.hi, part, false);
      if (host >= 0) {
        into.set(memory.at(host, part), done);
        this.block(part, true, false);
      } else {
        part = pieceOf(cursor.lo, left);
        const fault = this.loadAs(cursor, part, value, false);
        if (fault !== Fault.None) return fault;
        for (let i = 0; i < part; i++) into[done + i] = (i < 4 ? value.lo : value.hi) >>> (8 * (i & 3));
      }
      advance(cursor, part);
      done += part;
    }
    return Fault.None;
  }
  write(at: Readonly<Word64>, from: Uint8Array): Fault {
    return this.fill(at, from.length, from);
  }
  zero(at: Readonly<Word64>, bytes: number): Fault {
    return this.fill(at, length(bytes), undefined);
  }
  /** Stores bytes, or zeros. */
  private fill(at: Readonly<Word64>, bytes: number, from: Uint8Array | undefined): Fault {
    const { memory, cursor } = this;
    set(cursor, at);
    for (let done = 0; done < bytes;) {
      let part = Math.min(bytes - done, toPageEnd(cursor));
      const host = memory.find(cursor.lo, cursor.hi, part, true);
      if (host >= 0) {
        if (from) memory.at(host, part).set(from.subarray(done, done + part));
        else memory.at(host, part).fill(0);
        memory.stored(part);
        this.block(part, false, true);
      } else {
        part = pieceOf(cursor.lo, bytes - done);
        let [lo, hi] = [0, 0];
        for (let i = 0; i < part; i++) {
          const byte = (from?.[done + i] ?? 0) << (8 * (i & 3));
          if (i < 4) lo |= byte;
          else hi |= byte;
        }
        const fault = this.storeAs(cursor, part, lo >>> 0, hi >>> 0, false);
        if (fault !== Fault.None) return fault;
      }
      advance(cursor, part);
      done += part;
    }
    return Fault.None;
  }
  /** A part of a block was moved by pairs of registers. */
  private block(bytes: number, load: boolean, store: boolean): void {
    const { counts } = this;
    const pairs = Math.ceil(bytes / PAIR);
    if (load) counts.bytesLoaded += bytes;
    if (store) counts.bytesStored += bytes;
    if (load && !store) counts.loads += pairs;
    if (store) counts.stores += pairs;
    this.retire(load && store ? 2 * pairs : pairs, store ? 'store' : 'load');
  }
}

/** What an atomic operation stores. */
function combine(kind: AtomicKind, found: Readonly<Word64>, lo: number, hi: number): Word64 {
  switch (kind) {
    case 'add': {
      const sum = found.lo + (lo >>> 0);
      return { lo: sum >>> 0, hi: (found.hi + hi + (sum > 0xffff_ffff ? 1 : 0)) >>> 0 };
    }
    case 'set':
      return { lo: (found.lo | lo) >>> 0, hi: (found.hi | hi) >>> 0 };
    case 'clear':
      return { lo: (found.lo & ~lo) >>> 0, hi: (found.hi & ~hi) >>> 0 };
    case 'xor':
      return { lo: (found.lo ^ lo) >>> 0, hi: (found.hi ^ hi) >>> 0 };
    case 'swap':
      return { lo: lo >>> 0, hi: hi >>> 0 };
  }
}

function set(to: Word64, { lo, hi }: Readonly<Word64>): void {
  to.lo = lo >>> 0;
  to.hi = hi >>> 0;
}
function advance(at: Word64, bytes: number): void {
  const sum = at.lo + bytes;
  at.lo = sum >>> 0;
  if (sum > 0xffff_ffff) at.hi = (at.hi + 1) >>> 0;
}
const toPageEnd = (at: Readonly<Word64>): number => 0x1000 - (at.lo & 0xfff);
/** The largest access that is aligned to addresses and does not go too far. */
function pieceOf(addresses: number, left: number): 1 | 2 | 4 | 8 {
  let piece: 1 | 2 | 4 | 8 = 8;
  while (piece > 1 && (piece > left || (addresses & (piece - 1)) !== 0)) piece = (piece / 2) as 1 | 2 | 4;
  return piece;
}
/** Checks the length of a block. */
function length(bytes: number): number {
  if (!(Number.isInteger(bytes) && bytes >= 0 && bytes <= MOST_BYTES))
    throw new RangeError(`a block of ${bytes} bytes: it must be 0 to ${MOST_BYTES}`);
  return bytes;
}
