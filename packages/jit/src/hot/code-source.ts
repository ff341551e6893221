// What discovery of a region reads: the words of the pages around its root, where the CPU fetches from them now.

import type { DecodedPages } from '../interpreter/pages.ts';
import { Fixed } from '../interpreter/reasons.ts';
import type { CodeSource } from './blocks.ts';

/** Where the pages of a region are: those of the fetch TLB of a CPU. */
export interface PageSource {
  fetchPage(vaLo: number, vaHi: number): number;
}

/** Pages before and after the root's that a region may have. */
const NEAR = 3;

/**
 * The source of a region.
 *
 * @param words - the memory
 * @param root - its address, who fetches there, and the decoded pages by their place, where those found are entered
 */
export function codeSource(
  {
    pages,
    hasCode,
    eager,
  }: {
    readonly pages: DecodedPages;
    readonly hasCode: (caseId: number) => boolean;
    readonly eager?: boolean;
  },
  words: Int32Array,
  root: {
    readonly vaLo: number;
    readonly vaHi: number;
    readonly at: PageSource;
    readonly found: Map<number, number>;
  },
): CodeSource {
  const { vaHi, at, found } = root;
  const first = (root.vaLo & ~0xfff) >>> 0;
  const pageAt = (page: number): number => {
    const known = found.get(page);
    if (known !== undefined) return known;
    const lo = first + page * 4096;
    const near = Math.abs(page) <= NEAR && lo >= 0 && lo < 2 ** 32;
    const decoded = near ? at.fetchPage(lo | 0, vaHi) : 0;
    found.set(page, decoded);
    return decoded;
  };
  return {
    word: (instruction) => {
      const decoded = pageAt(instruction >> 10);
      if (decoded === 0) return undefined;
      return words[(pages.hostOf(decoded) >> 2) + (instruction & 1023)];
    },
    hasCode,
    // What control has never come to has never been decoded; but before anything was, everything is of interest.
    ...(eager !== true && {
      reached: (instruction: number): boolean => {
        const decoded = pageAt(instruction >> 10);
        return decoded !== 0 && pages.numberAt(decoded + (instruction & 1023) * 16) !== Fixed.decode;
      },
    }),
  };
}
