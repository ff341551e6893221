// The nanobenchmarks as a table in the shape of the published one, and as JSON.

import { block, grouped } from '../compare/table.ts';
import type { Row } from '../compare/table.ts';
import type { NanoCosts, NanoRun } from './measure.ts';
import { operations } from './operations.ts';
import type { NanoOperation } from './operations.ts';

/** A mean with as many digits as it needs, two at most. */
function short(n: number): string {
  const rounded = Math.round(n * 100) / 100;
  return Number.isInteger(rounded) || Math.abs(rounded) >= 1000 ? grouped(rounded) : String(rounded);
}

function table(
  title: string,
  runs: readonly NanoRun[],
  cell: (costs: NanoCosts) => string,
  more: readonly string[] = [],
  moreCells: (operation: NanoOperation) => readonly string[] = () => [],
): readonly string[] {
  const rows = operations.map((operation): Row => [
    operation.name,
    ...runs.map(({ costs }) => {
      const found = costs[operation.name];
      return found === undefined ? '-' : cell(found);
    }),
    ...moreCells(operation),
  ]);
  const under: Row = ['', ...runs.map(({ system }) => system.head[1]), ...more.map(() => '')];
  const head: Row = ['', ...runs.map(({ system }) => system.head[0]), ...more];
  return block(title, [under, ...rows], head).map((line) => line.trimEnd());
}

/** Breaks words into lines. */
function wrapped(text: string, width: number, indent: string): string {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line, i) => (i === 0 ? line : indent + line)).join('\n');
}

/** The tables: cycles beside the published ones, exits, instructions; and the reasons. */
export function nanoLines(runs: readonly NanoRun[], profile: string): readonly string[] {
  const causes = operations.flatMap(({ name }) =>
    runs.flatMap(({ system, costs }) => {
      const all = Object.entries(costs[name]?.causes ?? {});
      return all.length === 0
        ? []
        : [
            `${name.padEnd(10)}${system.name.padEnd(27)}${all.map(([c, n]) => `${short(n)} ${c}`).join(', ')}`,
          ];
    }),
  );
  return [
    ...operations.map(({ name, about }) => `${name.padEnd(10)}${about}`),
    '',
    ...table(
      `Modelled cycles for one, by ${profile}; beside them the published cycles of x86 (native, translated, VT-x)`,
      runs,
      ({ cycles }) => short(cycles),
      ['x86 native', 'translated', 'VT-x'],
      ({ published }) => published ?? ['-', '-', '-'],
    ),
    ...table('Exits for one', runs, ({ exits }) => short(exits)),
    ...table(
      "Instructions for one: the guest's, translated ones among them, and the hypervisor's",
      runs,
      ({ guest, hypervisor }) => `${short(guest)} + ${short(hypervisor)}`,
    ),
    'Exits by cause',
    ...causes,
    '',
    'Why they differ from the published ones',
    ...operations.map(({ name, why }) => name.padEnd(10) + wrapped(why, 110, ' '.repeat(10))),
  ];
}

/** The same for programs. */
export function nanoJson(runs: readonly NanoRun[], profile: string): string {
  return JSON.stringify(
    {
      schema: 1,
      profile,
      operations: operations.map(({ name, about, theirs, published, why }) => ({
        name,
        about,
        ...(theirs !== undefined && { theirs }),
        ...(published && {
          published: { native: published[0], binaryTranslation: published[1], hardware: published[2] },
        }),
        why,
      })),
      systems: runs.map(({ system, costs }) => ({
        system: system.name,
        ...(system.technique !== undefined && { technique: system.technique }),
        ...(system.shadow !== undefined && { shadow: system.shadow }),
        operations: costs,
      })),
    },
    undefined,
    1,
  );
}
