// Descriptor chains (Virtio 1.2, 2.7.5), read as from an attacker: every descriptor is copied once before it is believed, indirect
// tables do not nest, loops end, and what a chain adds up to is bounded.

import { Fault, iova } from '@worldswitch/platform';
import type { Dma } from '@worldswitch/platform';

/** Addresses have 52 bits at most. */
export const ADDRESS_LIMIT: number = 2 ** 52;
/** Bytes of the buffers of one chain, above which it counts as an attack. */
const CHAIN_BYTES = 32 * 1024 * 1024;
/** Descriptors of one chain, where an indirect table allows more than the queue has. */
const CHAIN_DESCRIPTORS = 1024;

/** Descriptor flags. */
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;
/** Bytes of a descriptor. */
const DESCRIPTOR = 16;

/** One buffer of a chain. */
export interface Segment {
  readonly at: number;
  readonly length: number;
}

/** A chain that the driver made available. */
export interface Chain {
  /** What `push` gives back. */
  readonly head: number;
  /** What the device may read, in order. */
  readonly readable: readonly Segment[];
  /** What it may write. */
  readonly writable: readonly Segment[];
  readonly readableBytes: number;
  readonly writableBytes: number;
}

/** Where chains start. */
export interface DescriptorTable {
  readonly at: number;
  /** Descriptors in it. */
  readonly size: number;
  /** VIRTIO_F_INDIRECT_DESC was negotiated. */
  readonly indirect: boolean;
}

/**
 * Follows a chain.
 *
 * @returns the chain, or what is wrong with it as the end of a sentence that starts with the queue
 */
export function walk(dma: Dma, { at: start, size, indirect }: DescriptorTable, head: number): Chain | string {
  const readable: Segment[] = [];
  const writable: Segment[] = [];
  const raw = new Uint8Array(DESCRIPTOR);
  const view = new DataView(raw.buffer);
  let [readableBytes, writableBytes] = [0, 0];
  let [table, entries, inside, index] = [start, size, false, head];
  for (let left = size; ; left--) {
    if (index >= entries) return 'names a descriptor that is not there';
    if (dma.readInto(iova(table + DESCRIPTOR * index), raw) !== Fault.None)
      return 'has descriptors where no memory is';
    const at = view.getUint32(0, true) + 2 ** 32 * view.getUint32(4, true);
    const length = view.getUint32(8, true);
    const flags = view.getUint16(12, true);
    if (at + length > ADDRESS_LIMIT) return 'has a buffer beyond 52 bits';
    if ((flags & INDIRECT) !== 0) {
      if (!indirect) return 'has an indirect descriptor, which was not negotiated';
      if (inside) return 'has an indirect descriptor in an indirect table';
      if ((flags & NEXT) !== 0) return 'has an indirect descriptor with a next one';
      if (length === 0 || length % DESCRIPTOR !== 0) return 'has an indirect table of no whole descriptors';
      [table, entries, inside, index] = [at, length / DESCRIPTOR, true, 0];
      left = Math.min(entries, CHAIN_DESCRIPTORS) + 1; // less this one
      continue;
    }
    if (length === 0) return 'has an empty buffer';
    if ((flags & WRITE) !== 0) {
      writable.push({ at, length });
      writableBytes += length;
    } else if (writable.length > 0) return 'has a readable buffer after a writable one';
    else {
      readable.push({ at, length });
      readableBytes += length;
    }
    if (readableBytes + writableBytes > CHAIN_BYTES) return 'has a chain of too many bytes';
    if ((flags & NEXT) === 0) return { head, readable, writable, readableBytes, writableBytes };
    if (left <= 1) return 'has a chain that does not end';
    index = view.getUint16(14, true);
  }
}
