// The instruction table's part: which rows run against QEMU and which are compared with binutils is found by the tests' own generators.

import { branchRows } from '../../src/rows/branch/index.ts';
import { dataImmediateRows } from '../../src/rows/data-immediate/index.ts';
import { dataRegisterRows } from '../../src/rows/data-register/index.ts';
import { floatRows } from '../../src/rows/float/index.ts';
import { memoryRows } from '../../src/rows/memory/index.ts';
import { simdRows } from '../../src/rows/simd/index.ts';
import { simdFloatRows } from '../../src/rows/simd-float/index.ts';
import { systemRows } from '../../src/rows/system/index.ts';
import { assemble, disassemble } from '../../src/syntax/index.ts';
import { decode } from '../../src/table/index.ts';
import type { AnyRow } from '../../src/table/index.ts';
import { placeOf } from '../qemu/batch.ts';
import { Generator, tableCases } from '../qemu/generate.ts';
import { randomFrom } from '../qemu/random.ts';
import { tableWords } from '../syntax/words.ts';
import { evidence } from './evidence.ts';
import type { InstructionCoverage } from './model.ts';
import { casesOf, pattern, testOf } from './sources.ts';

const groups: readonly (readonly [string, readonly AnyRow[]])[] = [
  ['data processing, immediate', dataImmediateRows],
  ['branches and exceptions', branchRows],
  ['system', systemRows],
  ['loads and stores', memoryRows],
  ['data processing, register', dataRegisterRows],
  ['floating point', floatRows],
  ['SIMD, integer', simdRows],
  ['SIMD, floating point', simdFloatRows],
];

/** Rows of which the generator of the differential test makes cases. */
function differentialRows(): ReadonlySet<string> {
  const generator = new Generator(randomFrom(1));
  const found = new Set<string>();
  for (let pass = 0; pass < 8; pass++) {
    tableCases.forEach((tableCase, i) => {
      if (pass > 0 && found.has(tableCase.row.name)) return;
      for (const name of generator.make(tableCase, placeOf(i % 64))?.rows ?? []) found.add(name);
    });
  }
  return found;
}

/** Rows of which words are compared with binutils. */
function writtenRows(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const word of tableWords(40, 1)) {
    const name = decode(word)?.row.name;
    if (name !== undefined && !found.has(name) && disassemble(word) !== undefined) found.add(name);
  }
  return found;
}

/** The row that an instruction is of. */
export const rowOf = (instruction: string): string | undefined =>
  decode(assemble(instruction, 0x4000_0000))?.row.name;

/** All rows, with what exercises them. */
export function instructionCoverage(executed: ReadonlyMap<string, string>): InstructionCoverage[] {
  const differential = differentialRows();
  const written = writtenRows();
  return groups.flatMap(([group, rows]) =>
    rows.map((row): InstructionCoverage => {
      const shown = evidence.filter(({ rows: names }) => names?.some((name) => pattern(name).test(row.name)));
      const found = [
        ...(differential.has(row.name) ? ['QEMU, differential'] : []),
        ...shown.flatMap(({ arch }) =>
          (arch ?? []).flatMap((glob) => (casesOf(glob).length > 0 ? [`arch: ${glob}`] : [])),
        ),
        ...shown.flatMap(({ tests }) => (tests ?? []).map(testOf)),
        ...(executed.has(row.name) ? [executed.get(row.name) ?? ''] : []),
      ];
      // That its text is right does not say what it does.
      const tested = found.length > 0 && written.has(row.name) ? [...found, 'binutils'] : found;
      const { feature } = row;
      return {
        name: row.name,
        group,
        forms: row.asm.length,
        ...(feature !== undefined && { feature }),
        tested,
      };
    }),
  );
}
