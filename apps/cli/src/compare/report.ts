// The comparison as a table that a person enjoys reading, and as JSON.

import { consoleCell, consoleLines, sameLines } from './consoles.ts';
import { differenceLines, equivalenceCell, rewrittenCell } from './equivalence.ts';
import type { ModelledCycles, SystemResult } from './run.ts';
import { shadowRows } from './shadow.ts';
import { HARDWARE } from './system.ts';
import { block, grouped } from './table.ts';
import type { Row } from './table.ts';
import { USUAL_TRAPS } from './traps.ts';

const perCent = (part: number, whole: number): string =>
  whole === 0 ? '-' : `${((100 * part) / whole).toFixed(part === whole ? 0 : 2)} %`;

const sum = (result: SystemResult, of: (cpu: SystemResult['counts']['cpus'][number]) => number): number =>
  result.counts.cpus.reduce((all, cpu) => all + of(cpu), 0);

const ENDS: Readonly<Partial<Record<SystemResult['end'], string>>> = {
  off: 'powered off',
  stopped: 'text seen',
  dead: 'lost',
  idle: 'waits for ever',
  instructions: 'cut off',
};

/** Cycles by a cost profile, where the run has one, and what they went into. */
function cycleRows(
  results: readonly SystemResult[],
  row: (name: string, cell: (result: SystemResult) => string) => Row,
): readonly Row[] {
  const profile = results[0]?.cycles?.profile;
  if (profile === undefined) return [];
  const cell =
    (of: keyof Omit<ModelledCycles, 'profile'>) =>
    ({ cycles }: SystemResult): string =>
      grouped(cycles?.[of] ?? 0);
  return [
    row(`cycles by ${profile}`, cell('total')),
    row('  instructions', cell('instructions')),
    row('  translation', cell('translation')),
    row('  exceptions', cell('exceptions')),
    row('  devices', cell('devices')),
  ];
}

/** The time that the simulation took, and how many times the bare machine's. */
function hostSecondsCell(result: SystemResult, native: SystemResult | undefined): string {
  const text = result.hostSeconds.toFixed(2);
  if (native === undefined || result === native || native.hostSeconds === 0) return text;
  return `${text}  ${(result.hostSeconds / native.hostSeconds).toFixed(2)}x`;
}

function generalRows(results: readonly SystemResult[], timeless: boolean): readonly Row[] {
  const native = results.find(({ system }) => system === 'native');
  const row = (name: string, cell: (result: SystemResult) => string): Row => [name, ...results.map(cell)];
  return [
    row('end', ({ end }) => ENDS[end] ?? end),
    row('console', (result) => consoleCell(result, native, timeless)),
    row('architectural events', ({ equivalence }) => equivalenceCell(equivalence)),
    row('  their hash', ({ equivalence }) => equivalence?.hash ?? '-'),
    // What the guest would see if it read its own text.
    ...(results.some(({ equivalence }) => equivalence?.rewritten !== undefined)
      ? [row("  words of the guest's text", ({ equivalence }) => rewrittenCell(equivalence))]
      : []),
    row('instructions', ({ instructions }) => grouped(instructions)),
    row('  of the guest', ({ instructions, hypervisor }) => grouped(instructions - hypervisor)),
    row('  of the hypervisor', ({ hypervisor }) => grouped(hypervisor)),
    row('executed directly', ({ instructions, hypervisor }) =>
      perCent(instructions - hypervisor, instructions),
    ),
    row('exits', ({ exits }) => grouped(exits.reduce((all, each) => all + each.exits, 0))),
    row('bytes moved', ({ bytesMoved }) => grouped(bytesMoved)),
    row('interrupts', (result) => grouped(sum(result, (cpu) => cpu.interrupts))),
    row('exceptions', (result) =>
      grouped(sum(result, (cpu) => cpu.exceptions.reduce((all, { count }) => all + count, 0))),
    ),
    row('TLB misses', (result) => grouped(sum(result, (cpu) => cpu.tlb.misses))),
    row('walk references', (result) =>
      grouped(sum(result, ({ walks }) => walks.stage1References + walks.stage2References)),
    ),
    ...cycleRows(results, row),
    row('virtual seconds', ({ counts }) => (counts.now / 1e9).toFixed(6)),
    row('host seconds', (result) => hostSecondsCell(result, native)),
  ];
}

/** Exits by cause, where there are any: number, and instructions for each. */
function exitRows(results: readonly SystemResult[]): readonly Row[] {
  const causes = new Map<string, number>();
  for (const { exits } of results)
    for (const { cause, exits: n } of exits) causes.set(cause, (causes.get(cause) ?? 0) + n);
  return [...causes]
    .sort((a, b) => b[1] - a[1])
    .map(([cause]) => [
      cause,
      ...results.map(({ exits }) => {
        const found = exits.find((each) => each.cause === cause);
        return found === undefined
          ? '-'
          : `${grouped(found.exits)} x ${grouped(found.instructions / found.exits)}`;
      }),
    ]);
}

/** `bench: NAME N iterations T ns`, as tiny prints it. */
const BENCH = /^bench: (\S+)\s+\d+ iterations\s+([\d.]+) ns/;

/** What a system with other traps costs more than the usual one, in all. */
function trapRows(results: readonly SystemResult[]): readonly Row[] {
  const usual = results.find(({ system, traps }) => system === HARDWARE && traps === undefined);
  if (usual === undefined) return [];
  const exits = (result: SystemResult): number => result.exits.reduce((all, each) => all + each.exits, 0);
  const signed = (n: number): string => (n < 0 ? `-${grouped(-n)}` : `+${grouped(n)}`);
  return results
    .filter(({ traps }) => traps !== undefined)
    .map((result): Row => {
      const more = exits(result) - exits(usual);
      const work = result.hypervisor - usual.hypervisor;
      const cycles = (result.cycles?.total ?? 0) - (usual.cycles?.total ?? 0);
      return [
        result.traps ?? '',
        signed(more),
        signed(work),
        more === 0 ? '-' : grouped(Math.abs(work / more)),
        result.cycles === undefined ? '-' : signed(cycles),
      ];
    });
}

/** A guest's own measurements, and how much longer they take than natively. */
function benchRows(results: readonly SystemResult[]): readonly Row[] {
  const measured = results.map(
    ({ console }) =>
      new Map(
        console.split(/\r?\n/).flatMap((line): [string, number][] => {
          const [, name, time] = BENCH.exec(line) ?? [];
          return name === undefined ? [] : [[name, Number(time)]];
        }),
      ),
  );
  const [first] = measured;
  return [...(first?.keys() ?? [])].map((name) => {
    const native = first?.get(name) ?? 0;
    return [
      name,
      ...measured.map((of, i) => {
        const time = of.get(name);
        if (time === undefined) return '-';
        const factor = i > 0 && native > 0 ? `  ${(time / native).toFixed(2)}x` : '';
        return `${time.toFixed(1)}${factor}`;
      }),
    ];
  });
}

/** The whole comparison, as lines. */
export function reportLines(
  guest: string,
  results: readonly SystemResult[],
  timeless = false,
): readonly string[] {
  const native = results.find(({ system }) => system === 'native');
  const head = (what: string): Row => [what, ...results.map(({ system }) => system)];
  return [
    ...block(`${guest}, the same image on each system`, generalRows(results, timeless), head('')),
    ...block('Exits: how many, by how many instructions each', exitRows(results), head('cause')),
    ...block('Shadow tables', shadowRows(results), head('')),
    ...block(`What other traps cost, against ${HARDWARE} with ${USUAL_TRAPS}`, trapRows(results), [
      'traps',
      'exits',
      'instructions',
      'for each',
      'cycles',
    ]),
    ...block(
      'What the guest measures: nanoseconds of virtual time for one',
      benchRows(results),
      head('operation'),
    ),
    ...results.flatMap((result) => consoleLines(result, native, timeless)),
    ...results.flatMap((result) => differenceLines(result, results)),
    ...results.flatMap(({ system, report }) => (report === undefined ? [] : [`${system}: ${report}`])),
  ];
}

/** The same for programs. */
export function reportJson(guest: string, results: readonly SystemResult[]): string {
  const native = results.find(({ system }) => system === 'native');
  return JSON.stringify(
    {
      schema: 1,
      guest,
      systems: results.map((result) => ({
        ...result,
        // Its rows go into a file of their own.
        ledger: undefined,
        direct: result.instructions === 0 ? 0 : 1 - result.hypervisor / result.instructions,
        consoleEqual: native !== undefined && sameLines(result, native),
      })),
    },
    undefined,
    1,
  );
}
