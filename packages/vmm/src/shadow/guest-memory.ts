// The guest's memory by its own physical addresses, for all that is done on its behalf: what is written to tables is followed.

import { Fault } from '@worldswitch/platform';
import type { AtomicKind, CpuPort, Pa, Width, Word64 } from '@worldswitch/platform';

import { addressInto } from '../memory/physical.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { GuestTables } from './guest-walk.ts';

/** A load-exclusive that was done for a virtual CPU. */
interface Monitor {
  ipa: number;
  /** 1, 2, 4, 8 or 16; 0 for none. */
  bytes: number;
  readonly first: Word64;
  readonly second: Word64;
}

/** Numbers of a monitor in a state. */
export const MONITOR_NUMBERS = 6;

const { None, Decode } = Fault;

const equal = (a: Readonly<Word64>, b: Readonly<Word64>, bytes: number): boolean =>
  a.lo === b.lo && (bytes < 8 || a.hi === b.hi);

/** Loads, stores and atomics within a page. */
export class GuestMemory implements GuestTables {
  private readonly memory: PhysicalMemory;
  private readonly toHost: (ipa: number) => number;
  private readonly written: (port: CpuPort, ipa: number, bytes: number) => void;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly words: readonly [Word64, Word64] = [
    { lo: 0, hi: 0 },
    { lo: 0, hi: 0 },
  ];
  private readonly monitors: Monitor[];

  /**
   * @param toHost - where the guest's bytes are, or -1
   * @param written - is told of each store, after it
   */
  constructor(
    memory: PhysicalMemory,
    toHost: (ipa: number) => number,
    written: (port: CpuPort, ipa: number, bytes: number) => void,
    vcpus: number,
  ) {
    this.memory = memory;
    this.toHost = toHost;
    this.written = written;
    this.monitors = Array.from({ length: vcpus }, () => ({
      ipa: 0,
      bytes: 0,
      first: { lo: 0, hi: 0 },
      second: { lo: 0, hi: 0 },
    }));
  }

  load(port: CpuPort, ipa: number, width: Width | 8, out: Word64): Fault {
    const pa = this.toHost(ipa);
    return pa === -1 ? Decode : this.memory.load(port, pa as Pa, width, out);
  }

  store(port: CpuPort, ipa: number, width: Width | 8, lo: number, hi: number): Fault {
    const pa = this.toHost(ipa);
    return this.told(port, ipa, width, pa === -1 ? Decode : this.memory.store(port, pa as Pa, width, lo, hi));
  }

  compareAndSwap(
    port: CpuPort,
    ipa: number,
    width: 4 | 8,
    expected: Word64,
    desired: Readonly<Word64>,
  ): Fault {
    const pa = this.toHost(ipa);
    if (pa === -1) return Decode;
    return this.told(
      port,
      ipa,
      width,
      port.compareAndSwap(addressInto(pa, this.at), width, expected, desired),
    );
  }

  atomic(
    port: CpuPort,
    kind: AtomicKind,
    ipa: number,
    width: 4 | 8,
    operand: Readonly<Word64>,
    old: Word64,
  ): Fault {
    const pa = this.toHost(ipa);
    if (pa === -1) return Decode;
    return this.told(port, ipa, width, port.atomic(kind, addressInto(pa, this.at), width, operand, old));
  }

  /**
   * LDXR, or LDXP of two registers of 64 bits.
   *
   * @param bytes - 1, 2, 4, 8 or 16
   * @param second - takes bytes 8 to 15
   */
  loadExclusive(
    port: CpuPort,
    vcpu: number,
    ipa: number,
    bytes: number,
    first: Word64,
    second: Word64,
  ): Fault {
    const fault = this.loadTwo(port, ipa, bytes, first, second);
    const monitor = this.monitors[vcpu];
    if (fault !== None || monitor === undefined) return fault;
    [monitor.ipa, monitor.bytes] = [ipa, bytes];
    Object.assign(monitor.first, first);
    Object.assign(monitor.second, second);
    return fault;
  }

  /** STXR or STXP after such a load: 0 where it stored, 1 where something else is there by now, -1 where there was no load. */
  storeExclusive(
    port: CpuPort,
    vcpu: number,
    ipa: number,
    bytes: number,
    first: Readonly<Word64>,
    second: Readonly<Word64>,
  ): number {
    const monitor = this.monitors[vcpu];
    const [low, high] = this.words;
    if (monitor?.ipa !== ipa || monitor.bytes !== bytes) return -1;
    monitor.bytes = 0;
    if (this.loadTwo(port, ipa, bytes, low, high) !== None) return 1;
    if (!equal(low, monitor.first, bytes) || (bytes === 16 && !equal(high, monitor.second, 8))) return 1;
    const width = Math.min(bytes, 8) as Width | 8;
    if (this.store(port, ipa, width, first.lo, first.hi) !== None) return 1;
    return bytes < 16 || this.store(port, ipa + 8, 8, second.lo, second.hi) === None ? 0 : 1;
  }

  /** CLREX, or an exception return: forgets a load-exclusive. */
  clearExclusive(vcpu: number): void {
    const monitor = this.monitors[vcpu];
    if (monitor !== undefined) monitor.bytes = 0;
  }

  private loadTwo(port: CpuPort, ipa: number, bytes: number, first: Word64, second: Word64): Fault {
    const fault = this.load(port, ipa, Math.min(bytes, 8) as Width | 8, first);
    return fault !== None || bytes < 16 ? fault : this.load(port, ipa + 8, 8, second);
  }

  /** A descriptor of the guest's, for its walk. */
  loadDescriptor(port: CpuPort, ipa: number, out: Word64): Fault {
    return this.load(port, ipa, 8, out);
  }

  /** An access flag or dirty state, of its walk, which changes nothing that was translated before. */
  storeDescriptor(port: CpuPort, ipa: number, lo: number, hi: number): Fault {
    const pa = this.toHost(ipa);
    return pa === -1 ? Decode : this.memory.store(port, pa as Pa, 8, lo, hi);
  }

  /** Its state. */
  save(): number[] {
    return this.monitors.flatMap(({ ipa, bytes, first, second }) => [
      ipa,
      bytes,
      ...[first.lo >>> 0, first.hi >>> 0, second.lo >>> 0, second.hi >>> 0],
    ]);
  }

  /** Restores it: `MONITOR_NUMBERS` for each virtual CPU. */
  restore(all: readonly number[]): void {
    for (const [i, monitor] of this.monitors.entries()) {
      const [ipa = 0, bytes = 0, a = 0, b = 0, c = 0, d = 0] = all.slice(i * MONITOR_NUMBERS);
      [monitor.ipa, monitor.bytes] = [ipa, bytes];
      Object.assign(monitor.first, { lo: a, hi: b });
      Object.assign(monitor.second, { lo: c, hi: d });
    }
  }

  private told(port: CpuPort, ipa: number, bytes: number, fault: Fault): Fault {
    if (fault === None) this.written(port, ipa, bytes);
    return fault;
  }
}
