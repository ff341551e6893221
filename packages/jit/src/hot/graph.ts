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
