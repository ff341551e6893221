// How an emulated device reaches its VM's memory: by the VM's addresses, page by page, through the VM's map.

import { Fault } from '@worldswitch/platform';
import type { CpuPort, Dma, Ipa, Iova, Pa, Width, Word64 } from '@worldswitch/platform';

import type { Current } from '../current.ts';
import { PAGE } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';

/** A VM's memory, as devices reach it. */
export interface DmaMap {
  /** What is at an address of the VM's; undefined where nothing is. */
  find(
    port: CpuPort,
    ipa: Ipa,
  ): { readonly pa: Pa; readonly memory: string; readonly write: boolean } | undefined;
  /** A device is about to write there: what is there may be elsewhere from now on. */
  noteWrite(ipa: Ipa): void;
}

/** A device's DMA port in a VM. */
export class GuestDma implements Dma {
  private readonly current: Current;
  private readonly memory: PhysicalMemory;
  private readonly map: DmaMap;
  private readonly onMessage: (at: Iova, data: number) => Fault;

  /**
   * @param current - the entry that runs
   * @param map - the VM's
   * @param onMessage - takes message-signalled interrupts; without it nothing answers them
   */
  constructor(
    current: Current,
    memory: PhysicalMemory,
    map: DmaMap,
    onMessage?: (at: Iova, data: number) => Fault,
  ) {
    this.current = current;
    this.memory = memory;
    this.map = map;
    this.onMessage = onMessage ?? (() => Fault.Decode);
  }

  readInto(from: Iova, into: Uint8Array): Fault {
    return this.pieces(from, into.length, false, (pa, done, bytes) =>
      this.memory.readInto(this.current.port, pa, into.subarray(done, done + bytes)),
    );
  }

  writeFrom(to: Iova, from: Uint8Array): Fault {
    return this.pieces(to, from.length, true, (pa, done, bytes) =>
      this.memory.writeFrom(this.current.port, pa, from.subarray(done, done + bytes)),
    );
  }

  load(at: Iova, width: Width | 8, out: Word64): Fault {
    const bytes = new Uint8Array(width);
    const fault = this.readInto(at, bytes);
    const view = new DataView(bytes.buffer);
    out.lo = 0;
    out.hi = 0;
    if (fault !== Fault.None) return fault;
    if (width >= 4) out.lo = view.getUint32(0, true);
    else out.lo = width === 2 ? view.getUint16(0, true) : view.getUint8(0);
    if (width === 8) out.hi = view.getUint32(4, true);
    return Fault.None;
  }

  store(at: Iova, width: Width | 8, lo: number, hi: number): Fault {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, lo, true);
    view.setUint32(4, hi, true);
    return this.writeFrom(at, bytes.subarray(0, width));
  }

  message(at: Iova, data: number): Fault {
    return this.onMessage(at, data);
  }

  /** All pages are looked up before any is touched: nothing of a transfer happens that cannot happen as a whole. */
  private pieces(
    at: number,
    bytes: number,
    write: boolean,
    move: (pa: Pa, done: number, bytes: number) => Fault,
  ): Fault {
    const { port } = this.current;
    const parts: { ipa: Ipa; done: number; size: number }[] = [];
    for (let done = 0; done < bytes;) {
      const size = Math.min(bytes - done, PAGE - ((at + done) % PAGE));
      const ipa = (at + done) as Ipa;
      const found = this.map.find(port, ipa);
      if (found === undefined || found.memory === 'device') return Fault.Decode;
      if (write && !found.write) return Fault.Permission;
      parts.push({ ipa, done, size });
      done += size;
    }
    if (write) for (const { ipa } of parts) this.map.noteWrite(ipa);
    for (const { ipa, done, size } of parts) {
      const found = this.map.find(port, ipa);
      const fault = found === undefined ? Fault.Decode : move(found.pa, done, size);
      if (fault !== Fault.None) return fault;
    }
    return Fault.None;
  }
}
