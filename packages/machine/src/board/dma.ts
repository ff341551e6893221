// A device's view of memory without an SMMU: bus addresses are physical addresses.

import { Fault } from '@worldswitch/platform';
import type { Dma, Iova, Pa, Transaction, Width, Word64 } from '@worldswitch/platform';

import type { SystemBus } from '../bus/bus.ts';

/** The DMA port of a device that no SMMU stands before. Only RAM answers. */
export function directDma(bus: SystemBus): Dma {
  const by: Transaction = { requester: -1, streamId: 0, secure: false, privileged: true, fault: Fault.None };
  /** The window's bytes at an address, or undefined. */
  const range = (at: number, bytes: number, write: boolean): Uint8Array | undefined => {
    const found = bus.memoryAt(at as Pa);
    if (found === undefined || (write && !found.memory.writable)) return undefined;
    const offset = at - found.base;
    return offset + bytes <= found.memory.size
      ? found.memory.bytes.subarray(offset, offset + bytes)
      : undefined;
  };
  const ended = (): Fault => {
    const { fault } = by;
    by.fault = Fault.None;
    return fault;
  };
  return {
    readInto(from: Iova, into) {
      const bytes = range(from, into.length, false);
      if (bytes === undefined) return Fault.Decode;
      into.set(bytes);
      return Fault.None;
    },
    writeFrom(to: Iova, from) {
      const bytes = range(to, from.length, true);
      if (bytes === undefined) return Fault.Decode;
      bytes.set(from);
      bus.foreignStore(to as number as Pa, from.length);
      return Fault.None;
    },
    load(at: Iova, width: Width | 8, out: Word64) {
      const pa = at as number as Pa;
      out.hi = 0;
      if (width === 8) bus.read64(pa, out, by);
      else out.lo = bus.read(pa, width, by);
      return ended();
    },
    store(at: Iova, width: Width | 8, lo, hi) {
      const pa = at as number as Pa;
      if (width === 8) bus.write64(pa, lo, hi, by);
      else bus.write(pa, width, lo, by);
      return ended();
    },
    message(at: Iova, data) {
      bus.write(at as number as Pa, 4, data, by);
      return ended();
    },
  };
}
