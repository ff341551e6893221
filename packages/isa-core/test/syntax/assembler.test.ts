// The text of every case assembles to what binutils makes of it, and to a word that has the same text.

import { describe, expect, it } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { assemble, disassemble } from '../../src/syntax/index.ts';
import { gnuAssemble } from './binutils.ts';
import { tableWords } from './words.ts';

const tools = requireTool('aarch64-linux-gnu-as', 'aarch64-linux-gnu-ld', 'aarch64-linux-gnu-objcopy');
const each = process.env['CI'] === 'true' ? 40 : 10;

/** Texts of all cases, with targets as distances. */
const texts: readonly string[] = [
  ...new Set([...tableWords(each, 11)].map((word) => disassemble(word) ?? '').filter((text) => text !== '')),
];

const TARGET = /^(?:adrp?|bl?|b\.\w+|cbn?z|tbn?z|ldr|ldrsw|prfm) .*\b(0x[0-9a-f]+)$/;
/** A line as GNU as takes it: distances backwards are negative numbers, and ADRP wants an address. */
function forGnu(text: string): string {
  const target = TARGET.exec(text)?.[1];
  if (target === undefined) return text;
  const distance = String(BigInt.asIntN(64, BigInt(target)));
  return text.slice(0, -target.length) + (text.startsWith('adrp') ? `base + ${distance}` : distance);
}

const hex = (word: number | undefined): string => (word === undefined ? 'refused' : word.toString(16));

describe('assemble', () => {
  it('takes what the disassembler writes', () => {
    const wrong = texts.flatMap((text) => {
      const again = disassemble(assemble(text));
      return again === text ? [] : [`${text} became ${again ?? ''}`];
    });
    expect(wrong).toEqual([]);
  });

  tools.test(
    'makes the words that binutils makes',
    async () => {
      const theirs = await gnuAssemble(texts.map(forGnu));
      const wrong = texts.flatMap((text, i) => {
        // as knows registers of other profiles by name, and refuses to move them; so it does to write what is read-only.
        if (theirs[i] === undefined && /^m(?:rs|sr) /.test(text)) return [];
        // ADRP's text is an address for both; the page that the line itself stands in differs.
        const ours = assemble(text, text.startsWith('adrp') ? 4 * i : 0);
        return ours === theirs[i] ? [] : [`${text}: ${hex(ours)}; binutils ${hex(theirs[i])}`];
      });
      expect(wrong).toEqual([]);
    },
    120_000,
  );
});
