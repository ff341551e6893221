// Whether a region is worth what compiling it costs: it is when what was lost without it so far would have paid for it. So at
// most twice as much is spent as by somebody who knows how long the code is going to run. Figures are rough, and the same on all
// hosts: what is compiled depends on the guest alone.

/** Nanoseconds for each instruction that is compiled: here, and in the host's compilers. */
export const COST = 25_000;
/** Nanoseconds that are lost when compiled code comes to a PC without a region. */
export const REACHED = 120;
/** Nanoseconds that are lost with each instruction of a loop that is interpreted. */
export const LOOPING = 2;
/** The same of functions: a call that goes from the interpreter to compiled code and back gains little. */
export const CALLED = 0.5;

/** Nanoseconds that are lost when the reference engine executes an instruction. */
export const STEPPED = 1500;

/** Places that are kept in mind. */
const MOST = 4096;

interface Candidate {
  lost: number;
  /** What compiling costs there; 0 until it is known. */
  cost: number;
}

/** What was lost so far, by the records where regions would begin. */
export class Worth {
  private readonly candidates = new Map<number, Candidate>();

  /** How many places are kept in mind. */
  get size(): number {
    return this.candidates.size;
  }

  /** Time was lost for want of a region at a record. False where that is known to be too little so far. */
  lose(record: number, nanoseconds: number): boolean {
    const known = this.candidates.get(record);
    if (known === undefined) {
      if (this.candidates.size >= MOST) this.candidates.clear();
      this.candidates.set(record, { lost: nanoseconds, cost: 0 });
      return true;
    }
    known.lost += nanoseconds;
    return known.lost >= known.cost;
  }

  /** True if the region at a record, which turns out to have so many instructions, is worth it. */
  pays(record: number, instructions: number): boolean {
    const candidate = this.candidates.get(record);
    if (candidate === undefined) return true;
    candidate.cost = instructions * COST;
    if (candidate.lost < candidate.cost) return false;
    this.candidates.delete(record);
    return true;
  }
}
