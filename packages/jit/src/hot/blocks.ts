// Region discovery: the basic blocks that are reachable from an entry by direct branches, within a few pages.

import { decode } from '../isa.ts';
import { flowOf } from './flow.ts';
import type { Decoded, Flow } from './flow.ts';

/** One basic block. Instructions are numbered by words from the first one of the region's root page; negative ones precede it. */
export interface Block {
  /** Number of its first instruction. */
  readonly start: number;
  readonly code: readonly Decoded[];
  /** What follows the last instruction. */
  readonly flow: Flow;
  /** Blocks of the region that control may go to directly: the branch's target first, the next instruction last. */
  readonly successors: readonly number[];
  /** Instructions where control may go, in the same order. */
  readonly targets: readonly number[];
  /** True in the copy of a function in the place of its call. */
  readonly copied: boolean;
  /** True for a call whose function is in its place: control goes to the first successor, and back from its returns. */
  readonly inlined: boolean;
}

/** What a region is made of. */
export interface Discovered {
  readonly blocks: readonly Block[];
  /** The blocks where the region was asked for. */
  readonly roots: readonly number[];
  /** Instructions in all blocks. */
  readonly instructions: number;
}

/** Where discovery reads. */
export interface CodeSource {
  /** The word of an instruction, or undefined where no code may be taken from. */
  word(instruction: number): number | undefined;
  /** Whether a case of the table has code. */
  hasCode(caseId: number): boolean;
  /** Whether control has ever come to an instruction: what it has never come to is left out. Everything counts unless given. */
  reached?(instruction: number): boolean;
}

/** Bounds of a region. */
export interface Bounds {
  readonly instructions: number;
  readonly blocks: number;
}

interface Found {
  readonly decoded: Decoded;
  readonly flow: Flow;
}

/**
 * Finds the blocks of a region. Undefined where its first instruction is nothing for compiled code.
 *
 * @param roots - instructions where it must be possible to enter; the first one must be there
 */
export function discover(
  source: CodeSource,
  roots: readonly number[],
  bounds: Bounds,
): Discovered | undefined {
  const found = new Map<number, Found>();
  const leaders = new Set<number>(roots);
  const [root = 0] = roots;
  explore(source, roots, bounds, found, leaders);
  const first = found.get(root);
  if (first === undefined || first.flow.kind === 'stop') return undefined;
  return inlineSmall(build(found, leaders, roots), source);
}

/** The head of the innermost loop around an instruction of the root page, as far as it is on that page; else the instruction. */
export function loopHead(source: CodeSource, instruction: number, bounds: Bounds): number {
  const blocks = discover(source, [instruction], bounds)?.blocks ?? [];
  const heads = blocks.flatMap((b) => b.targets.filter((to) => to >= 0 && to < instruction));
  return heads.length === 0 ? instruction : Math.max(...heads);
}

/** Follows control from some instructions. False when a bound ended that. */
function explore(
  source: CodeSource,
  roots: readonly number[],
  bounds: Bounds,
  found: Map<number, Found>,
  leaders: Set<number>,
): boolean {
  const work = [...roots];
  while (work.length > 0) {
    if (leaders.size > bounds.blocks || found.size >= bounds.instructions) return false;
    const start = work.shift() ?? 0;
    if (source.reached?.(start) === false && !roots.includes(start)) continue;
    for (let at = start; !found.has(at) && found.size < bounds.instructions; at++) {
      const word = source.word(at);
      const decoded = word === undefined ? undefined : decode(word >>> 0);
      if (decoded === undefined) break;
      const flow = flowOf(decoded, (id) => source.hasCode(id));
      found.set(at, { decoded, flow });
      if (flow.kind === 'next') {
        if (found.has(at + 1)) leaders.add(at + 1);
        continue;
      }
      for (const to of leadersAfter(flow, at)) {
        leaders.add(to);
        work.push(to);
      }
      break;
    }
  }
  return true;
}

/** Instructions that begin blocks because of a branch. */
function leadersAfter(flow: Flow, at: number): number[] {
  switch (flow.kind) {
    case 'jump':
      return [at + flow.to / 4];
    case 'branch':
      return [at + 1, at + flow.to / 4];
    case 'call':
    case 'callRegister':
      return [at + 1];
    case 'stop':
      return flow.resumes ? [at + 1] : [];
    case 'next':
    case 'jumpRegister':
    case 'return':
      return [];
  }
}

/** Instructions that control goes to after a block's last one, in the order of `Block.successors`. */
function wayOut(flow: Flow, last: number): number[] {
  switch (flow.kind) {
    case 'jump':
      return [last + flow.to / 4];
    case 'branch':
      return [last + flow.to / 4, last + 1];
    case 'next':
    case 'call':
    case 'callRegister':
      return [last + 1];
    case 'jumpRegister':
    case 'return':
    case 'stop':
      return [];
  }
}

function build(
  found: ReadonlyMap<number, Found>,
  leaders: ReadonlySet<number>,
  roots: readonly number[],
): Discovered {
  const starts = [...leaders].filter((at) => found.has(at)).sort((a, b) => a - b);
  const indexOf = new Map(starts.map((at, i) => [at, i]));
  let instructions = 0;
  const blocks = starts.map((start): Block => {
    const code: Decoded[] = [];
    let flow: Flow = { kind: 'next' };
    let at = start;
    for (; ; at++) {
      const here = found.get(at);
      if (here === undefined || (at > start && leaders.has(at))) break;
      code.push(here.decoded);
      flow = here.flow;
      if (flow.kind !== 'next') {
        at++;
        break;
      }
    }
    instructions += code.length;
    const out = wayOut(flow, at - 1);
    return {
      start,
      code,
      flow,
      successors: out.map((to) => indexOf.get(to) ?? -1),
      targets: out,
      copied: false,
      inlined: false,
    };
  });
  return { blocks, roots: roots.flatMap((at) => indexOf.get(at) ?? []), instructions };
}

/** Most instructions and blocks of a function that takes the place of its call. */
const SMALL: Bounds = { instructions: 40, blocks: 16 };
/** Most instructions that a region grows by. */
const MOST_COPIED = 240;
/** Copies in copies. */
const MOST_NESTED = 3;

/** Puts copies of small functions in the place of their calls. */
function inlineSmall(region: Discovered, source: CodeSource): Discovered {
  const functions = new Map<number, Discovered | undefined>();
  const functionAt = (at: number): Discovered | undefined => {
    if (!functions.has(at)) functions.set(at, small(source, at));
    return functions.get(at);
  };
  const blocks = [...region.blocks];
  const most = region.instructions + MOST_COPIED;
  let { instructions } = region;
  /** By copied block: the functions that it is in. */
  const within = new Map<number, readonly number[]>();
  for (let i = 0; i < blocks.length; i++) {
    const b = blocks[i];
    const [after = -1] = b?.successors ?? [];
    const [back = 0] = b?.targets ?? [];
    if (b?.flow.kind !== 'call' || after < 0) continue;
    const entry = back - 1 + b.flow.to / 4;
    const outer = within.get(i) ?? [];
    const callee = outer.length < MOST_NESTED && !outer.includes(entry) ? functionAt(entry) : undefined;
    if (callee === undefined || instructions + callee.instructions > most) continue;
    const first = blocks.length;
    const shift = (n: number): number => (n < 0 ? n : n + first);
    blocks[i] = { ...b, successors: callee.roots.map(shift), targets: [entry], inlined: true };
    for (const c of callee.blocks) {
      const returns = c.flow.kind === 'return';
      within.set(blocks.length, [...outer, entry]);
      blocks.push({
        ...c,
        successors: returns ? [after] : c.successors.map(shift),
        targets: returns ? [back] : c.targets,
        copied: true,
      });
    }
    instructions += callee.instructions;
  }
  return { blocks, roots: region.roots, instructions };
}

/** General registers of a function with a loop that takes the place of its call. */
const MOST_IN_LOOP = 8;

function registersOf(blocks: readonly Block[]): number {
  const registers = new Set<number>();
  for (const { operands } of blocks.flatMap((b) => b.code)) {
    for (const o of Object.values(operands)) if (o.kind === 'x') registers.add(o.value);
  }
  return registers.size;
}

/** A function that is small. */
function small(source: CodeSource, at: number): Discovered | undefined {
  const found = new Map<number, Found>();
  const leaders = new Set<number>([at]);
  if (!explore(source, [at], SMALL, found, leaders)) return undefined;
  const region = build(found, leaders, [at]);
  const kinds = region.blocks.map(({ flow }) => flow.kind);
  const fits = kinds.includes('return') && !kinds.some((k) => k === 'stop' || k === 'jumpRegister');
  // A loop of many registers is worth a call: it has them to itself.
  const loops = region.blocks.some(({ successors }, i) => successors.some((s) => s >= 0 && s <= i));
  if (loops && registersOf(region.blocks) > MOST_IN_LOOP) return undefined;
  return fits && region.roots.length === 1 ? region : undefined;
}
