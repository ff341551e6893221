// Kernels: the arm64 Image (Linux Documentation/arm64/booting.rst), ELF64 for AArch64, raw binaries, and gzip around any.

import { ConfigurationError } from '../errors.ts';
import { addressOf, elfCode, imageCode, physicalOf } from './code.ts';
import type { KernelCode } from './code.ts';
import { gunzip } from './gunzip.ts';

/** A piece of a kernel and where it goes. */
export interface Segment {
  /** Physical address. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory; those beyond `bytes` are zero. */
  readonly size: number;
}

/** A kernel ready to be copied into memory. */
export interface LoadedKernel {
  readonly format: 'Image' | 'ELF' | 'raw';
  readonly segments: readonly Segment[];
  /** Physical address of the first instruction. */
  readonly entry: number;
  /** Where its instructions are, as far as the file says it: for those who rewrite them. */
  readonly code?: KernelCode | undefined;
}

const MIB = 1024 * 1024;
/** Bytes beyond which a packed kernel is refused. */
const UNPACKED_LIMIT = 1024 * MIB;

/** Unpacks gzip; anything else is returned as it is. */
export async function unpacked(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const whole = await gunzip(bytes, UNPACKED_LIMIT).catch(() => {
    throw new ConfigurationError(name, 'looks like gzip and cannot be unpacked; it may be cut short');
  });
  if (whole === undefined)
    throw new ConfigurationError(name, `unpacks to more than ${UNPACKED_LIMIT / MIB} MiB`);
  return whole;
}

/**
 * Reads a kernel. Throws a `ConfigurationError` for one that is none.
 *
 * @param bytes - the file, unpacked
 * @param name - of the file, for messages
 * @param ram - first address of RAM; an Image goes where QEMU puts it: to its text offset, and 2 MiB higher where that is
 *   within the first page
 */
export function readKernel(bytes: Uint8Array, name: string, ram: number): LoadedKernel {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) === 0x7f454c46) return readElf(bytes, view, name);
  if (bytes.length >= 64 && view.getUint32(56, true) === 0x644d5241) return readImage(bytes, view, name, ram);
  if (bytes.length < 4) throw new ConfigurationError(name, `is no kernel: it has ${bytes.length} bytes`);
  if (view.getUint16(0, true) === 0x5a4d) {
    throw new ConfigurationError(name, 'is a PE file without an arm64 Image header: not an arm64 kernel');
  }
  if (bytes.length >= 0x206 && view.getUint32(0x202, true) === 0x53726448) {
    throw new ConfigurationError(name, 'is an x86 kernel; give one for arm64');
  }
  throw new ConfigurationError(
    name,
    'is neither an arm64 Image nor an ELF file; for a raw binary say where it goes, with --load ADDRESS',
  );
}

/** A raw binary at an address. */
export function rawKernel(bytes: Uint8Array, at: number): LoadedKernel {
  return { format: 'raw', segments: [{ at, bytes, size: bytes.length }], entry: at };
}

function readImage(bytes: Uint8Array, view: DataView, name: string, ram: number): LoadedKernel {
  const word = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const textOffset = word(8);
  const imageSize = word(16);
  const flags = view.getUint32(24, true);
  if ((flags & 1) !== 0)
    throw new ConfigurationError(name, 'is a big-endian kernel; give a little-endian one');
  // Before Linux 3.17 image_size is zero and text_offset 0x80000.
  const size = imageSize === 0 ? bytes.length : imageSize;
  const offset = imageSize === 0 ? 0x8_0000 : textOffset;
  if (offset > 64 * MIB || size > 2 ** 32) {
    throw new ConfigurationError(
      name,
      'has an arm64 Image header that makes no sense; the file may be damaged',
    );
  }
  const needed = sectionsEnd(bytes, view);
  if (bytes.length < needed) {
    throw new ConfigurationError(name, `is cut short: it has ${bytes.length} bytes of ${needed}`);
  }
  const at = ram + (offset < 4096 ? 2 * MIB : 0) + offset;
  return {
    format: 'Image',
    segments: [{ at, bytes, size: Math.max(size, bytes.length) }],
    entry: at,
    code: imageCode(bytes, view, at),
  };
}

/**
 * Where the sections of the PE header end that an Image with an EFI stub also has: the only sign of how long the file should be,
 * as `image_size` counts zeroes after it. 0 without such a header.
 */
function sectionsEnd(bytes: Uint8Array, view: DataView): number {
  if (view.getUint16(0, true) !== 0x5a4d) return 0;
  const pe = view.getUint32(60, true);
  if (pe + 24 > bytes.length) return pe + 24;
  if (view.getUint32(pe) !== 0x50450000) return 0;
  const table = pe + 24 + view.getUint16(pe + 20, true);
  const count = view.getUint16(pe + 6, true);
  let end = table + 40 * count;
  if (end > bytes.length) return end;
  for (let at = table; at < table + 40 * count; at += 40) {
    end = Math.max(end, view.getUint32(at + 16, true) + view.getUint32(at + 20, true));
  }
  return end;
}

const EM_AARCH64 = 183;

/** What is loaded of an ELF file. */
interface ElfSegment {
  /** In the file. */
  readonly bytes: Uint8Array;
  /** In memory, with what is zeroed behind it. */
  readonly size: number;
  /** Those of the upper half are negative. */
  readonly virtual: number;
  readonly physical: number;
}

const badElf = (name: string, problem: string): ConfigurationError =>
  new ConfigurationError(name, `is an ELF file that cannot be loaded: ${problem}`);

function elfSegments(bytes: Uint8Array, view: DataView, name: string): readonly ElfSegment[] {
  const bad = (problem: string): never => {
    throw badElf(name, problem);
  };
  if (bytes.length < 64) bad(`it is cut short at ${bytes.length} bytes`);
  if (bytes[4] !== 2) bad('it is not a 64-bit one');
  if (bytes[5] !== 1) bad('it is not little-endian');
  const machine = view.getUint16(18, true);
  if (machine !== EM_AARCH64) bad(`it is for machine ${machine}, and AArch64 is ${EM_AARCH64}`);
  const type = view.getUint16(16, true);
  if (type !== 2 && type !== 3) bad('it is not an executable');
  const word = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
  const headers = word(32);
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (size < 56 || count === 0 || headers + size * count > bytes.length)
    bad('its program headers are not in the file');
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = headers + i * size;
    if (view.getUint32(at, true) !== 1) continue;
    const [offset, fileSize, memorySize] = [word(at + 8), word(at + 32), word(at + 40)];
    if (offset + fileSize > bytes.length) bad(`segment ${i} is not in the file; it may be cut short`);
    if (memorySize < fileSize || memorySize > 2 ** 48) bad(`segment ${i} has sizes that make no sense`);
    segments.push({
      bytes: bytes.subarray(offset, offset + fileSize),
      size: memorySize,
      virtual: addressOf(view, at + 16),
      physical: word(at + 24),
    });
  }
  if (segments.length === 0) bad('it has nothing to load');
  return segments;
}

function readElf(bytes: Uint8Array, view: DataView, name: string): LoadedKernel {
  const found = elfSegments(bytes, view, name);
  if (found.some(({ physical, size }) => physical + size > 2 ** 48))
    throw badElf(name, 'its physical addresses are none of a machine; give the Image that is made of it');
  let entry = addressOf(view, 24);
  for (const { virtual, physical, size } of found) {
    // An entry that is a virtual address is taken to where its segment lies.
    if (virtual === physical || entry < virtual || entry >= virtual + size) continue;
    entry += physical - virtual;
    break;
  }
  const segments = found.map(({ bytes: content, physical, size }) => ({
    at: physical,
    bytes: content,
    size,
  }));
  if (!segments.some((s) => entry >= s.at && entry < s.at + s.size))
    throw badElf(name, 'its entry lies in no segment');
  const places = found.map(({ physical, virtual, size }) => ({ at: physical, virtual, size }));
  return { format: 'ELF', segments, entry, code: elfCode(view, physicalOf(places)) };
}

/**
 * Where the instructions of an Image are, by the ELF file that it was made of, whose lowest address is the Image's first. Throws a
 * `ConfigurationError` for one of another kernel.
 *
 * @param bytes - the ELF file
 * @param name - of the file, for messages
 * @param image - the kernel
 */
export function codeByElf(bytes: Uint8Array, name: string, image: LoadedKernel): KernelCode {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0) !== 0x7f454c46)
    throw new ConfigurationError(name, 'is no ELF file');
  const segments = elfSegments(bytes, view, name);
  const lowest = Math.min(...segments.map(({ virtual }) => virtual));
  const start = Math.min(...image.segments.map(({ at }) => at));
  const places = segments.map(({ virtual, size }) => ({ at: virtual - lowest + start, virtual, size }));
  const code = elfCode(view, physicalOf(places));
  if (code === undefined) throw new ConfigurationError(name, 'does not say where its code is');
  for (const { at, size } of code.ranges) {
    const own = bytesAt(
      segments.map(({ bytes: content }, i) => ({ at: places[i]?.at ?? 0, bytes: content })),
      at,
      size,
    );
    const there = bytesAt(image.segments, at, size);
    if (own === undefined || there?.every((byte, i) => byte === own[i]) !== true)
      throw new ConfigurationError(
        name,
        `is not of this kernel, whose code at 0x${at.toString(16)} is another`,
      );
  }
  return code;
}

/** Bytes that are loaded at an address; undefined where not all are. */
const bytesAt = (
  segments: readonly Pick<Segment, 'at' | 'bytes'>[],
  at: number,
  size: number,
): Uint8Array | undefined => {
  const found = segments.find((s) => at >= s.at && at + size <= s.at + s.bytes.length);
  return found?.bytes.subarray(at - found.at, at - found.at + size);
};
