// The shadow as a TLB of so many entries: which were used last, which are open, and what the instruction that runs now needs. Recency is
// seen by the access flag: only the entries of the current instruction (or a few of the most recent) are open, the next access to any other
// is a fault that says so.

import { StateError } from '@worldswitch/platform';

import type { Leaf } from './half.ts';
import type { InstructionState, LeafState } from './state.ts';

/** What the last fault of a virtual CPU was. */
interface Instruction {
  pcLo: number;
  pcHi: number;
  /** Where its last data access was: an address in its half. */
  offset: number;
  data: Leaf[];
  code: Leaf | undefined;
}

/** Bytes that one instruction may access at once. */
const REACH = 64;

/** The order of use of a VM's leaves, with a capacity. */
export class RecentlyUsed {
  private readonly capacity: number;
  private readonly most: number;
  /** From the one that was not used for the longest time. */
  private readonly order = new Set<Leaf>();
  private readonly open = new Set<Leaf>();
  private readonly instructions: Instruction[];

  /**
   * @param capacity - entries, 1 or more
   * @param most - entries that may be open at once beside those that an instruction needs: 1 for an exact order
   */
  constructor(capacity: number, most: number, vcpus: number) {
    this.capacity = capacity;
    this.most = most;
    this.instructions = Array.from({ length: vcpus }, () => ({
      pcLo: 0,
      pcHi: 0,
      offset: -1,
      data: [],
      code: undefined,
    }));
  }

  /** Entries there are. */
  get size(): number {
    return this.order.size;
  }

  /** From the one that was not used for the longest time. */
  get all(): Iterable<Leaf> {
    return this.order;
  }

  /**
   * A virtual CPU at a PC accesses a leaf, which is now the most recent and open. An instruction whose accesses fault one after the other
   * keeps them all, whatever the capacity, and so it ends: it needs its own page and at most two of data, which are neighbours.
   */
  use(
    vcpu: number,
    pc: { readonly lo: number; readonly hi: number },
    leaf: Leaf,
    offset: number,
    fetch: boolean,
  ): void {
    const now = this.instructions[vcpu];
    if (now === undefined) throw new RangeError(`there is no virtual CPU ${vcpu}`);
    const same = now.pcLo === pc.lo && now.pcHi === pc.hi;
    if (fetch) {
      if (!same) now.data = [];
      now.code = leaf;
    } else {
      const crossing = same && now.offset !== -1 && Math.abs(offset - now.offset) < REACH;
      now.data = crossing ? [...now.data.filter((other) => other !== leaf), leaf].slice(-2) : [leaf];
      now.offset = offset;
      // The fetch of the same instruction comes again, and is seen.
      now.code = undefined;
    }
    if (fetch && !same) now.offset = -1;
    [now.pcLo, now.pcHi] = [pc.lo, pc.hi];
    this.order.delete(leaf);
    this.order.add(leaf);
    this.open.delete(leaf);
    this.open.add(leaf);
  }

  /** Leaves that are to be closed now. */
  *toClose(): Iterable<Leaf> {
    let surplus = this.open.size - this.most;
    if (this.most > 1 && surplus <= 0) return;
    for (const leaf of [...this.open]) {
      if (this.most > 1 && surplus-- <= 0) return;
      if (this.isNeeded(leaf)) continue;
      this.open.delete(leaf);
      yield leaf;
    }
  }

  /** Leaves that are too many, and go. */
  *toEvict(): Iterable<Leaf> {
    let surplus = this.order.size - this.capacity;
    for (const leaf of [...this.order]) {
      if (surplus <= 0) return;
      if (this.isNeeded(leaf)) continue;
      surplus--;
      yield leaf;
    }
  }

  /** A leaf is gone. */
  remove(leaf: Leaf): void {
    this.order.delete(leaf);
    this.open.delete(leaf);
    for (const one of this.instructions) {
      if (one.code === leaf) one.code = undefined;
      one.data = one.data.filter((other) => other !== leaf);
    }
  }

  /** Its state. */
  save(): { readonly recent: readonly LeafState[]; readonly instructions: readonly InstructionState[] } {
    const of = (leaf: Leaf): LeafState => ({ half: leaf.half.id, offset: leaf.offset });
    const instructions = this.instructions.map(({ pcLo, pcHi, offset, data, code }) => ({
      pcLo,
      pcHi,
      offset: offset + 1,
      data: data.map(of),
      code: code === undefined ? null : of(code),
    }));
    return { recent: [...this.order].map(of), instructions };
  }

  /**
   * Restores what was saved.
   *
   * @param find - the leaf; throws where there is none
   */
  restore(
    recent: readonly LeafState[],
    instructions: readonly InstructionState[],
    find: (leaf: LeafState, path: string) => Leaf,
  ): void {
    for (const [i, state] of recent.entries()) this.order.add(find(state, `recent[${i}]`));
    if (this.order.size !== recent.length) throw new StateError('recent', 'must have each once');
    for (const leaf of this.order) if (leaf.open) this.open.add(leaf);
    if (instructions.length !== this.instructions.length) {
      throw new StateError('instructions', 'must have one for each virtual CPU');
    }
    for (const [i, { pcLo, pcHi, offset, data, code }] of instructions.entries()) {
      const path = `instructions[${i}]`;
      this.instructions[i] = {
        pcLo,
        pcHi,
        offset: offset - 1,
        data: data.map((leaf) => find(leaf, `${path}.data`)),
        code: code === null ? undefined : find(code, `${path}.code`),
      };
    }
  }

  private isNeeded(leaf: Leaf): boolean {
    return this.instructions.some((one) => one.code === leaf || one.data.includes(leaf));
  }
}
