// The control-flow graph of a region: reverse post-order, dominators, loops, and ways from the function's head to blocks
// inside of loops (Ramsey, "Beyond Relooper", ICFP 2022; Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm").

/** A graph whose node 0 is the head. */
export interface Graph {
  readonly successors: readonly (readonly number[])[];
}

/** What is known of a graph. Arrays are by node. */
export interface Analysis {
  /** Nodes in reverse post-order, the unreachable ones left out. */
  readonly order: readonly number[];
  /** Place in `order`, or -1. */
  readonly place: Int32Array;
  /** Immediate dominator; the head's is itself. */
  readonly dominator: Int32Array;
  readonly predecessors: readonly (readonly number[])[];
  /** Targets of back edges. */
  readonly headers: ReadonlySet<number>;
  /** False when some loop has two entries. */
  readonly reducible: boolean;
}

function reversePostOrder({ successors }: Graph): number[] {
  const order: number[] = [];
  const seen = new Uint8Array(successors.length);
  const stack: [number, number][] = [[0, 0]];
  seen[0] = 1;
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    // The last successor first, so that the first one comes earlier in the order.
    const list = successors[top[0]] ?? [];
    const next = list[list.length - 1 - top[1]++];
    if (next === undefined) {
      order.push(top[0]);
      stack.pop();
    } else if (next >= 0 && seen[next] === 0) {
      seen[next] = 1;
      stack.push([next, 0]);
    }
  }
  return order.reverse();
}

/** Analyses a graph. */
export function analyse(graph: Graph): Analysis {
  const count = graph.successors.length;
  const order = reversePostOrder(graph);
  const place = new Int32Array(count).fill(-1);
  for (const [i, n] of order.entries()) place[n] = i;
  const predecessors: number[][] = Array.from({ length: count }, () => []);
  for (const n of order) {
    for (const s of graph.successors[n] ?? []) {
      if (s >= 0 && predecessors[s]?.includes(n) === false) predecessors[s].push(n);
    }
  }
  const dominator = dominators(order, place, predecessors);
  const dominates = (a: number, b: number): boolean => {
    let n = b;
    while ((place[n] ?? 0) > (place[a] ?? 0)) n = dominator[n] ?? 0;
    return n === a;
  };
  const headers = new Set<number>();
  let reducible = true;
  for (const n of order) {
    for (const s of graph.successors[n] ?? []) {
      if (s < 0 || (place[s] ?? 0) > (place[n] ?? 0)) continue;
      headers.add(s);
      if (!dominates(s, n)) reducible = false;
    }
  }
  return { order, place, dominator, predecessors, headers, reducible };
}

function dominators(
  order: readonly number[],
  place: Int32Array,
  predecessors: readonly (readonly number[])[],
): Int32Array {
  const dominator = new Int32Array(place.length).fill(-1);
  dominator[0] = 0;
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      while ((place[x] ?? 0) > (place[y] ?? 0)) x = dominator[x] ?? 0;
      while ((place[y] ?? 0) > (place[x] ?? 0)) y = dominator[y] ?? 0;
    }
    return x;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const n of order) {
      if (n === 0) continue;
      let best = -1;
      for (const p of predecessors[n] ?? []) {
        if (dominator[p] === -1) continue;
        best = best === -1 ? p : meet(p, best);
      }
      if (dominator[n] === best) continue;
      dominator[n] = best;
      changed = true;
    }
  }
  return dominator;
}

/** An edge into the middle of a loop: control goes to the loop's header instead, which passes it on. */
export interface Detour {
  readonly from: number;
  readonly to: number;
}

/**
 * Gives each loop one entry. Edges to other ones are led to the loop's header, which gets an edge to where they led; the answer
 * is those edges. Loops in loops come after.
 */
export function reduce(successors: number[][], place: Int32Array): Detour[] {
  const detours: Detour[] = [];
  const work = [successors.map((_, n) => n)];
  for (let nodes = work.pop(); nodes !== undefined; nodes = work.pop()) {
    for (const loop of components(successors, nodes)) {
      const inside = new Set(loop);
      const outside = successors.map((_, n) => n).filter((n) => !inside.has(n));
      const entries = loop.filter((v) => outside.some((u) => successors[u]?.includes(v) === true));
      const first = (a: number, b: number): number => ((place[b] ?? 0) < (place[a] ?? 0) ? b : a);
      const header = inside.has(0) ? 0 : entries.reduce(first, entries[0] ?? loop[0] ?? 0);
      for (const v of entries) {
        if (v === header) continue;
        for (const u of outside) {
          const list = successors[u] ?? [];
          if (!list.includes(v)) continue;
          successors[u] = [...new Set(list.map((s) => (s === v ? header : s)))];
          if (!detours.some((d) => d.from === u && d.to === v)) detours.push({ from: u, to: v });
        }
        if (successors[header]?.includes(v) === false) successors[header].push(v);
      }
      work.push(loop.filter((n) => n !== header));
    }
  }
  return detours;
}

/** The strongly connected components with a cycle of the graph on some nodes (Tarjan 1972). */
function components(successors: readonly (readonly number[])[], nodes: readonly number[]): number[][] {
  const among = new Set(nodes);
  const found = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const open = new Set<number>();
  const result: number[][] = [];
  const visit = (n: number): void => {
    found.set(n, found.size);
    low.set(n, found.size - 1);
    stack.push(n);
    open.add(n);
    for (const s of successors[n] ?? []) {
      if (!among.has(s)) continue;
      if (!found.has(s)) {
        visit(s);
        low.set(n, Math.min(low.get(n) ?? 0, low.get(s) ?? 0));
      } else if (open.has(s)) low.set(n, Math.min(low.get(n) ?? 0, found.get(s) ?? 0));
    }
    if (low.get(n) !== found.get(n)) return;
    const component = stack.splice(stack.indexOf(n));
    for (const m of component) open.delete(m);
    if (component.length > 1 || successors[n]?.includes(n) === true) result.push(component);
  };
  for (const n of nodes) if (!found.has(n)) visit(n);
  return result;
}

/** By node: the headers of the loops that it is in, outermost first; a header is in its own loop. */
export function loopsOf(graph: Graph, a: Analysis): readonly (readonly number[])[] {
  const loops: number[][] = graph.successors.map(() => []);
  // Headers in reverse post-order: outer loops come before inner ones.
  for (const header of a.order.filter((n) => a.headers.has(n))) {
    const body = new Set([header]);
    const work: number[] = [];
    for (const p of a.predecessors[header] ?? []) {
      if ((a.place[p] ?? 0) >= (a.place[header] ?? 0)) work.push(p);
    }
    for (let n = work.pop(); n !== undefined; n = work.pop()) {
      if (body.has(n)) continue;
      body.add(n);
      work.push(...(a.predecessors[n] ?? []));
    }
    for (const n of body) loops[n]?.push(header);
  }
  return loops;
}
