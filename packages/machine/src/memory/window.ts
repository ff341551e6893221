// RAM and ROM: windows of the shared memory with one dirty bit for each page.

import type { Memory } from '@worldswitch/platform';

/** Bytes of a page of a dirty bitmap. */
export const PAGE = 4096;

/** A window of `size` bytes at `offset`. */
export function memoryWindow(
  memory: WebAssembly.Memory,
  offset: number,
  size: number,
  writable: boolean,
): Memory {
  return {
    size,
    offset,
    bytes: new Uint8Array(memory.buffer, offset, size),
    dirty: new Uint32Array(Math.ceil(size / PAGE / 32)),
    writable,
  };
}

/** Marks the pages of a range that the host has written. */
export function markDirty(memory: Memory, at: number, bytes: number): void {
  const last = Math.floor((at + Math.max(bytes, 1) - 1) / PAGE);
  for (let page = Math.floor(at / PAGE); page <= last; page++) {
    memory.dirty[page >>> 5] = (memory.dirty[page >>> 5] ?? 0) | (1 << (page & 31));
  }
}
