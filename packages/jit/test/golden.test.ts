// Assembly in, WebAssembly out: a change of the emitter shows as a difference of these files.

import { describe, expect, it } from 'vitest';

import { assemble, decode } from '@worldswitch/isa-core';

import { buildInterpreter } from '../src/interpreter/build.ts';
import { writeRecord } from '../src/interpreter/record.ts';
import { listing } from './listing.ts';

const locals = ['record', 'page', 'remaining', 'tlb', 'c', 'why', 'pageVa', 'n', 'z', 'v', 'va', 'pc'].map(
  (l) => `$${l}`,
);
const around = [
  'next',
  'fetch',
  'step',
  'miss read',
  'miss write',
  'miss unprivileged read',
  'miss unprivileged write',
  'poll',
];

const instructions = [
  'add x0, x1, #1',
  'adds w0, w1, w2, lsl #3',
  'mov x3, x4',
  'cmp x0, x1',
  'ubfx x0, x1, #4, #8',
  'csel x0, x1, x2, ne',
  'ldr x0, [x1, #8]',
  'ldr w0, [sp, #16]',
  'stp x29, x30, [sp, #-16]!',
  'ldxr x0, [x1]',
  'b.eq 16',
  'cbz x0, 16',
  'bl 16',
  'ret',
  'fadd d0, d1, d2',
  'fcmp s0, s1',
  'aesmc v0.16b, v1.16b',
  'sha1h s0, s1',
  'mrs x0, esr_el1',
  'msr daifclr, #2',
];

describe('the code of single instructions', () => {
  const code = buildInterpreter(0);
  it.each(instructions)('%s', async (text) => {
    const word = assemble(text);
    const view = new DataView(new ArrayBuffer(16));
    writeRecord(view, 0, word, (id) => code.recordOf(id));
    const number = view.getUint16(0, true);
    const variants = code.recordOf(decode(word)?.caseId ?? -1)?.variants ?? [];
    const variant = variants.find((v) => v.number === number);
    if (variant === undefined) throw new Error(`${text} has no code`);
    const record = Array.from({ length: 7 }, (_, i) => view.getUint16(2 * i + 2, true).toString(16));
    const fields = variant.fields.map((f) => `${f.name} at ${String(f.at)}`).join(', ');
    const lines = [
      text,
      `record: ${record.join(' ')} (${fields})`,
      '',
      ...listing(variant.piece.bytes, { locals, around }),
      '',
    ];
    const file = `golden/${text.replace(/[^a-z0-9]+/g, '-').replace(/-$/, '')}.txt`;
    await expect(lines.join('\n')).toMatchFileSnapshot(file);
  });
});
