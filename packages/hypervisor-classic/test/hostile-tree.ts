// A saved hypervisor as a tree of names and numbers, to change one of them.

import type { Plain } from '@worldswitch/platform';

/** A part of it. */
export type Tree = Record<string, Plain>;

/** A copy of what a machine saved, in which the hypervisor's own state can be changed. */
export function copied(saved: Plain): { readonly all: Plain; readonly own: Tree } {
  const all = structuredClone(saved) as { software: { hypervisor: { state: Tree } } };
  return { all: all, own: all.software.hypervisor.state };
}

/** The part of a tree at a path of names and numbers. */
export const at = (tree: Plain, path: string): Tree =>
  path
    .split('.')
    .reduce<Plain>((part, name) => (name === '' ? part : ((part as Tree)[name] as Plain)), tree) as Tree;

/** Numbers below a limit, the same for the same seed. */
export function randomBelow(start: number): (below: number) => number {
  let seed = start;
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const CHANGES = [0, 1, 2, 255, 65_535, 2 ** 31, 2 ** 32 - 1, 2 ** 40, Number.MAX_SAFE_INTEGER, -1, 0.5];

/** Changes some number of a tree, and says which. */
export function changeAny(own: Tree, random: (below: number) => number): string {
  const leaves: { readonly part: Tree; readonly name: string; readonly path: string }[] = [];
  const collect = (part: Tree, path: string): void => {
    // Lists of many equal numbers count as a few.
    const entries = Object.entries(part);
    const few =
      entries.length > 24 ? [0, 1, 2].map(() => entries[random(entries.length)] ?? ['', 0]) : entries;
    for (const [name, value] of few as [string, Plain][]) {
      const inner = `${path}.${name}`;
      if (typeof value === 'number' || typeof value === 'boolean' || value === null)
        leaves.push({ part, name, path: inner });
      else if (typeof value === 'object' && !(value instanceof Uint8Array)) collect(value as Tree, inner);
    }
  };
  collect(own, '');
  const leaf = leaves[random(leaves.length)];
  if (leaf === undefined) throw new Error('there is nothing to change');
  const old = leaf.part[leaf.name];
  const near = typeof old === 'number' && random(4) === 0;
  const next =
    typeof old === 'boolean' ? !old : near ? old + 1 - 2 * random(2) : CHANGES[random(CHANGES.length)];
  leaf.part[leaf.name] = next ?? 0;
  return `${leaf.path}: ${JSON.stringify(old)} -> ${String(next)}`;
}
