// A VM's devices by its physical addresses. It splits accesses as the board's bus does: into aligned pieces, and of 64 bits into two
// where a device has none of its own.

import { ConfigurationError } from '@worldswitch/machine';
import { Fault } from '@worldswitch/platform';
import type { Ipa, Mmio, Region, Transaction, Width, Word64 } from '@worldswitch/platform';

/** A block of registers of an emulated device. */
export interface VmRegion extends Omit<Region, 'base'> {
  /** First address as the VM sees it; a multiple of 4. */
  readonly base: Ipa;
}

interface Entry {
  readonly name: string;
  readonly base: number;
  readonly end: number;
  readonly mmio: Mmio;
  /** Bit n is set when accesses of n bytes are accepted. */
  readonly widths: number;
  reads: number;
  writes: number;
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/** The devices of one VM. */
export class VmBus {
  private readonly entries: Entry[] = [];
  private last: Entry | undefined;
  /** Bytes that the last access that failed had moved. */
  moved = 0;

  /**
   * Puts a device's registers where the VM sees them.
   *
   * @throws ConfigurationError that names the region, where it overlaps another one
   */
  map(region: VmRegion, to: Mmio): void {
    const { name, base, size } = region;
    const whole = Number.isSafeInteger(base) && Number.isSafeInteger(size) && base >= 0;
    if (!whole || size <= 0 || base % 4 !== 0 || size % 4 !== 0 || base + size > 2 ** 48) {
      throw new ConfigurationError(name, 'base and size must be multiples of 4 and the size not zero');
    }
    const other = this.entries.find((e) => base < e.end && e.base < base + size);
    if (other !== undefined) {
      throw new ConfigurationError(
        name,
        `${hex(base)} to ${hex(base + size - 1)} overlaps ${other.name}, which ends at ${hex(other.end - 1)}`,
      );
    }
    const widths = region.widths.reduce((bits, w) => bits | (1 << w), 0);
    this.entries.push({ name, base, end: base + size, mmio: to, widths, reads: 0, writes: 0 });
    this.entries.sort((a, b) => a.base - b.base);
  }

  /** The name of the device at an address; undefined where there is none. */
  deviceAt(at: Ipa): string | undefined {
    return this.find(at)?.name;
  }

  /** Accesses to each device since the bus was made. */
  accesses(): readonly { readonly name: string; readonly reads: number; readonly writes: number }[] {
    return this.entries.map(({ name, reads, writes }) => ({ name, reads, writes }));
  }

  /** A load of 1, 2, 4 or 8 bytes, lowest first. */
  read(at: Ipa, width: Width | 8, out: Word64, by: Transaction): Fault {
    out.lo = 0;
    out.hi = 0;
    by.fault = Fault.None;
    for (let done = 0; done < width;) {
      this.moved = done;
      const piece = pieceOf(at + done, width - done);
      const entry = this.entryFor(at + done, piece, by);
      if (entry === undefined) return this.ended(by);
      const offset = at + done - entry.base;
      if (piece === 8) this.read8(entry, offset, out, by);
      else put(out, done, this.readPiece(entry, offset, piece, by));
      if (failed(by)) return this.ended(by);
      done += piece;
    }
    return Fault.None;
  }

  /** A store. */
  write(at: Ipa, width: Width | 8, lo: number, hi: number, by: Transaction): Fault {
    by.fault = Fault.None;
    for (let done = 0; done < width;) {
      this.moved = done;
      const piece = pieceOf(at + done, width - done);
      const entry = this.entryFor(at + done, piece, by);
      if (entry === undefined) return this.ended(by);
      const offset = at + done - entry.base;
      if (piece === 8) this.write8(entry, offset, lo, hi, by);
      else this.writePiece(entry, offset, piece, take(lo, hi, done, piece), by);
      if (failed(by)) return this.ended(by);
      done += piece;
    }
    return Fault.None;
  }

  private find(at: number): Entry | undefined {
    const { last } = this;
    if (last !== undefined && at >= last.base && at < last.end) return last;
    const found = this.entries.find((e) => at >= e.base && at < e.end);
    if (found !== undefined) this.last = found;
    return found;
  }

  private entryFor(at: number, bytes: number, by: Transaction): Entry | undefined {
    const entry = this.find(at);
    if (entry !== undefined && at + bytes <= entry.end) return entry;
    by.fault = Fault.Decode;
    return undefined;
  }

  private readPiece(entry: Entry, offset: number, width: Width, by: Transaction): number {
    if ((entry.widths & (1 << width)) === 0) {
      by.fault = Fault.Size;
      return 0;
    }
    entry.reads++;
    return entry.mmio.read(offset, width, by) >>> 0;
  }

  private writePiece(entry: Entry, offset: number, width: Width, value: number, by: Transaction): void {
    if ((entry.widths & (1 << width)) === 0) {
      by.fault = Fault.Size;
      return;
    }
    entry.writes++;
    entry.mmio.write(offset, width, value, by);
  }

  private read8(entry: Entry, offset: number, out: Word64, by: Transaction): void {
    if (entry.mmio.read64 !== undefined && (entry.widths & 0x100) !== 0) {
      entry.reads++;
      entry.mmio.read64(offset, out, by);
      return;
    }
    out.lo = this.readPiece(entry, offset, 4, by);
    if (by.fault === Fault.None) out.hi = this.readPiece(entry, offset + 4, 4, by);
  }

  private write8(entry: Entry, offset: number, lo: number, hi: number, by: Transaction): void {
    if (entry.mmio.write64 !== undefined && (entry.widths & 0x100) !== 0) {
      entry.writes++;
      entry.mmio.write64(offset, lo, hi, by);
      return;
    }
    this.writePiece(entry, offset, 4, lo, by);
    if (by.fault === Fault.None) this.writePiece(entry, offset + 4, 4, hi, by);
  }

  private ended(by: Transaction): Fault {
    const { fault } = by;
    by.fault = Fault.None;
    return fault;
  }
}

/** Asked anew: devices set it. */
const failed = (by: Transaction): boolean => by.fault !== Fault.None;

/** The largest aligned piece at `at` of no more than `left` bytes. */
function pieceOf(at: number, left: number): Width | 8 {
  if (left >= 8 && at % 8 === 0) return 8;
  if (left >= 4 && at % 4 === 0) return 4;
  return left >= 2 && at % 2 === 0 ? 2 : 1;
}

/** Puts a piece of 1, 2 or 4 bytes at byte `from` of a doubleword. */
function put(out: Word64, from: number, value: number): void {
  const shift = (from & 3) * 8;
  if (from >= 4) out.hi = (out.hi | (value << shift)) >>> 0;
  else {
    out.lo = (out.lo | (value << shift)) >>> 0;
    if (shift > 0) out.hi = (out.hi | (value >>> (32 - shift))) >>> 0;
  }
}

/** Takes a piece of 1, 2 or 4 bytes from byte `from` of a doubleword. */
function take(lo: number, hi: number, from: number, bytes: number): number {
  const shift = (from & 3) * 8;
  const word = from >= 4 ? hi >>> shift : shift === 0 ? lo : (lo >>> shift) | (hi << (32 - shift));
  return bytes === 4 ? word >>> 0 : (word & ((1 << (bytes * 8)) - 1)) >>> 0;
}
