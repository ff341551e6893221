// The guest's memory by its own physical addresses, for all that is done on its behalf: what is written to tables is followed.

import { Fault } from '@worldswitch/platform';
import type { AtomicKind, CpuPort, Pa, Width, Word64 } from '@worldswitch/platform';

import { addressInto } from '../memory/physical.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import type { GuestTables } from './guest-walk.ts';

/** A load-exclusive that was done for a virtual CPU: of 1 to 8 bytes, or of a pair of 8 each. */
export interface Monitor {
  ipa: number;
  width: number;
  lo: number;
  hi: number;
  /** The second of a pair. */
  lo2: number;
  hi2: number;
}

/** Numbers of a monitor in states. */
export const MONITOR = 6;
/** Bytes of a pair of 8 each: its width. */
const PAIR = 16;
const noMonitor = (): Monitor => ({ ipa: 0, width: 0, lo: 0, hi: 0, lo2: 0, hi2: 0 });

const { None, Decode } = Fault;

/** Loads, stores and atomics within a page. */
export class GuestMemory implements GuestTables {
  private readonly memory: PhysicalMemory;
  private readonly toHost: (ipa: number) => number;
  private readonly written: (port: CpuPort, ipa: number, bytes: number) => void;
  private readonly at: Word64 = { lo: 0, hi: 0 };
  private readonly word: Word64 = { lo: 0, hi: 0 };
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
    this.monitors = Array.from({ length: vcpus }, noMonitor);
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

  /** LDXR. */
  loadExclusive(port: CpuPort, vcpu: number, ipa: number, width: Width | 8, out: Word64): Fault {
    const fault = this.load(port, ipa, width, out);
    const monitor = this.monitors[vcpu];
    if (fault === None && monitor !== undefined)
      Object.assign(monitor, { ipa, width, lo: out.lo, hi: out.hi });
    return fault;
  }

  /** STXR after such an LDXR: 0 where it stored, 1 where the value is another by now, -1 where there was no LDXR. */
  storeExclusive(port: CpuPort, vcpu: number, ipa: number, width: Width | 8, lo: number, hi: number): number {
    const monitor = this.monitors[vcpu];
    const { word } = this;
    if (monitor?.ipa !== ipa || monitor.width !== width) return -1;
    monitor.width = 0;
    if (this.load(port, ipa, width, word) !== None) return 1;
    if (word.lo !== monitor.lo || (width === 8 && word.hi !== monitor.hi)) return 1;
    return this.store(port, ipa, width, lo, hi) === None ? 0 : 1;
  }

  /** LDXP of 8 bytes each. */
  loadExclusivePair(port: CpuPort, vcpu: number, ipa: number, first: Word64, second: Word64): Fault {
    const fault = this.load(port, ipa, 8, first) || this.load(port, ipa + 8, 8, second);
    const monitor = this.monitors[vcpu];
    if (fault === None && monitor !== undefined) {
      Object.assign(monitor, { ipa, width: PAIR, lo: first.lo, hi: first.hi });
      Object.assign(monitor, { lo2: second.lo, hi2: second.hi });
    }
    return fault;
  }

  /** STXP after such an LDXP, as `storeExclusive`. */
  storeExclusivePair(
    port: CpuPort,
    vcpu: number,
    ipa: number,
    first: Readonly<Word64>,
    second: Readonly<Word64>,
  ): number {
    const monitor = this.monitors[vcpu];
    const { word } = this;
    if (monitor?.ipa !== ipa || monitor.width !== PAIR) return -1;
    monitor.width = 0;
    if (this.load(port, ipa, 8, word) !== None) return 1;
    if (word.lo !== monitor.lo || word.hi !== monitor.hi) return 1;
    if (this.load(port, ipa + 8, 8, word) !== None) return 1;
    if (word.lo !== monitor.lo2 || word.hi !== monitor.hi2) return 1;
    const done = this.store(port, ipa, 8, first.lo, first.hi);
    return (done || this.store(port, ipa + 8, 8, second.lo, second.hi)) === None ? 0 : 1;
  }

  /** Forgets a load-exclusive. */
  clearExclusive(vcpu: number): void {
    const monitor = this.monitors[vcpu];
    if (monitor !== undefined) monitor.width = 0;
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
    return this.monitors.flatMap(({ ipa, width, lo, hi, lo2, hi2 }) => [ipa, width, lo, hi, lo2, hi2]);
  }

  /** Restores it: so many numbers for each virtual CPU. */
  restore(all: readonly number[]): void {
    for (const [i, monitor] of this.monitors.entries()) {
      const [ipa = 0, width = 0, lo = 0, hi = 0, lo2 = 0, hi2 = 0] = all.slice(i * MONITOR);
      Object.assign(monitor, { ipa, width, lo, hi, lo2, hi2 });
    }
  }

  private told(port: CpuPort, ipa: number, bytes: number, fault: Fault): Fault {
    if (fault === None) this.written(port, ipa, bytes);
    return fault;
  }
}
