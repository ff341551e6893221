// How a region becomes structured control flow: its graph with all ways in, what merges, and how far it is to the next look at
// the budget.

import type { Block, Discovered } from './blocks.ts';
import { analyse, loopsOf, reduce } from './graph.ts';
import type { Analysis } from './graph.ts';

/** A way into a region. */
export interface Entry {
  /** Node of the block that it leads to. */
  readonly node: number;
  /** The block's first instruction. */
  readonly instruction: number;
  /** Only for ways inside of the region. */
  readonly inner: boolean;
}

/** A region's plan. Node 0 is the function's head, node `i + 1` is block `i`. */
export interface Plan extends Analysis {
  readonly successors: readonly (readonly number[])[];
  /** The first one is the root, or the header of its outermost loop. */
  readonly entries: readonly Entry[];
  /** By node: where the entries that lie behind it are reached from it, by number of the entry; -1 for others. */
  readonly dispatch: ReadonlyMap<number, readonly number[]>;
  /** By nodes, from and to: the loop's header through which control goes. Only for loops with several ways in. */
  readonly detours: ReadonlyMap<number, ReadonlyMap<number, number>>;
  /** Nodes that are branched to, by a block's end or a table. */
  readonly merges: ReadonlySet<number>;
  /** By node: the headers of the loops that it is in, outermost first. */
  readonly loops: readonly (readonly number[])[];
  /** Nodes that look at the budget first. */
  readonly checks: ReadonlySet<number>;
  /** By node: what is spent until the next look, at most: instructions, or what they cost. */
  readonly distance: Int32Array;
}

/** A plan of nothing. */
export const noPlan: Plan = {
  ...analyse({ successors: [[]] }),
  successors: [[]],
  entries: [],
  dispatch: new Map(),
  detours: new Map(),
  merges: new Set(),
  loops: [[]],
  checks: new Set(),
  distance: new Int32Array(1),
};

/** Most ways into a region. */
const MAX_ENTRIES = 60;

/** Instructions before a stop for which compiled code is not worth entering. */
const TOO_FEW = 4;

/**
 * Plans a region. Undefined if it has too many ways in. A loop with several of them is entered through its header, which
 * passes control on as it does from outside of the region.
 *
 * @param everywhere - makes ways in also where they are not worth it
 * @param costOf - what a block costs
 */
export function plan(
  { blocks, roots }: Discovered,
  everywhere = false,
  costOf: (block: Block) => number = ({ code }) => code.length,
): Plan | undefined {
  const isWorthEntering = (b: Block | undefined): boolean =>
    everywhere || b?.flow.kind !== 'stop' || b.code.length > TOO_FEW;
  const after = new Set<number>();
  const resumed = new Set<number>();
  const startOf = new Map(blocks.flatMap((b, i) => (b.copied ? [] : [[b.start, i + 1] as const])));
  for (const b of blocks) {
    if (b.copied) continue;
    const next = startOf.get(b.start + b.code.length);
    if (next === undefined) continue;
    if (b.flow.kind === 'call' || b.flow.kind === 'callRegister') after.add(next);
    if (b.flow.kind === 'stop' && b.flow.resumes) resumed.add(next);
  }
  // What the interpreter comes back to after a stop belongs where it would be without: the same loops.
  const first = [
    roots.map((r) => r + 1),
    ...blocks.map((b) => {
      // A jump to an address may come back to any way in: by the head.
      if (b.flow.kind === 'jumpRegister') return [0];
      const next =
        b.flow.kind === 'stop' && b.flow.resumes ? startOf.get(b.start + b.code.length) : undefined;
      return [...b.successors.filter((s) => s >= 0).map((s) => s + 1), ...(next === undefined ? [] : [next])];
    }),
  ];
  let before = analyse({ successors: first });
  const detoured = before.reducible ? [] : reduce(first, before.place);
  if (!before.reducible) before = analyse({ successors: first });
  if (!before.reducible) return undefined;
  const loops = loopsOf({ successors: first }, before);
  const others = [...before.headers, ...after, ...resumed].filter((n) => isWorthEntering(blocks[n - 1]));
  const wanted = [...roots.map((r) => r + 1), ...detoured.map((d) => d.to), ...others].filter(
    (n) => (before.place[n] ?? -1) > 0 && blocks[n - 1]?.copied === false,
  );
  // Inside of loops, entry number 0 is none: it has to be one outside.
  const front = loops[wanted[0] ?? 0]?.filter((h) => h !== 0).slice(0, 1) ?? [];
  const nodes = [...new Set([...front, ...wanted])].slice(0, MAX_ENTRIES);
  const outer = new Set([...roots.map((r) => r + 1), ...others]);
  const detours = new Map<number, Map<number, number>>();
  for (const { from, to } of detoured) {
    const via = loops[to]?.find((h) => h !== to && loops[from]?.includes(h) === false);
    if (!nodes.includes(to)) return undefined;
    if (via === undefined) continue;
    detours.set(from, (detours.get(from) ?? new Map<number, number>()).set(to, via));
  }
  const successors = first.map((list) => [...list]);
  const dispatch = new Map<number, number[]>();
  for (const [i, node] of nodes.entries()) {
    const chain = [0, ...(loops[node] ?? []).filter((h) => h !== node && h !== 0), node];
    for (const [k, from] of chain.slice(0, -1).entries()) {
      const to = chain[k + 1] ?? node;
      const table = dispatch.get(from) ?? nodes.map(() => -1);
      table[i] = to;
      dispatch.set(from, table);
      if (successors[from]?.includes(to) === false) successors[from].push(to);
    }
  }
  const analysis = analyse({ successors });
  if (!analysis.reducible) return undefined;
  const merges = new Set<number>([...dispatch.values()].flat().filter((n) => n > 0));
  for (const n of analysis.order) {
    const forward = (analysis.predecessors[n] ?? []).filter(
      (p) => (analysis.place[p] ?? 0) < (analysis.place[n] ?? 0),
    );
    if (forward.length > 1) merges.add(n);
  }
  const entries = nodes.map((node) => ({
    node,
    instruction: blocks[node - 1]?.start ?? 0,
    inner: !outer.has(node),
  }));
  // What a call has spent is not known before it comes back: in a function that stands in the place of its call, too.
  const back = blocks.flatMap((b) =>
    b.flow.kind === 'callRegister' || (b.flow.kind === 'call' && !b.inlined)
      ? b.successors.filter((s) => s >= 0).map((s) => s + 1)
      : [],
  );
  const checks = new Set([...nodes, ...analysis.headers, ...after, ...back].filter((n) => n !== 0));
  const sizes = [0, ...blocks.map(costOf)];
  const within = loopsOf({ successors }, analysis);
  const distance = distances(analysis, successors, checks, sizes);
  return { ...analysis, successors, entries, dispatch, detours, merges, loops: within, checks, distance };
}

function distances(
  a: Analysis,
  successors: readonly (readonly number[])[],
  checks: ReadonlySet<number>,
  sizes: readonly number[],
): Int32Array {
  const distance = new Int32Array(successors.length);
  for (const n of [...a.order].reverse()) {
    let most = 0;
    for (const s of successors[n] ?? []) {
      if (!checks.has(s) && (a.place[s] ?? 0) > (a.place[n] ?? 0)) most = Math.max(most, distance[s] ?? 0);
    }
    distance[n] = (sizes[n] ?? 0) + most;
  }
  return distance;
}
