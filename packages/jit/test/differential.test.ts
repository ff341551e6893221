// Every case of the instruction table, with random encodings and states: the interpreter leaves what the reference engine leaves.
// WORLDSWITCH_ALL=1 does it with tiny TLBs, too.

import { describe, expect, it } from 'vitest';

import { CpuLayout, cases } from '@worldswitch/isa-core';

import { randomise, randomWord, restore, resynchronise } from './encodings.ts';
import { createRandom } from './random.ts';
import { createRig, modes, RAM } from './rig.ts';

const every = (process.env['WORLDSWITCH_ALL'] ?? '') !== '';
const ENCODINGS = Number(process.env['ENCODINGS'] ?? 8);
const CODE = RAM + 0x1000;
const rows = [...new Set(cases.map((c) => c.row))];

/** One mode, or all. */
const MODES = modes.filter(([, m]) => m.enabled !== true && (every || m.tlbEntries === undefined));

describe.each(MODES)('the interpreter against the reference engine, %s', (_mode, mode) => {
  const rig = createRig(mode);
  const random = createRandom(0x5eed);
  const start = rig.fast.bytes.slice(0, CpuLayout.size);

  it.each(rows.map((row) => [row.name, row] as const))('%s', (_, row) => {
    const failures: string[] = [];
    for (const entry of cases.filter((c) => c.row === row)) {
      for (let i = 0; i < ENCODINGS && failures.length < 4; i++) {
        const word = randomWord(entry.id, random);
        if (word === undefined) continue;
        restore(rig, start);
        const pc = CODE + (random.below(0x400) & ~3);
        randomise(rig, random, pc);
        rig.code(pc, word);
        const found = rig.run(1);
        if (found.length > 0) {
          const split = JSON.stringify(entry.split);
          failures.push(
            `${word.toString(16).padStart(8, '0')} ${split} at ${pc.toString(16)}: ${found.slice(0, 4).join('; ')}`,
          );
          resynchronise(rig);
        }
      }
    }
    expect(failures).toEqual([]);
  });

  it('does the integer instructions itself', () => {
    const integers = cases.filter(
      (c) =>
        c.row.gate === undefined &&
        !/^(BRK|HLT|UDF|SVC|HVC|SMC|DCPS|DRPS|ERET|SYS|WFE|MSR|MRS)|unprivileged/.test(c.row.name),
    );
    const before = rig.fast.engine.counters.steps;
    let done = 0;
    for (const { id } of integers) {
      const word = randomWord(id, random);
      if (word === undefined) continue;
      restore(rig, start);
      const pc = CODE + (random.below(0x400) & ~3);
      randomise(rig, random, pc);
      rig.code(pc, word);
      rig.run(1);
      done++;
    }
    expect((rig.fast.engine.counters.steps - before) / done).toBeLessThan(0.3);
  });
});
