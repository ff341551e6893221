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
  /** Instructions outside of the region where control may go, in the same order; -1 for one inside. */
  readonly targets: readonly number[];
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
  const work = [...roots];
  const [root = 0] = roots;
  while (work.length > 0 && leaders.size <= bounds.blocks) {
    const start = work.shift() ?? root;
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
  const first = found.get(root);
  if (first === undefined || first.flow.kind === 'stop') return undefined;
  return build(found, leaders, roots);
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
    };
  });
  return { blocks, roots: roots.flatMap((at) => indexOf.get(at) ?? []), instructions };
}
