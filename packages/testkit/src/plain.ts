// Plain data: deep copies, comparison by text, and a walk over every value in a tree.

import type { Plain } from '@worldswitch/platform';

/** A place in a tree of plain data: the keys that lead to it. */
export type Path = readonly (string | number)[];

/** A path as `StateError.field` writes it: `timer[2].deadline`. */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? key : `${text}.${key}`),
    '',
  );
}

/** Throws, with the path, where a value is not plain: what it would lose in a file. */
export function requirePlain(value: unknown, path: Path = []): asserts value is Plain {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return;
    throw new Error(`the state's ${pathText(path)} is ${String(value)}, which a file cannot hold`);
  }
  if (Array.isArray(value)) {
    (value as unknown[]).forEach((element, i) => {
      requirePlain(element, [...path, i]);
    });
    return;
  }
  if (value instanceof Uint8Array) return;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const [key, element] of Object.entries(value)) requirePlain(element, [...path, key]);
    return;
  }
  throw new Error(`the state's ${pathText(path)} is a ${typeof value}, not plain data`);
}

/** A deep copy, as if through a file. */
export function copy(value: Plain): Plain {
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return (value as readonly Plain[]).map(copy);
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, copy(element)]));
}

/** A text that is the same for equal trees, whatever the order of their keys. */
export function textOf(value: Plain): string {
  if (value instanceof Uint8Array) return `bytes(${value.join(',')})`;
  if (Array.isArray(value)) return `[${(value as readonly Plain[]).map(textOf).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, element]) => `${key}:${textOf(element)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

/** The first place where two trees differ, or nothing. */
export function difference(a: Plain, b: Plain, path: Path = []): string | undefined {
  if (textOf(a) === textOf(b)) return undefined;
  const parts = partsOf(a);
  const others = partsOf(b);
  if (parts !== undefined && others !== undefined) {
    for (const key of new Set([...parts.keys(), ...others.keys()])) {
      const [one, two] = [parts.get(key), others.get(key)];
      if (one === undefined || two === undefined) return `${pathText([...path, key])} is on one side only`;
      const found = difference(one, two, [...path, key]);
      if (found !== undefined) return found;
    }
  }
  return `${pathText(path) || 'the state'} is ${textOf(a).slice(0, 80)} against ${textOf(b).slice(0, 80)}`;
}

/** A tree's parts by key; nothing for a leaf. */
function partsOf(value: Plain): Map<string | number, Plain> | undefined {
  if (Array.isArray(value)) return new Map((value as readonly Plain[]).map((element, i) => [i, element]));
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return undefined;
  return new Map<string | number, Plain>(Object.entries(value));
}

/** Every place in a tree, the root included, with its value. Of long lists the first and last elements stand for all. */
export function* places(value: Plain, path: Path = []): Generator<readonly [Path, Plain]> {
  yield [path, value];
  const parts = partsOf(value);
  if (parts === undefined) return;
  const all = [...parts];
  const chosen = Array.isArray(value) && all.length > 4 ? [...all.slice(0, 2), ...all.slice(-1)] : all;
  for (const [key, element] of chosen) yield* places(element, [...path, key]);
}

/** A copy of a tree with the value at a path changed; `undefined` from `change` removes it. */
export function withChange(
  from: Plain,
  path: Path,
  change: (old: Plain) => Plain | undefined,
): Plain | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return change(from);
  if (Array.isArray(from)) {
    return (from as readonly Plain[]).flatMap((element, i) => {
      const changed = i === key ? withChange(element, rest, change) : copy(element);
      return changed === undefined ? [] : [changed];
    });
  }
  const entries = Object.entries(from as Readonly<Record<string, Plain>>).flatMap(([name, element]) => {
    const changed = name === key ? withChange(element, rest, change) : copy(element);
    return changed === undefined ? [] : [[name, changed] as const];
  });
  return Object.fromEntries(entries);
}
