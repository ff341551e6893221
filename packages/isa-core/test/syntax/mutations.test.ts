// Text that is nearly assembly: operands of instructions are exchanged, dropped or replaced. What binutils refuses is refused, and
// what both take is the same word.

import { expect } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { assemble, AssemblyError, disassemble } from '../../src/syntax/index.ts';
import { randomFrom } from '../qemu/random.ts';
import type { Random } from '../qemu/random.ts';
import { gnuAssemble } from './binutils.ts';
import { tableWords } from './words.ts';

const tools = requireTool('aarch64-linux-gnu-as', 'aarch64-linux-gnu-ld', 'aarch64-linux-gnu-objcopy');
const count = process.env['CI'] === 'true' ? 100_000 : 20_000;
const seed = Number(process.env['DISASSEMBLY_SEED'] ?? 1);

/** Pieces of other instructions. */
const pieces: readonly string[] = [
  ...['x1', 'w2', 'sp', 'wsp', 'xzr', 'x30', 'w31', 'b6', 'h7', 's3', 'd4', 'q5'],
  ...['v1.4s', 'v2.16b', 'v3.d[1]', 'v31.8h', 'v1.2d'],
  ...['#0', '#1', '#-1', '#16', '#32', '#64', '#255', '#256', '#4095', '#4096', '#0xffff', '#1.0', '#0.0'],
  ...['lsl', 'lsr', 'uxtw', 'sxtx', 'uxtx', 'lsl #2', 'lsl #12', 'asr #3', 'ne'],
  ...['[', ']', '!', ',', '{', '}', ' ', ''],
];

/** A name where an address may stand is a symbol for as, which it does not refuse. Registers of the system are elsewhere. */
const isExcluded = (line: string): boolean =>
  /^(?:b|bl|b\.\w+|cbn?z|tbn?z|adrp?|mrs|msr) /.test(line) || /^(?:ldr|ldrsw|prfm) [^[]*$/.test(line);

function mutate(text: string, random: Random): string {
  const [mnemonic = '', ...operands] = text.split(' ');
  const parts = operands.join(' ').split(/([,[\]{} ]+)/);
  for (let n = random.below(2); n >= 0; n--) {
    const place = random.below(parts.length);
    const other = random.below(parts.length);
    const kind = random.below(5);
    if (kind === 0) parts.splice(place, 1);
    else if (kind === 1) [parts[place], parts[other]] = [parts[other] ?? '', parts[place] ?? ''];
    else parts[place] = pieces[random.below(pieces.length)] ?? '';
  }
  return `${mnemonic} ${parts.join('')}`.trim();
}

function mutations(): string[] {
  const random = randomFrom(seed);
  const texts = [...tableWords(20, seed)].flatMap((word) => disassemble(word) ?? []);
  const lines = Array.from({ length: count }, () =>
    mutate(texts[random.below(texts.length)] ?? 'nop', random),
  );
  return lines.filter((line) => !isExcluded(line));
}

function tryAssemble(line: string): number | undefined {
  try {
    return assemble(line);
  } catch (error) {
    if (error instanceof AssemblyError) return undefined;
    throw error;
  }
}

const hex = (word: number | undefined): string => (word === undefined ? 'refused' : word.toString(16));

tools.test('nearly assembly is what binutils takes it for, or refused', async () => {
  const lines = mutations();
  const theirs = await gnuAssemble(lines);
  const taken = lines.flatMap((line, i) => {
    const ours = tryAssemble(line);
    return ours === undefined ? [] : [{ line, ours, theirs: theirs[i] }];
  });
  expect(taken.length).toBeGreaterThan(count / 50);
  const wrong = taken.filter((one) => one.ours !== one.theirs);
  expect(wrong.map((one) => `${one.line}: ${hex(one.ours)}; binutils ${hex(one.theirs)}`)).toEqual([]);
});
