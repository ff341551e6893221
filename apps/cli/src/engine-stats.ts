// What the engines have counted about themselves, for `--engine-stats`.

import type { Machine } from '@worldswitch/machine';

/** One counter, of all engines together. */
export interface EngineCount {
  readonly name: string;
  /** What it counts. */
  readonly text: string;
  readonly count: number;
}

/** What an engine has that counts. */
interface Counting {
  counts(): readonly (EngineCount & { readonly shared: boolean })[];
  countAll(): boolean;
}

const countingOf = ({ engines }: Pick<Machine, 'engines'>): readonly Counting[] =>
  engines.flatMap((engine) => ('counts' in engine ? [engine as unknown as Counting] : []));

/** Makes engines count what costs time to count. Before the machine runs. */
export function countAll(machine: Pick<Machine, 'engines'>): void {
  for (const engine of countingOf(machine)) engine.countAll();
}

/** The counts of all engines; none for engines that count nothing. */
export function engineCounts(machine: Pick<Machine, 'engines'>): readonly EngineCount[] {
  const [first, ...others] = countingOf(machine);
  if (first === undefined) return [];
  const more = others.map((engine) => engine.counts());
  return first.counts().map(({ name, text, shared, count }, i) => ({
    name,
    text,
    count: shared ? count : more.reduce((all, counts) => all + (counts[i]?.count ?? 0), count),
  }));
}

/** A line for each counter. */
export function engineLines(counts: readonly EngineCount[]): readonly string[] {
  const width = Math.max(0, ...counts.map(({ count }) => String(count).length));
  const name = Math.max(0, ...counts.map((c) => c.name.length));
  return counts.map((c) => `  ${String(c.count).padStart(width)} ${c.name.padEnd(name)}  ${c.text}`);
}
