// Which words of a kernel are instructions to be rewritten. Where its file does not say what is code, a word counts only among words that
// all decode: constants that look like a sensitive instruction are not to be changed.

import { decode } from '@worldswitch/isa-core';
import type { KernelCode, LoadedKernel } from '@worldswitch/machine';

import { sensitive } from './sensitive.ts';
import type { Sensitive } from './sensitive.ts';

/** A sensitive instruction. */
export interface Site {
  /** Guest physical address. */
  readonly at: number;
  readonly word: number;
  readonly what: Sensitive;
}

/** What there is in a kernel. */
export interface Sites {
  readonly sites: readonly Site[];
  /** Words that decode as sensitive instructions and are not taken for such: what is around them is no code. */
  readonly doubtful: readonly Site[];
  /** Immediates of the kernel's own SVC. */
  readonly calls: ReadonlySet<number>;
}

/** So many words before and behind are looked at; of a random word three in ten decode. */
const AROUND = 12;
/** The same in bytes. */
export const BESIDE: number = 4 * AROUND;
/** Fewer than that say nothing. */
const LEAST = 6;
const UDF = 0x1_0000;

/** Reads words. */
export type Reader = (at: number) => number | undefined;

/** True where three of four words around one are instructions; zeroes are what is between functions, and do not count. */
export function isAmongCode(at: number, read: Reader): boolean {
  let words = 0;
  let instructions = 0;
  for (let i = -AROUND; i <= AROUND; i++) {
    const word = i === 0 ? 0 : (read(at + 4 * i) ?? 0);
    if (word === 0) continue;
    words++;
    if (word >= UDF && decode(word) !== undefined) instructions++;
  }
  return words >= LEAST && 4 * instructions >= 3 * words;
}

/** Where code can be in a kernel that does not say it: everywhere. */
export const codeOf = ({ code, segments }: LoadedKernel): KernelCode =>
  code ?? {
    ranges: segments.map(({ at, bytes }) => ({ at, size: bytes.length & ~3 })),
    exact: false,
  };

/** Words of a kernel by address. */
function readerOf({ segments }: LoadedKernel): Reader {
  const views = segments.map(({ at, bytes }) => ({
    at,
    end: at + bytes.length,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }));
  return (address) => {
    const found = views.find(({ at, end }) => address >= at && address + 4 <= end);
    return found?.view.getUint32(address - found.at, true);
  };
}

/** Finds all of them. */
export function findSites(kernel: LoadedKernel): Sites {
  const { ranges, exact } = codeOf(kernel);
  const read = readerOf(kernel);
  const sites: Site[] = [];
  const doubtful: Site[] = [];
  const calls = new Set<number>();
  for (const { at: begin, size } of ranges)
    for (let at = begin; at < begin + size; at += 4) {
      const word = read(at);
      if (word === undefined) continue;
      if ((word & 0xffe0_001f) >>> 0 === 0xd400_0001) calls.add((word >>> 5) & 0xffff);
      const what = sensitive(word);
      if (what === undefined) continue;
      (exact || isAmongCode(at, read) ? sites : doubtful).push({ at, word, what });
    }
  return { sites, doubtful, calls };
}
