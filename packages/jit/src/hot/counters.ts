// The counters that engines of one memory share: names, meanings, and how compiled code counts. None is state of the machine.

import type { Code } from '../wasm/code.ts';

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
  ['exit.never', 'left for an instruction that compiled code has no code for'],
  ['exit.absent', 'left because FP and SIMD trap, or the CPU has not the instruction'],
  ['exit.step', 'left for an access that needs alignment, or is not the first one of its instruction'],
  ['exit.poll', 'left because interrupts were unmasked'],
  ['exit.jump', 'left for an address outside of the region'],
  ['exit.return', 'left by a return'],
  ['inside', 'jumps by register that stayed in their region'],
  ['call', 'calls of regions'],
  ['call.own', 'calls of the region itself, of these'],
  ['call.deep', 'calls that became jumps: they would have nested too deep'],
  ['call.left', 'calls that did not come back to compiled code'],
  ['call.elsewhere', 'calls that came back to another address'],
] as const;

/** Counts of the decoded pages. */
export const pageCounters = [
  ['pages.made', 'pages whose instructions were decoded'],
  ['pages.givenUp', 'decoded pages that were written to so often that they became data, or as a whole'],
  ['pages.evicted', 'decoded pages that made room for others'],
  ['pages.alive', 'decoded pages there are'],
] as const;

/** Counts of the decoded pages that are off unless asked for. */
export const decodingCounters = [
  ['pages.overwritten', 'decoded pages given up because they were written to as a whole'],
  ['pages.stores', 'stores to lines of decoded pages that have code'],
  ['pages.beside', 'stores to other lines of decoded pages that came to be looked at'],
  ['decoded.instructions', 'instructions decoded'],
  ['decoded.known', 'of these, words that were decoded before'],
  ['decoded.pairs', 'pairs of instructions that the interpreter executes as one'],
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

/** Counts of the hot tier that are off unless asked for. */
export const compilingCounters = [
  ['wish.sampled', 'wishes for a region: time is spent in interpreted code'],
  ['wish.reached', 'wishes for a region: compiled code came to an instruction without one often'],
  ['wish.beside', 'wishes for a region: stores beside code are to be done in it'],
  ['wish.eager', 'wishes for a region: everything is compiled'],
  ['answer.paused', 'wishes not heard: the host refused a region lately'],
  ['answer.known', 'wishes not heard: there is a region, or can be none'],
  ['answer.early', 'wishes not heard: what was lost so far does not pay for compiling'],
  ['answer.made', 'wishes that a region was made for'],
  ['regions.remade', 'regions compiled anew to do stores beside code'],
  ['regions.grown', 'regions that went for one with more ways in'],
  ['regions.full', 'regions that made room because there were as many as may be'],
  ['regions.blocks', 'basic blocks in regions'],
  ['regions.loops', 'loops in regions'],
  ['regions.pages', 'pages that regions have code of'],
  [
    'regions.copied',
    'instructions in regions that are copies of small functions in the place of their calls',
  ],
  ['regions.jumps', 'regions that jump by register'],
] as const;

/** Names what the hot tier counts. */
export type CompilingCounter = (typeof compilingCounters)[number][0];
/** Names what decoding counts. */
export type DecodingCounter = (typeof decodingCounters)[number][0];

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
