// Every encoding of MRS, MSR, SYS, SYSL, hints and barriers reads as binutils prints it, and assembles to itself.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect } from 'vitest';

import { requireTool, run, tempDir } from '@worldswitch/test-tools';

import { assemble, disassemble } from '../../src/syntax/index.ts';

const tools = requireTool('aarch64-linux-gnu-as', 'aarch64-linux-gnu-objdump');

/** What objdump says of each word, spaces as ours. */
async function binutils(words: readonly number[]): Promise<string[]> {
  const folder = tempDir();
  const source = join(folder, 'words.s');
  const object = join(folder, 'words.o');
  writeFileSync(source, words.map((word) => `.inst 0x${word.toString(16)}\n`).join(''));
  await run('aarch64-linux-gnu-as', [source, '-o', object]);
  const { stdout } = await run('aarch64-linux-gnu-objdump', ['-d', '--show-all-symbols', object]);
  return [...stdout.matchAll(/^\s*[0-9a-f]+:\t[0-9a-f]{8} \t(.*)$/gm)].map(([, text = '']) =>
    text
      .replace('\t', ' ')
      .replace(/\s*\/\/.*$/, '')
      .trim(),
  );
}

/** op0 to op2, with the read bit, in bits 21:5: the whole of the system instructions' space, for one register. */
const everySystemInstruction = (rt: number): number[] =>
  Array.from({ length: 1 << 17 }, (_, n) => (0xd500_0000 | (n << 5) | rt) >>> 0);

tools.describe('system instructions in text', () => {
  for (const rt of [31, 5]) {
    tools.test(
      `are binutils' for Rt ${String(rt)}`,
      async () => {
        // What Armv8.0 leaves unallocated has no text here; binutils makes up names for it.
        const words = everySystemInstruction(rt).filter((word) => disassemble(word) !== undefined);
        const theirs = await binutils(words);
        const different = words.flatMap((word, i) => {
          const ours = disassemble(word);
          return ours === theirs[i]
            ? []
            : [`${word.toString(16)}: ${ours ?? ''}; binutils ${theirs[i] ?? ''}`];
        });
        expect(theirs.length).toBe(words.length);
        expect(different).toEqual([]);
      },
      60_000,
    );
  }

  tools.test('assemble to what they were', () => {
    const words = everySystemInstruction(31).concat(everySystemInstruction(5));
    const changed = words.flatMap((word) => {
      const text = disassemble(word);
      if (text === undefined) return [];
      const again = disassemble(assemble(text));
      return again === text ? [] : [`${word.toString(16)}: ${text} became ${again ?? ''}`];
    });
    expect(changed).toEqual([]);
  });
});
