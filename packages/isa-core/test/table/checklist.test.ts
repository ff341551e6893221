// Every form of operands and every system register that real guests used (`checklist.txt`) assembles, to the word that binutils
// makes, and reads as the same form again.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { requireTool } from '@worldswitch/test-tools';

import { systemRegisters } from '../../src/cpu/sysregs/table.ts';
import { systemInstructionName } from '../../src/cpu/system-instructions.ts';
import { assemble, AssemblyError, disassemble } from '../../src/syntax/index.ts';
import { decode } from '../../src/table/index.ts';
import { gnuAssemble, objdump } from '../syntax/binutils.ts';

const tools = requireTool(
  ...[
    'aarch64-linux-gnu-as',
    'aarch64-linux-gnu-ld',
    'aarch64-linux-gnu-objcopy',
    'aarch64-linux-gnu-objdump',
  ],
);

const lines: readonly string[] = readFileSync(new URL('checklist.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** Values to try for immediates: one of these suits each form. */
const immediates = [
  '1',
  '2',
  '3',
  '8',
  '0',
  '12',
  '16',
  '40',
  '0x70',
  '0x1000',
  '0xff',
  '-16',
  '1.0',
  '0xff00ff00ff00ff00',
];

/** A text of a form: its registers are x1, w2 …, its immediates the given ones. */
function textOf(form: string, values: readonly string[]): string {
  let register = 0;
  let value = 0;
  const [mnemonic = '', ...operands] = form.split(' ');
  const text = operands
    .join(' ')
    .replace(/\b([xwbhsdqv])(?=[,\].\s}]|$)/g, (_, letter: string) => `${letter}${String(++register)}`)
    .replace('Xt', 'x5')
    .replace(/#i\b/g, () => `#${values[value++] ?? ''}`)
    .replace('[i]', '[1]')
    .replace(/\bcond$/, 'ne')
    .replace(/\baddr$/, '0x1000');
  return `${mnemonic} ${text}`.trim();
}

/** The form of a text. */
const formOf = (text: string): string =>
  text
    .replace(/\b([xwbhsdq])(?:\d+|zr)\b/g, '$1')
    .replace(/\bv\d+\./g, 'v.')
    .replace(/#-?(?:0x)?[\da-f.+e]+/g, '#i')
    .replace(/\[\d+\]/, '[i]')
    .replace(/, (?:eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)$/, ', cond')
    .replace(/\b0x[\da-f]+$/, 'addr');

const expected = (form: string): string => formOf(textOf(form, []).replace(/#(?=[,\]]|$)/g, '#1'));

function tryAssemble(text: string): number | undefined {
  try {
    return assemble(text);
  } catch (error) {
    if (error instanceof AssemblyError) return undefined;
    throw error;
  }
}

/** A text of the form that assembles and reads as the form again. */
function example(form: string): string | undefined {
  const count = form.split('#i').length - 1;
  for (let n = 0; n < immediates.length ** count; n++) {
    const values = Array.from(
      { length: count },
      (_, i) => immediates[Math.floor(n / immediates.length ** i) % immediates.length] ?? '',
    );
    const text = textOf(form, values);
    const word = tryAssemble(text);
    if (word !== undefined && formOf(disassemble(word) ?? '') === expected(form)) return text;
  }
  return undefined;
}

const examples = lines.map((form) => ({ form, text: example(form) }));

describe('what real guests used', () => {
  it('is a list', () => {
    expect(lines.length).toBeGreaterThan(800);
  });

  it('assembles, and reads as it was', () => {
    expect(examples.filter(({ text }) => text === undefined).map(({ form }) => form)).toEqual([]);
  });

  it('has its system registers and operations, but for those of GICv3', () => {
    const known = new Set(systemRegisters.map(({ id }) => id));
    const missing = examples.filter(({ text }) => {
      const { row, fields } = decode(assemble(text ?? 'nop')) ?? {};
      if (row === undefined || fields === undefined) return true;
      const { o0 = 0, op1 = 0, CRn = 0, CRm = 0, op2 = 0 } = fields;
      const id = 0x8000 | (o0 << 14) | (op1 << 11) | (CRn << 7) | (CRm << 3) | op2;
      if (row.name === 'MRS' || row.name === 'MSR (register)') return !known.has(id);
      return row.name === 'SYS' && systemInstructionName((id & 0x3fff) | 0x4000) === undefined;
    });
    expect(missing.map(({ form }) => form).filter((form) => !/ ic[ch]_|, ic[ch]_/.test(form))).toEqual([]);
  });

  tools.test('is what binutils makes of it', async () => {
    const texts = examples.flatMap(({ text }) => text ?? []);
    const theirs = await gnuAssemble(
      texts.map((text) => text.replace(/^(adrp .*)0x1000$/, '$1base + 0x1000')),
    );
    const wrong = texts.filter(
      (text, i) => assemble(text, text.startsWith('adrp') ? 4 * i : 0) !== theirs[i],
    );
    expect(wrong).toEqual([]);
  });

  tools.test('reads as binutils prints it', async () => {
    const words = Uint32Array.from(
      examples.flatMap(({ text }) => (text === undefined ? [] : assemble(text))),
    );
    expect([...words].map((word, i) => disassemble(word, 4 * i))).toEqual(await objdump(words));
  });
});
