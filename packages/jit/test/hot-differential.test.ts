// Every case of the instruction table as compiled code: many instructions in one region, each entered alone with a random
// state, leave what the reference engine leaves. WORLDSWITCH_ALL=1 does it in every mode that compiles everything.

import { describe, expect, it } from 'vitest';

import { assemble, CpuLayout, cases } from '@worldswitch/isa-core';

import { buildInterpreter } from '../src/interpreter/build.ts';
import { randomise, randomWord, restore, resynchronise } from './encodings.ts';
import { createRandom } from './random.ts';
import { createRig, eager, modes, RAM } from './rig.ts';

const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const ENCODINGS = Number(process.env['ENCODINGS'] ?? 3);
/** Instructions of one region: each is followed by one that compiled code leaves to the interpreter. */
const TOGETHER = 36;
/** Further encodings of what was not executed yet. */
const ATTEMPTS = 40;
const CODE = RAM + 0x1000;
const STOP = assemble('sevl');
const STAY = assemble('b 0');
const rows = [...new Set(cases.map((c) => c.row))];

/** Rows that need not be executed by compiled code here. */
const ELSEWHERE = new Set(['Load/store register (unprivileged)', 'MSR (checked register, bits 63:0)']);

interface Sample {
  readonly word: number;
  readonly id: number;
  /** Ends a region: nothing comes after it. */
  readonly ends: boolean;
}

/** One mode, or all. */
const MODES = modes.filter(([, m]) => (every ? m.eager === true : m === eager));

describe.each(MODES)('compiled code against the reference engine, %s', (_mode, mode) => {
  const rig = createRig(mode);
  const random = createRandom(0xc0de);
  const start = rig.fast.bytes.slice(0, CpuLayout.size);
  const { counters } = rig.fast.engine;
  /** Cases that were executed in compiled code at least once. */
  const compiled = new Set<number>();
  const tried = new Set<number>();
  let pages = 0;

  /** Numbers in the vector registers that need no care in any size, and inexact results as before. */
  const soften = (): void => {
    for (const { cpu } of [rig.reference, rig.fast]) {
      cpu.state.u64.fill(0x3ff8_3fc0_3e00_3e00n, CpuLayout.v >> 3, (CpuLayout.v >> 3) + 64);
      cpu.state.u64[CpuLayout.fpsr >> 3] = 0x10n;
      cpu.state.u64[CpuLayout.fpcr >> 3] = 0n;
    }
  };

  /** Runs each instruction of a list; what differs. */
  const run = (list: readonly Sample[], mild = false): string[] => {
    const failures: string[] = [];
    // Another page each time: one that is written to often would become data.
    const at = CODE + (pages++ % 16) * 0x1000 + (random.below(0x200) & ~3);
    const words = list.flatMap(({ word, ends }) => [word, ends ? STAY : STOP]);
    for (const [i, word] of words.entries()) rig.code(at + 4 * i, word);
    for (const [i, { word, id, ends }] of list.entries()) {
      restore(rig, start);
      randomise(rig, random, at + 8 * i);
      if (mild) soften();
      const before = counters.compiled;
      const found = rig.run(ends ? 1 : 2);
      tried.add(id);
      if (counters.compiled > before) compiled.add(id);
      if (found.length === 0) continue;
      failures.push(`${word.toString(16).padStart(8, '0')}: ${found.slice(0, 4).join('; ')}`);
      resynchronise(rig);
    }
    return failures;
  };

  it.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const failures: string[] = [];
    let list: Sample[] = [];
    for (const { id } of cases.filter((c) => c.row === row)) {
      for (let i = 0; i < ENCODINGS; i++) {
        const word = randomWord(id, random);
        if (word === undefined) continue;
        list.push({ word, id, ends: row.ends === 'block' });
        if (row.ends !== 'block' && list.length < TOGETHER) continue;
        failures.push(...run(list));
        list = [];
      }
    }
    failures.push(...run(list));
    expect(failures.slice(0, 4)).toEqual([]);
  });

  // Where little room is left, more is the interpreter's.
  it.runIf(mode === eager)('was executed, and not left to the interpreter', () => {
    const code = buildInterpreter(0);
    // EL0 has no rights to the rig's memory, and most checked registers are not EL1's to write.
    const missing = [...tried].filter(
      (id) =>
        !compiled.has(id) && code.recordOf(id) !== undefined && !ELSEWHERE.has(cases[id]?.row.name ?? ''),
    );
    // Most of them met addresses or numbers that are the interpreter's: other states will do.
    for (const id of missing) {
      const ends = cases[id]?.row.ends === 'block';
      for (let i = 0; i < ATTEMPTS && !compiled.has(id); i++) {
        const word = randomWord(id, random);
        if (word !== undefined) expect(run([{ word, id, ends }], true)).toEqual([]);
      }
    }
    const names = missing
      .filter((id) => !compiled.has(id))
      .map((id) => `${cases[id]?.row.name ?? ''} ${JSON.stringify(cases[id]?.split)}`);
    expect(names).toEqual([]);
  });
});
