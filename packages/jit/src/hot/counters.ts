// The counters of the engine: their names, what they count, and how compiled code counts. None is state of the machine.

import type { Code } from '../wasm/code.ts';

/** What the interpreter's loop was left for, by the numbers of `Reason`. */
export const reasonCounters = [
  ['left.budget', 'the budget, or the time to the next event, was used up'],
  ['left.decode', 'an instruction was not decoded yet'],
  ['left.fetch', 'the page of the PC was not in the fetch TLB'],
  [
    'left.miss.read',
    'the page of a load was not in the fast TLB and could not be entered, or the load is on two pages',
  ],
  ['left.miss.write', 'the same of a store'],
  ['left.miss.read.unprivileged', 'the same of LDTR'],
  ['left.miss.write.unprivileged', 'the same of STTR'],
  ['left.step', 'the reference engine had to execute an instruction'],
  ['left.poll', 'interrupts were unmasked, and one may be pending'],
  ['left.other', 'an instruction belongs to a loop of seldom ones'],
  ['left.hot', 'a region that begins at the PC could not be entered'],
  ['left.heat', 'compiled code came to a PC without a region often enough to compile it'],
] as const;

/** What compiled code counts by itself where it is told to, in this order in memory. */
export const emittedCounters = [
  ['enter', 'compiled code was entered from the interpreter'],
  ['gate.found', 'a PC was looked up that has a region'],
  ['gate.cold', 'a PC was looked up that has none'],
  ['gate.page', 'a PC was looked up whose page is not in the fetch TLB'],
  ['region.entered', 'regions were entered, from wherever'],
  ['region.refused', 'a region was not entered: one of its pages is not what it was'],
  ['exit.budget', 'left where the budget might not last to the next look at it'],
  ['exit.miss.read', 'left for a load whose page is not in the fast TLB, or which crosses a page'],
  ['exit.miss.write', 'the same for a store'],
  ['exit.miss.unprivileged', 'the same for LDTR and STTR'],
  ['exit.step', 'left for an instruction that compiled code cannot do, at all or now'],
  ['exit.poll', 'left because interrupts were unmasked'],
  ['exit.jump', 'left for an address outside of the region'],
  ['exit.return', 'left by a return'],
  ['call', 'calls of other regions'],
  ['call.deep', 'calls that became jumps: they would have nested too deep'],
  ['call.left', 'calls that did not come back to compiled code'],
  ['call.elsewhere', 'calls that came back to another address'],
] as const;

/** Counts that TypeScript keeps. */
export const keptCounters = [
  ['entries', 'the loop was entered'],
  ['decoded', 'blocks that were decoded'],
  ['fetchMisses', 'pages that were entered into the fetch TLB, or could not be'],
  ['dataMisses', 'pages that were entered into the fast TLB, or could not be'],
  ['steps', 'instructions that the reference engine executed'],
  ['compiled', 'instructions that compiled code executed'],
  ['samples', 'looks at the PC to see where time is spent'],
  ['marks', 'regions that could not be entered where the interpreter came to them'],
  ['interrupts', 'interrupts that were taken'],
] as const;

/** Counts of the decoded pages. */
export const pageCounters = [
  ['pages.made', 'pages whose instructions were decoded'],
  ['pages.givenUp', 'decoded pages that were written to so often that they became data'],
  ['pages.evicted', 'decoded pages that made room for others'],
] as const;

/** Counts of the hot tier, of all CPUs of a memory. */
export const tierCounters = [
  ['regions.compiled', 'regions compiled'],
  ['regions.instructions', 'guest instructions in them'],
  ['regions.bytes', 'bytes of WebAssembly in them'],
  ['regions.failed', 'times that nothing could be compiled at a PC'],
  ['regions.irreducible', 'times that control flow did not allow it'],
  ['regions.changed', 'regions that went because their code was written to'],
  ['regions.dropped', 'regions that went with a decoded page'],
  ['regions.evicted', 'regions that made room for others'],
  ['regions.refused', 'regions that the host did not compile'],
  ['regions.alive', 'regions there are'],
  ['regions.entries', 'ways into them'],
  ['regions.unfit', 'PCs known as unfit for a region'],
] as const;

/** A counter as `Interpreter.counts` has it. */
export interface EngineCount {
  readonly name: string;
  /** What it counts. */
  readonly text: string;
  /** True if it is the same for all engines that share decoded pages. */
  readonly shared: boolean;
  readonly count: number;
}

/** Names what compiled code counts. */
export type EmittedCounter = (typeof emittedCounters)[number][0];

/** Bytes of the counters that compiled code keeps. */
export const COUNTER_BYTES: number = emittedCounters.length * 4;

/** Emits nothing, or the increment of a counter. */
export class Counting {
  private readonly offset: number | undefined;

  /** @param offset - byte offset of `COUNTER_BYTES` bytes; undefined for no counting */
  constructor(offset?: number) {
    this.offset = offset;
  }

  /** True if compiled code counts. */
  get on(): boolean {
    return this.offset !== undefined;
  }

  /** Emits the increment. */
  emit(code: Code, counter: EmittedCounter): void {
    if (this.offset === undefined) return;
    const at = this.offset + 4 * emittedCounters.findIndex(([name]) => name === counter);
    code.i32(0);
    code.i32(0);
    code.memory('i32_load', at, true);
    code.i32(1);
    code.op('i32_add');
    code.memory('i32_store', at, true);
  }
}
