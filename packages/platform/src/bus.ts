// Transactions, memory-mapped registers, memory, and the bus that joins them.

import type { Iova, Pa, Width, Word64 } from './address.ts';

/** How a transaction went. A fault that a guest can cause is a value and never an exception. */
export const Fault = { None: 0, Decode: 1, Slave: 2, Translation: 3, Permission: 4, Size: 5 } as const;
/** How a transaction went. */
export type Fault = (typeof Fault)[keyof typeof Fault];

/** Who asks, and how it went. One per requester, reused for every access that it makes: keep no reference past the call. */
export interface Transaction {
  /** CPU index, or -1 for a device. Banked registers need it. */
  readonly requester: number;
  /** SMMU stream, or -1 for a CPU. */
  readonly streamId: number;
  /** True for an access to the Secure physical address space. */
  secure: boolean;
  /** True for an access that is not from EL0. */
  privileged: boolean;
  /** Set by the target, read and cleared by the requester. */
  fault: Fault;
}

/** A block of memory-mapped registers, as the bus sees it. */
export interface Mmio {
  /** Unsigned result. Total: any offset in [0, size), any declared width, in any order. */
  read(offset: number, width: Width, by: Transaction): number;
  /** `value` is unsigned and has no bits above `width`. Total like `read`. */
  write(offset: number, width: Width, value: number, by: Transaction): void;
  /** Only where a register needs 64-bit single-copy atomicity (GICD_IROUTER, ITS and SMMU bases); else the bus splits. */
  read64?(offset: number, out: Word64, by: Transaction): void;
  /** The counterpart of `read64`. */
  write64?(offset: number, lo: number, hi: number, by: Transaction): void;
}

/** A range of the physical address space. */
export interface Region {
  /** For messages and traces. */
  readonly name: string;
  /** First address; a multiple of 4096 for memory, of 4 for registers. */
  readonly base: Pa;
  /** In bytes. */
  readonly size: number;
  /** What the hardware accepts. The bus enforces it, so a device never sees a width that it did not declare. */
  readonly widths: readonly (Width | 8)[];
}

/** RAM or ROM: a window of the one `WebAssembly.Memory` that compiled guest code also uses. */
export interface Memory {
  /** In bytes, a multiple of 4096. */
  readonly size: number;
  /** Byte offset of the window in the shared `WebAssembly.Memory`. */
  readonly offset: number;
  /** For the owner (engines, snapshots, loaders), never for a device. */
  readonly bytes: Uint8Array;
  /**
   * One bit per 4 KiB page, set when the page becomes writable in a TLB, and so before any store; clearing it revokes
   * that. Pages that only the host writes (loaders, DMA) are marked by the writer.
   */
  readonly dirty: Uint32Array;
  /** False for ROM: the bus answers stores with `Fault.Slave`. */
  readonly writable: boolean;
}

/** The machine's physical address space. */
export interface Bus {
  /** Throws on overlap, zero size, misalignment or wrap-around. Returns the way to undo it. */
  map(region: Region, to: Mmio): () => void;
  /** The same for memory. */
  mapMemory(region: Omit<Region, 'widths'>, memory: Memory): () => void;
  /** A load; unsigned. An address that nothing decodes gives 0 and `Fault.Decode`. */
  read(at: Pa, width: Width, by: Transaction): number;
  /** A store. */
  write(at: Pa, width: Width, value: number, by: Transaction): void;
  /** A 64-bit load. */
  read64(at: Pa, out: Word64, by: Transaction): void;
  /** A 64-bit store. */
  write64(at: Pa, lo: number, hi: number, by: Transaction): void;
  /**
   * Byte offset in the shared `WebAssembly.Memory` of the memory at `at`, or -1 where there is none. The answer holds for
   * the rest of the 4 KiB page.
   */
  host(at: Pa): number;
  /** The memory that decodes `at`, if any. */
  memoryAt(at: Pa): { readonly base: Pa; readonly memory: Memory } | undefined;
  /**
   * Calls `seen` after any store that did not come from a CPU's own engine (DMA, loaders): engines drop decoded code.
   * Returns the way to stop.
   */
  onForeignStore(seen: (at: Pa, bytes: number) => void): () => void;
}

/** All that a device sees of memory. Copies only, so that a guest cannot change what was checked. */
export interface Dma {
  /** Fills `into` from memory. */
  readInto(from: Iova, into: Uint8Array): Fault;
  /** Copies `from` to memory. */
  writeFrom(to: Iova, from: Uint8Array): Fault;
  /** Little-endian, value in `out`. */
  load(at: Iova, width: Width | 8, out: Word64): Fault;
  /** Little-endian. */
  store(at: Iova, width: Width | 8, lo: number, hi: number): Fault;
  /** A message-signalled interrupt: a 32-bit store that the SMMU and the ITS both see. */
  message(at: Iova, data: number): Fault;
}

/** An SMMU, as a DMA port sees it. */
export interface Translator {
  /** Translates one address of a stream; fills `out` when the answer is `Fault.None`. */
  translate(streamId: number, at: Iova, write: boolean, out: Mapping): Fault;
}

/** A translated address and how far it holds. */
export interface Mapping {
  /** Where the access goes. */
  pa: Pa;
  /** Bytes from `pa` for which the answer holds. */
  contiguous: number;
}
