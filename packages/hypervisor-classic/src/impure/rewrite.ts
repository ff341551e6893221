// A kernel rewritten before it runs: the lecture's two ways, sensitive instructions replaced by a trap or by a jump to in-line fix-up code,
// and a third, where that is done only for what must be, and later for what is behind the exception vectors.

import { disassemble } from '@worldswitch/isa-core';
import type { LoadedKernel } from '@worldswitch/machine';

import { Arena, branch } from './arena.ts';
import type { Impure } from './sensitive.ts';
import { codeOf, findSites } from './sites.ts';
import type { Site } from './sites.ts';

/** One word of a guest's text that is another one now. */
export interface Rewritten {
  /** Guest physical address. */
  readonly at: number;
  readonly before: number;
  readonly after: number;
  readonly with: 'trap' | 'fix-up';
}

/** What the hypervisor knows of a rewritten kernel. */
export interface Rewriting {
  readonly method: Impure;
  /** Text that may be rewritten again, when the guest has changed it: physical addresses. */
  readonly ranges: readonly { readonly at: number; readonly size: number }[];
  /** False where data may be among it. */
  readonly exact: boolean;
  /** The immediate of the first trap, and the instructions that traps stand for, in their order. */
  readonly firstCall: number;
  readonly calls: readonly number[];
  /** Where the fix-ups are to be: the guest's physical address and bytes. */
  readonly arena: { readonly base: number; readonly size: number };
  /** Those that are made at load time: where the instruction is, and what it is. */
  readonly fixUps: readonly { readonly at: number; readonly word: number }[];
  /** All words that are others since then. */
  readonly changes: readonly Rewritten[];
}

/** A kernel that was rewritten, and what was done to it. */
export interface RewrittenKernel {
  readonly kernel: LoadedKernel;
  readonly rewriting: Rewriting;
  /** Sensitive instructions that stay, as they trap by themselves. */
  readonly left: readonly Site[];
  /** Words that look like sensitive instructions among what looks like data: they stay. */
  readonly doubtful: readonly Site[];
}

/** Immediates of traps, from here on. */
const FIRST_CALL = 0x8000;
/** Instructions that traps can stand for. */
export const MOST_CALLS = 0x4000;
/** Bytes of one fix-up at most. */
const LARGEST = 256;
const LEAST_ARENA = 0x1_0000;

/** SVC. */
export const svc = (immediate: number): number => (0xd400_0001 | (immediate << 5)) >>> 0;

/** What is done with a site at load time. */
export function wayOf(method: Impure, { what }: Pick<Site, 'what'>): 'trap' | 'fix-up' | 'stay' {
  // A trap needs no register of EL0's.
  if (method === 'trap') return what.how === 'register' ? 'stay' : 'trap';
  if (what.how === 'traps' && (method === 'vectors' || what.sequence === undefined)) return 'stay';
  return what.sequence === undefined ? 'trap' : 'fix-up';
}

/** Bytes for fix-ups: twice what they need, for those that come later; a power of two. */
function arenaSize(sites: readonly Site[]): number {
  const bytes = sites.reduce((sum, { what }) => sum + 4 * ((what.sequence?.words.length ?? 0) + 1), LARGEST);
  return Math.max(LEAST_ARENA, 2 ** Math.ceil(Math.log2(2 * bytes)));
}

/** The first immediate from which on the kernel's own calls have none. */
function freeCalls(own: ReadonlySet<number>): number {
  const taken = [...own].filter((call) => call >= FIRST_CALL && call < FIRST_CALL + MOST_CALLS);
  return taken.length === 0 ? FIRST_CALL : FIRST_CALL + MOST_CALLS;
}

/** Numbers the instructions that traps stand for. */
class Calls {
  readonly words: number[] = [];
  readonly first: number;
  private readonly numbers = new Map<number, number>();

  constructor(first: number) {
    this.first = first;
  }

  /** The trap for an instruction; undefined where there are too many. */
  trap(word: number): number | undefined {
    let number = this.numbers.get(word);
    if (number === undefined) {
      if (this.words.length >= MOST_CALLS) return undefined;
      number = this.words.length;
      this.numbers.set(word, number);
      this.words.push(word);
    }
    return svc(this.first + number);
  }
}

/**
 * Rewrites a kernel.
 *
 * @param ramBase - the first address of the guest's memory: the fix-ups go before it
 */
export function rewriteKernel(kernel: LoadedKernel, method: Impure, ramBase: number): RewrittenKernel {
  const { sites, doubtful, calls: own } = findSites(kernel);
  const { ranges, exact } = codeOf(kernel);
  const calls = new Calls(freeCalls(own));
  const size = arenaSize(sites);
  const arena = new Arena(ramBase - size, size);
  const changes: Rewritten[] = [];
  const left: Site[] = [];
  const fixUps: { at: number; word: number }[] = [];
  const trap = (site: Site): void => {
    const after = calls.trap(site.word);
    if (after === undefined) left.push(site);
    else changes.push({ at: site.at, before: site.word, after, with: 'trap' });
  };
  for (const site of sites) {
    const { at, word, what } = site;
    const way = wayOf(method, site);
    const fixUp = way === 'fix-up' && what.sequence ? arena.add(at, word, what.sequence) : undefined;
    if (fixUp) {
      fixUps.push({ at, word });
      changes.push({ at, before: word, after: branch(at, arena.base + fixUp.at), with: 'fix-up' });
    } else if (way === 'trap' || (way === 'fix-up' && what.how !== 'traps')) trap(site);
    // It may be too far away for a branch: then it traps by itself.
    else left.push(site);
  }
  return {
    kernel: patched(kernel, changes),
    rewriting: {
      method,
      ranges,
      exact,
      firstCall: calls.first,
      calls: calls.words,
      arena: { base: arena.base, size },
      fixUps,
      changes,
    },
    left,
    doubtful,
  };
}

/** The kernel with words changed; the caller's stays as it is. */
function patched(kernel: LoadedKernel, changes: readonly Rewritten[]): LoadedKernel {
  const segments = kernel.segments.map((segment) => {
    const bytes = Uint8Array.from(segment.bytes);
    const view = new DataView(bytes.buffer);
    for (const { at, after } of changes)
      if (at >= segment.at && at < segment.at + bytes.length) view.setUint32(at - segment.at, after, true);
    return { ...segment, bytes };
  });
  return { ...kernel, segments };
}

/** An instruction as text, with its address where that matters. */
const textOf = (word: number, at: number): string =>
  disassemble(word, at) ?? `.word 0x${word.toString(16).padStart(8, '0')}`;

/** A change in words: address, what was there and what is. */
export const describeRewritten = ({ at, before, after }: Rewritten): string =>
  [
    `0x${at.toString(16)}`,
    before.toString(16).padStart(8, '0'),
    after.toString(16).padStart(8, '0'),
    `${textOf(before, at).padEnd(28)} ${textOf(after, at)}`,
  ].join('  ');

/** The name of an instruction without its registers: `mrs sp_el0`, `msr daifset`, `ldtr`. */
export function instructionName(word: number): string {
  const text = textOf(word, 0);
  const [name = '', ...operands] = text.split(/[\s,]+/);
  if (name === 'mrs') return `mrs ${operands[1] ?? ''}`;
  return ['msr', 'tlbi', 'at', 'ic', 'dc'].includes(name) ? `${name} ${operands[0] ?? ''}` : name;
}
