// What a run did, for people in a few lines and for programs as JSON.

import type { CpuCounts, MachineCounts } from '@worldswitch/machine';

import type { EngineCount } from './engine-stats.ts';

/** How long a run took, and on what. */
export interface RunFacts {
  /** Why it ended, in words. */
  readonly how: string;
  readonly hostSeconds: number;
  readonly engine: string;
  readonly counts: MachineCounts;
  /** What the engines have counted, where that was asked for. */
  readonly counters?: readonly EngineCount[];
}

const sum = (counts: MachineCounts, of: (cpu: CpuCounts) => number): number =>
  counts.cpus.reduce((all, cpu) => all + of(cpu), 0);

const mips = ({ counts, hostSeconds }: RunFacts): number =>
  hostSeconds > 0 ? sum(counts, (c) => c.instructions) / hostSeconds / 1e6 : 0;

/** The line that every run ends with. */
export function firstLine(facts: RunFacts): string {
  const { how, counts, hostSeconds, engine } = facts;
  const cpus = counts.cpus.length === 1 ? '' : ` on ${counts.cpus.length} CPUs`;
  return `worldswitch: ${how}: ${counts.instructions} instructions${cpus}, ${hostSeconds.toFixed(2)} s, ${mips(facts).toFixed(1)} MIPS (${engine})`;
}

/** Counts by a key over all CPUs, the largest first. */
function totals(items: readonly { readonly key: string; readonly count: number }[]): [string, number][] {
  const all = new Map<string, number>();
  for (const { key, count } of items) all.set(key, (all.get(key) ?? 0) + count);
  return [...all].sort((a, b) => b[1] - a[1]);
}

/** What cycles go into. */
const PARTS = ['instructions', 'translation', 'exceptions', 'devices'] as const;

/** How many kinds of something the summary names. */
const NAMED = 5;

function listed(of: readonly [string, number][]): string {
  const named = of.slice(0, NAMED).map(([key, count]) => `${count} ${key}`);
  const rest = of.slice(NAMED).reduce((all, [, count]) => all + count, 0);
  return [...named, ...(rest > 0 ? [`${rest} others`] : [])].join(', ') || 'none';
}

/** What cycles went into, in timing mode. */
function cycleLines(counts: MachineCounts): string[] {
  const profile = counts.cpus[0]?.timing?.profile;
  if (profile === undefined) return [];
  const total = sum(counts, (c) => c.timing?.total ?? 0);
  const instructions = sum(counts, (c) => c.instructions);
  const parts = PARTS.map((part) => {
    const cycles = sum(counts, (c) => c.timing?.[part] ?? 0);
    return `${part} ${total > 0 ? ((100 * cycles) / total).toFixed(1) : '0'} %`;
  });
  const each = instructions > 0 ? (total / instructions).toFixed(3) : '0';
  return [`  cycles: ${total} by ${profile}, ${each} an instruction: ${parts.join(', ')}`];
}

/** What the machine did, in a few lines. */
export function countLines({ counts }: RunFacts): readonly string[] {
  const exceptions = totals(
    counts.cpus.flatMap((cpu) =>
      cpu.exceptions.map(({ el, kind, count }) => ({ key: `${kind} to EL${el}`, count })),
    ),
  );
  const devices = totals(
    counts.devices.map(({ name, reads, writes }) => ({ key: name, count: reads + writes })),
  );
  const walks = sum(counts, (c) => c.walks.count);
  const references = sum(counts, (c) => c.walks.stage1References + c.walks.stage2References);
  const removed = sum(counts, (c) => c.tlb.invalidated);
  return [
    `  virtual time ${(counts.now / 1e9).toFixed(6)} s`,
    `  exceptions: ${listed(exceptions)}`,
    `  table walks: ${walks} with ${references} references; TLB: ${sum(counts, (c) => c.tlb.misses)} misses, ${sum(counts, (c) => c.tlb.maintenance)} TLBI, ${removed} entries removed`,
    `  device accesses: ${listed(devices)}`,
    ...cycleLines(counts),
  ];
}

/** Everything as one line of JSON. */
export function jsonSummary(facts: RunFacts, status: number): string {
  const { how, counts, hostSeconds, engine, counters } = facts;
  return JSON.stringify({
    end: how,
    status,
    engine,
    instructions: counts.instructions,
    hostSeconds,
    virtualSeconds: counts.now / 1e9,
    mips: Number(mips(facts).toFixed(3)),
    cpus: counts.cpus,
    devices: counts.devices,
    ...(counters && { counters: Object.fromEntries(counters.map(({ name, count }) => [name, count])) }),
  });
}
