// Several CPUs, interrupts, timers, PMU and EL3, case by case: what the images `smp`, `interrupts` and `el3` print here and what the
// architecture asks for, which is what QEMU printed but for the differences that the guests package lists with their sections.

import { readFile } from 'node:fs/promises';

import { describe, expect, test } from 'vitest';

import { caseRecords, compareCases, expectedLines } from '@worldswitch/guests';
import type { CaseRecord } from '@worldswitch/guests';
import { createMachine, readKernel, virt } from '@worldswitch/machine';
import type { MachineConfig } from '@worldswitch/machine';

import { every, someModes } from './engine-modes.ts';

type EngineChoice = Pick<MachineConfig, 'engine' | 'engineOptions'>;
/** The fast engine, in modes that are hard on it. */
const fast: readonly (readonly [string, EngineChoice])[] = someModes.map(
  ([name, engineOptions]) => [`jit, ${name}`, { engine: 'jit', engineOptions }] as const,
);
const both: typeof fast = [['reference', { engine: 'reference' }], ...fast];

/** Cases that are wrong here, with the reason; one that becomes right must be taken off. */
const WRONG: Readonly<Record<string, readonly string[]>> = {};

const nameOf = ({ guest, entryLevel, el2, gic }: CaseRecord): string =>
  `${guest.name}, EL${entryLevel}, GICv${gic}${el2 || entryLevel === 1 ? '' : ', without EL2'}`;

async function printed(
  { guest, entryLevel, el2, gic, cpus }: CaseRecord,
  engine: EngineChoice,
): Promise<string> {
  let console = '';
  const machine = createMachine(
    {
      ...virt({ memory: '128M', el2, el3: entryLevel === 3, cpus, gic: { version: gic } }),
      ...engine,
    },
    { output: (_device, byte) => (console += String.fromCharCode(byte)) },
  );
  machine.load({ kernel: readKernel(new Uint8Array(await readFile(guest.image)), guest.name, 0x4000_0000) });
  expect(machine.run(50_000_000), console.slice(-300)).toBe(entryLevel === 3 ? 'idle' : 'off');
  return console;
}

/** Four CPUs that wait for each other in loops are much for the reference engine: one board of them shows the rest. So are all boards of EL3. */
const isMuch = ({ cpus, guest, gic, el2 }: CaseRecord): boolean =>
  cpus > 1 || (!every && guest.name === 'el3' && gic === 2 && el2);

describe.each(caseRecords.map((record) => ({ name: nameOf(record), record })))(
  '$name',
  ({ name, record }) => {
    test.each(isMuch(record) ? fast : both)(
      'prints what the architecture asks for, on the engine %s',
      async (_, engine) => {
        const expected = expectedLines(
          await readFile(record.recorded, 'utf8'),
          await readFile(record.differences, 'utf8'),
        );
        expect(expected.size).toBeGreaterThan(60);
        const problems = compareCases(await printed(record, engine), expected);
        const wrong = problems.map((p) => /case ([^:]+): /.exec(p)?.[1] ?? p);
        const known = WRONG[name] ?? [];
        expect(problems.filter((_, i) => !known.includes(wrong[i] ?? ''))).toEqual([]);
        expect([...wrong].sort()).toEqual([...known].sort());
      },
      120_000,
    );
  },
);
