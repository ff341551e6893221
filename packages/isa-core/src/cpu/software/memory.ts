// RAM as software in TypeScript reaches it: the short path of accesses that need no more than their translation. Everything else (faults,
// devices, watchpoints, big-endian data, page crossings) is done by `MemoryAccess`, as for an instruction.

import { Access } from '@worldswitch/mmu';
import type { Pa, Word64 } from '@worldswitch/platform';

import type { Cpu } from '../cpu.ts';

/** Memory of one CPU at its current level. */
export class PortMemory {
  private readonly cpu: Cpu;
  private readonly view: DataView;
  private readonly bytes: Uint8Array;
  /** The physical address that `find` found last. */
  private pa = 0;

  constructor(cpu: Cpu) {
    this.cpu = cpu;
    this.view = new DataView(cpu.memory.buffer);
    this.bytes = new Uint8Array(cpu.memory.buffer);
  }

  /**
   * Where RAM lies in the shared memory for an aligned access within a page; -1, with nothing counted, where the whole path has to be
   * taken. After a store there `stored` must be called.
   */
  find(lo: number, hi: number, bytes: number, write: boolean, unprivileged = false): number {
    const { cpu } = this;
    if (cpu.debug.watching || cpu.bigEndian || (lo & 0xfff) + bytes > 0x1000) return -1;
    const { counters } = cpu.translator.walker;
    const { walks, stage1References, stage2References, faults } = counters;
    const { lookups, misses } = cpu.tlb.counters;
    const { remaining, debt } = cpu.slice;
    const { el } = cpu.state;
    const user = el === 0 || (unprivileged && el === 1);
    const pa = cpu.translator.translateHalves(
      lo >>> 0,
      hi >>> 0,
      write ? Access.Write : Access.Read,
      user,
      false,
    );
    if (pa >= 0) {
      const host = cpu.bus.host(pa as Pa);
      if (host >= 0 && (!write || cpu.bus.memoryAt(pa as Pa)?.memory.writable !== false)) {
        this.pa = pa;
        return host;
      }
    }
    // The access is about to do the same once more.
    counters.walks = walks;
    counters.stage1References = stage1References;
    counters.stage2References = stage2References;
    counters.faults = faults;
    cpu.tlb.counters.lookups = lookups;
    cpu.tlb.counters.misses = misses;
    cpu.slice.undo(remaining, debt);
    return -1;
  }

  /** Bytes were stored where `find` found memory last. */
  stored(bytes: number): void {
    const { pa, cpu } = this;
    const found = cpu.bus.memoryAt(pa as Pa);
    if (found !== undefined) {
      const page = Math.floor((pa - found.base) / 4096);
      found.memory.dirty[page >>> 5] = (found.memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
    }
    cpu.listener?.stored(pa, bytes);
  }

  /** A little-endian number of the shared memory. */
  get(host: number, width: number, out: Word64): void {
    out.hi = width === 8 ? this.view.getUint32(host + 4, true) : 0;
    if (width >= 4) out.lo = this.view.getUint32(host, true);
    else out.lo = width === 2 ? this.view.getUint16(host, true) : this.view.getUint8(host);
  }

  /** The counterpart of `get`. */
  put(host: number, width: number, lo: number, hi: number): void {
    if (width === 8) this.view.setUint32(host + 4, hi, true);
    if (width >= 4) this.view.setUint32(host, lo, true);
    else if (width === 2) this.view.setUint16(host, lo, true);
    else this.view.setUint8(host, lo);
  }

  /** Bytes of the shared memory. */
  at(host: number, bytes: number): Uint8Array {
    return this.bytes.subarray(host, host + bytes);
  }
}

/** The bytes of a number of `width` bytes in the other order. */
export function reversed(value: bigint, width: number): bigint {
  let result = 0n;
  for (let i = 0; i < width; i++) result = (result << 8n) | ((value >> BigInt(8 * i)) & 0xffn);
  return result;
}
