// Where the time of a run goes: V8's samples of the main thread, by the part of the sources that each function comes from.

import { readFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { SourceMap } from 'node:module';
import type { SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

import type { Shares } from './run.ts';

/** Parts by source file, the first that fits. Functions of V8's own belong to who called them. */
const PARTS: readonly (readonly [part: string, source: RegExp])[] = [
  ['compiling', /\/jit\/src\/(hot|emit|wasm)\//],
  ['misses of the fast path', /\/jit\/src\//],
  ['reference engine and translation', /\/(isa-core|mmu|gdb)\/src\//],
  ['devices and machine', /\/(devices|gic|machine|platform)\/src\//],
  ['the command', /\/cli\/src\//],
];

/** What V8 calls work that is no function's. */
const SPECIAL = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(idle)', 'idle'],
  ['(program)', 'V8 and the rest'],
  ['(root)', 'V8 and the rest'],
]);

/** Builtins of WebAssembly's: compiling and instantiating. */
const WASM_BUILTIN = new Set(['Module', 'Instance', 'compile', 'instantiate']);

/** The source file of a function, where it is known. */
export type SourceOf = (url: string, line: number, column: number) => string | undefined;

class Parts {
  private readonly nodes: ReadonlyMap<number, Profiler.ProfileNode>;
  private readonly parents = new Map<number, number>();
  private readonly known = new Map<number, string>();
  private readonly sourceOf: SourceOf;
  /** The first module that runs is the interpreter's: a guest begins in it. */
  private interpreter: string | undefined;

  constructor(nodes: readonly Profiler.ProfileNode[], sourceOf: SourceOf) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]));
    for (const node of nodes) for (const child of node.children ?? []) this.parents.set(child, node.id);
    this.sourceOf = sourceOf;
  }

  /** The part that a sample's function belongs to. */
  of(id: number): string {
    const known = this.known.get(id);
    if (known !== undefined) return known;
    const part = this.find(id);
    this.known.set(id, part);
    return part;
  }

  private find(id: number): string {
    const frame = this.nodes.get(id)?.callFrame;
    if (frame === undefined) return 'V8 and the rest';
    const { url, functionName, lineNumber, columnNumber } = frame;
    if (url.startsWith('wasm:')) {
      this.interpreter ??= url;
      return url === this.interpreter ? 'interpreter' : 'compiled regions';
    }
    const special = SPECIAL.get(functionName);
    if (special !== undefined) return special;
    if (url === '' && WASM_BUILTIN.has(functionName)) return 'compiling';
    const source = url === '' ? undefined : this.sourceOf(url, lineNumber, columnNumber);
    const part = source && PARTS.find(([, pattern]) => pattern.test(source))?.[0];
    if (part !== undefined) return part;
    const parent = this.parents.get(id);
    return parent === undefined ? 'V8 and the rest' : this.of(parent);
  }
}

/** Seconds of a profile by part. */
export function sharesOf(profile: Profiler.Profile, sourceOf: SourceOf): Shares {
  const parts = new Parts(profile.nodes, sourceOf);
  const shares: Record<string, number> = {};
  const { samples = [], timeDeltas = [] } = profile;
  samples.forEach((id, i) => {
    const part = parts.of(id);
    shares[part] = (shares[part] ?? 0) + (timeDeltas[i] ?? 0) / 1e6;
  });
  return shares;
}

/** Reads the source maps that lie beside the files. */
function sourceMaps(): SourceOf {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (url: string): SourceMap | undefined => {
    try {
      const text = readFileSync(fileURLToPath(`${url}.map`), 'utf8');
      return new SourceMap(JSON.parse(text) as SourceMapPayload);
    } catch {
      return undefined;
    }
  };
  return (url, line, column) => {
    if (!url.startsWith('file:')) return undefined;
    if (!maps.has(url)) maps.set(url, mapOf(url));
    const entry = maps.get(url)?.findEntry(line, column);
    const source = entry !== undefined && 'originalSource' in entry ? entry.originalSource : undefined;
    return source === undefined ? url : new URL(source, url).href;
  };
}

/** Microseconds between samples. */
const INTERVAL = 500;

/** Runs something and says where its time went. */
export async function profiled<T>(work: () => Promise<T>): Promise<{ result: T; shares: Shares }> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
    await session.post('Profiler.start');
    const before = process.cpuUsage();
    const result = await work();
    const { user, system } = process.cpuUsage(before);
    const { profile } = await session.post('Profiler.stop');
    const shares = sharesOf(profile, sourceMaps());
    const sampled = Object.values(shares).reduce((sum, one) => sum + one, 0) - (shares['idle'] ?? 0);
    return {
      result,
      shares: { ...shares, "V8's other threads": Math.max(0, (user + system) / 1e6 - sampled) },
    };
  } finally {
    session.disconnect();
  }
}
