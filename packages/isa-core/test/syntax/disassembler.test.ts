// Every word that the table decodes reads as binutils prints it, and every word that only binutils reads is of an extension that
// is listed. The extensions hold nothing of Armv8.0-A: so the table has all of it that a random word can hit.

import { describe, expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { disassemble } from '../../src/syntax/index.ts';
import { decode } from '../../src/table/index.ts';
import { objdump, refusedByGnu } from './binutils.ts';
import { features } from './features.ts';
import { anyWords, nearWords, tableWords } from './words.ts';

const tools = requireTool('aarch64-linux-gnu-objdump', 'aarch64-linux-gnu-as');
const isFull = process.env['CI'] === 'true';
const count = Number(process.env['DISASSEMBLY_WORDS'] ?? (isFull ? 1_000_000 : 200_000));
const seed = Number(process.env['DISASSEMBLY_SEED'] ?? 1);

interface Reading {
  readonly word: number;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

async function read(words: Uint32Array): Promise<readonly Reading[]> {
  const texts = await objdump(words);
  expect(texts.length).toBe(words.length);
  return texts.map((theirs, i) => {
    const word = words[i] ?? 0;
    return { word, theirs, ours: disassemble(word, 4 * i) };
  });
}

const hex = (word: number): string => word.toString(16).padStart(8, '0');
const show = ({ word, ours, theirs }: Reading): string =>
  `${hex(word)}: ${ours ?? 'no text'}; binutils ${theirs ?? 'no text'}`;

/** A list for a report: the first ten, and how many there are. */
const brief = (lines: readonly string[]): readonly string[] =>
  lines.length <= 10 ? lines : [...lines.slice(0, 10), `and ${String(lines.length - 10)} more`];

/** Decoded words that differ; where binutils has no text, ours must have none either. */
const different = (readings: readonly Reading[]): string[] =>
  readings.filter(({ word, ours, theirs }) => decode(word) !== undefined && ours !== theirs).map(show);

/** Words that only binutils reads. */
const theirsOnly = (readings: readonly Reading[]): (Reading & { readonly theirs: string })[] =>
  readings.flatMap((r) =>
    r.theirs !== undefined && decode(r.word) === undefined ? [{ ...r, theirs: r.theirs }] : [],
  );

const isListed = (line: string): boolean => features.some(({ text }) => text.test(line));

/** ORR or MOV of the logical immediate whose sf, N, immr and imms are bits of `n`, to SP if the lowest bit says so. */
const orr = (n: number): number =>
  (((n >>> 14) << 31) | 0x3200_03e0 | ((n & 0x3ffe) << 9) | ((n & 1) !== 0 ? 31 : 5)) >>> 0;

describe('disassembly', () => {
  const size = `${String(count)} words`;
  for (const [kind, words] of [
    [`of ${size}`, () => anyWords(count, seed)],
    ['of every constant of ORR', () => Uint32Array.from({ length: 1 << 15 }, (_, n) => orr(n))],
    ['of words of every case', () => tableWords(isFull ? 200 : 40, seed)],
    ['of words near the table', () => nearWords(isFull ? 200 : 40, seed)],
  ] as const) {
    tools.test(
      `${kind} is binutils', or of a listed extension`,
      async () => {
        const readings = await read(words());
        expect(brief(different(readings))).toEqual([]);
        const unlisted = theirsOnly(readings).filter(({ theirs }) => !isListed(theirs));
        expect(brief(unlisted.map(show))).toEqual([]);
      },
      120_000,
    );
  }

  tools.test(
    'lists no instruction of Armv8.0 among the extensions',
    async () => {
      const texts = theirsOnly(await read(anyWords(count, seed + 1)))
        .map(({ theirs }) => theirs)
        // as takes SHA512 for part of +sha2.
        .filter((text) => isListed(text) && !text.includes('s0_') && !text.startsWith('sha512'));
      const refused = await refusedByGnu(texts);
      expect(brief(texts.filter((_, i) => !refused.has(i)))).toEqual([]);
    },
    120_000,
  );
});
