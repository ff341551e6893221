// GNU binutils as an oracle: what objdump reads in words, and what as makes of text.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run, tempDir, tryRun } from '@worldswitch/test-tools';

/** Words that one run reads: its output must fit the runner's limit. */
const CHUNK = 500_000;

/**
 * What objdump says of each word, with one space after the mnemonic and no comment; undefined where it has no text. The first
 * word is at address 0.
 */
export async function objdump(words: Uint32Array): Promise<(string | undefined)[]> {
  const file = join(tempDir(), 'words.bin');
  const texts: (string | undefined)[] = [];
  for (let from = 0; from < words.length; from += CHUNK) {
    const part = words.slice(from, from + CHUNK);
    writeFileSync(file, new Uint8Array(part.buffer));
    const address = `--adjust-vma=${String(4 * from)}`;
    const { stdout } = await run('aarch64-linux-gnu-objdump', [
      ...['-D', '-z', '-b', 'binary', '-m', 'aarch64', address, file],
    ]);
    for (const [, text = ''] of stdout.matchAll(/^\s*[0-9a-f]+:\t[0-9a-f]{8} \t(.*)$/gm)) {
      const plain = text
        .replace(/\s*\/\/.*$/, '')
        .replace('\t', ' ')
        .trim();
      texts.push(plain.startsWith('.inst') ? undefined : plain);
    }
  }
  return texts;
}

/** The lines that as refuses for a CPU with these extensions, by index. */
export async function refusedByGnu(
  lines: readonly string[],
  march = 'armv8-a+crc+aes+sha2',
): Promise<Set<number>> {
  const folder = tempDir();
  const source = join(folder, 'text.s');
  writeFileSync(source, `${lines.join('\n')}\n`);
  const { stderr } = await tryRun('aarch64-linux-gnu-as', [
    `-march=${march}`,
    '-o',
    join(folder, 'o'),
    source,
  ]);
  return new Set([...stderr.matchAll(/^[^\n]*text\.s:(\d+): Error:/gm)].map(([, line]) => Number(line) - 1));
}

/** Extensions that as may use: the names of later system registers and instructions are text too. */
const EVERYTHING = 'armv8.6-a+crc+aes+sha2+sme';

/** The words that as and ld make of a source text, the first at an address. */
export async function gnuProgram(text: string, base = 0): Promise<Uint32Array> {
  const folder = tempDir();
  const source = join(folder, 'text.s');
  const object = join(folder, 'text.o');
  const linked = join(folder, 'text.elf');
  const image = join(folder, 'text.bin');
  writeFileSync(source, `${text}\n`);
  await run('aarch64-linux-gnu-as', [`-march=${EVERYTHING}`, '-W', source, '-o', object]);
  await run('aarch64-linux-gnu-ld', [`-Ttext=0x${base.toString(16)}`, '-e', '0', object, '-o', linked]);
  await run('aarch64-linux-gnu-objcopy', ['-O', 'binary', '-j', '.text', linked, image]);
  return new Uint32Array(new Uint8Array(readFileSync(image)).buffer);
}

/**
 * What as and ld make of each line, the first at address 0, which is called `base`; undefined where as refuses the line. A number
 * as a target is a distance for as.
 */
export async function gnuAssemble(lines: readonly string[]): Promise<(number | undefined)[]> {
  const refused = await refusedByGnu(
    lines.map((text, i) => (i === 0 ? `base: ${text}` : text)),
    EVERYTHING,
  );
  const kept = lines.map((text, i) => (refused.has(i) ? '.word 0' : text));
  const words = await gnuProgram(`base:\n${kept.join('\n')}`);
  return lines.map((_, i) => (refused.has(i) ? undefined : words[i]));
}
