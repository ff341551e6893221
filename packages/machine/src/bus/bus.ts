// The bus: regions in order of address, found by the last hit or by bisection. Accesses allocate nothing and throw nothing.

import { Fault } from '@worldswitch/platform';
import type { Bus, Memory, Mmio, Pa, Region, Transaction, Width, Word64 } from '@worldswitch/platform';

import { ConfigurationError } from '../errors.ts';
import { markDirty } from '../memory/window.ts';

/** A mapped range: registers or memory. */
interface Entry {
  readonly name: string;
  readonly base: number;
  readonly end: number;
  readonly mmio: Mmio | undefined;
  readonly memory: Memory | undefined;
  /** What `memoryAt` returns. */
  readonly found: { readonly base: Pa; readonly memory: Memory } | undefined;
  /** Bit n is set when accesses of n bytes are accepted. */
  readonly widths: number;
  /** Accesses to registers so far. */
  reads: number;
  writes: number;
}

/** How often a register block was accessed. */
export interface BlockAccesses {
  /** The part and its block. */
  readonly name: string;
  readonly reads: number;
  readonly writes: number;
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/** A bus over the shared memory. */
export class SystemBus implements Bus {
  private readonly view: DataView;
  private readonly entries: Entry[] = [];
  private readonly listeners = new Set<(at: Pa, bytes: number) => void>();
  private last: Entry | undefined;

  constructor(memory: WebAssembly.Memory) {
    this.view = new DataView(memory.buffer);
  }

  map(region: Region, to: Mmio): () => void {
    const widths = region.widths.reduce((bits, w) => bits | (1 << w), 0);
    return this.insert(region, { mmio: to, memory: undefined, found: undefined, widths }, 4);
  }

  mapMemory(region: Omit<Region, 'widths'>, memory: Memory): () => void {
    const found = { base: region.base, memory };
    return this.insert(region, { mmio: undefined, memory, found, widths: -1 }, 4096);
  }

  private insert(
    region: Omit<Region, 'widths'>,
    what: Pick<Entry, 'mmio' | 'memory' | 'found' | 'widths'>,
    align: number,
  ): () => void {
    const { name, base, size } = region;
    const whole = Number.isSafeInteger(base) && Number.isSafeInteger(size) && base >= 0;
    if (!whole || size <= 0 || base % align !== 0 || size % align !== 0) {
      throw new ConfigurationError(name, `base and size must be multiples of ${align} and the size not zero`);
    }
    if (base + size > 2 ** 52)
      throw new ConfigurationError(name, `ends beyond the 52 bits of a physical address`);
    const other = this.entries.find((e) => base < e.end && e.base < base + size);
    if (other) {
      throw new ConfigurationError(
        name,
        `${hex(base)} to ${hex(base + size - 1)} overlaps ${other.name}, which ends at ${hex(other.end - 1)}`,
      );
    }
    const entry: Entry = { name, base, end: base + size, ...what, reads: 0, writes: 0 };
    this.entries.push(entry);
    this.entries.sort((a, b) => a.base - b.base);
    return () => {
      const at = this.entries.indexOf(entry);
      if (at >= 0) this.entries.splice(at, 1);
      this.last = undefined;
    };
  }

  private find(at: number): Entry | undefined {
    const { last } = this;
    if (last !== undefined && at >= last.base && at < last.end) return last;
    let low = 0;
    let high = this.entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = this.entries[middle];
      if (entry === undefined) return undefined;
      if (at < entry.base) high = middle - 1;
      else if (at >= entry.end) low = middle + 1;
      else {
        this.last = entry;
        return entry;
      }
    }
    return undefined;
  }

  read(at: Pa, width: Width, by: Transaction): number {
    const entry = this.find(at);
    if (entry === undefined || at + width > entry.end) return this.refuse(by, Fault.Decode);
    const offset = at - entry.base;
    if (entry.mmio === undefined) return this.readMemory((entry.memory?.offset ?? 0) + offset, width);
    if ((entry.widths & (1 << width)) === 0) return this.refuse(by, Fault.Size);
    entry.reads++;
    return entry.mmio.read(offset, width, by);
  }

  write(at: Pa, width: Width, value: number, by: Transaction): void {
    const entry = this.find(at);
    if (entry === undefined || at + width > entry.end) this.refuse(by, Fault.Decode);
    else if (entry.mmio === undefined) this.writeMemory(entry, at, width, value, by);
    else if ((entry.widths & (1 << width)) === 0) this.refuse(by, Fault.Size);
    else {
      entry.writes++;
      entry.mmio.write(at - entry.base, width, value, by);
    }
  }

  read64(at: Pa, out: Word64, by: Transaction): void {
    const entry = this.find(at);
    out.lo = 0;
    out.hi = 0;
    if (entry === undefined || at + 8 > entry.end) this.refuse(by, Fault.Decode);
    else if (entry.mmio === undefined) {
      const host = (entry.memory?.offset ?? 0) + (at - entry.base);
      out.lo = this.view.getUint32(host, true);
      out.hi = this.view.getUint32(host + 4, true);
    } else if (entry.mmio.read64 !== undefined && (entry.widths & 0x100) !== 0) {
      entry.reads++;
      entry.mmio.read64(at - entry.base, out, by);
    } else {
      out.lo = this.read(at, 4, by);
      out.hi = this.read((at + 4) as Pa, 4, by);
    }
  }

  write64(at: Pa, lo: number, hi: number, by: Transaction): void {
    const entry = this.find(at);
    if (entry === undefined || at + 8 > entry.end) this.refuse(by, Fault.Decode);
    else if (entry.mmio?.write64 !== undefined && (entry.widths & 0x100) !== 0) {
      entry.writes++;
      entry.mmio.write64(at - entry.base, lo, hi, by);
    } else {
      this.write(at, 4, lo, by);
      this.write((at + 4) as Pa, 4, hi, by);
    }
  }

  /** Accesses to each register block since the bus was made, by CPUs and by devices; a refused one counts nowhere. */
  accesses(): readonly BlockAccesses[] {
    return this.entries
      .filter((e) => e.mmio !== undefined)
      .map(({ name, reads, writes }) => ({ name, reads, writes }));
  }

  host(at: Pa): number {
    const entry = this.find(at);
    return entry?.memory === undefined ? -1 : entry.memory.offset + (at - entry.base);
  }

  memoryAt(at: Pa): { readonly base: Pa; readonly memory: Memory } | undefined {
    return this.find(at)?.found;
  }

  onForeignStore(seen: (at: Pa, bytes: number) => void): () => void {
    this.listeners.add(seen);
    return () => this.listeners.delete(seen);
  }

  /** Tells everybody that bytes of memory were written by somebody else than a CPU's engine. */
  foreignStore(at: Pa, bytes: number): void {
    const found = this.memoryAt(at);
    if (found) markDirty(found.memory, at - found.base, bytes);
    for (const seen of this.listeners) seen(at, bytes);
  }

  /** Copies bytes into memory, as a loader or a DMA engine does. False where there is no memory for all of them. */
  load(at: Pa, bytes: Uint8Array): boolean {
    const found = this.memoryAt(at);
    if (found === undefined || at - found.base + bytes.length > found.memory.size) return false;
    found.memory.bytes.set(bytes, at - found.base);
    this.foreignStore(at, bytes.length);
    return true;
  }

  private readMemory(host: number, width: Width): number {
    if (width === 4) return this.view.getUint32(host, true);
    return width === 2 ? this.view.getUint16(host, true) : this.view.getUint8(host);
  }

  private writeMemory(entry: Entry, at: Pa, width: Width, value: number, by: Transaction): void {
    const { memory } = entry;
    if (memory?.writable !== true) {
      this.refuse(by, Fault.Slave);
      return;
    }
    const host = memory.offset + (at - entry.base);
    if (width === 4) this.view.setUint32(host, value, true);
    else if (width === 2) this.view.setUint16(host, value, true);
    else this.view.setUint8(host, value);
    this.foreignStore(at, width);
  }

  private refuse(by: Transaction, fault: Fault): 0 {
    by.fault = fault;
    return 0;
  }
}
