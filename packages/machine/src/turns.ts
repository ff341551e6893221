// Whose turn it is: several CPUs execute one after the other on one thread, each for a fixed number of instructions or until it
// waits. Virtual time goes on with every instruction of any of them, so that all see one order of events.

/** Instructions of a CPU's turn, or cycles in timing mode. Long enough for an engine to be at speed, and ten microseconds of virtual time. */
export const QUANTUM = 10_000;

/** The most turns that a CPU can owe the others: longer than anything that is done in one go. */
export const MOST_OWED: number = 2 ** 16;

/** What a turn needs to know of a CPU. */
export interface TurnTaker {
  /** True while it has nothing to execute. */
  readonly waiting: boolean;
}

/** What is saved of them. */
export interface TurnsState {
  readonly turn: number;
  readonly left: number;
  readonly owed: readonly number[];
}

/** The order of turns. */
export class Turns {
  /** Index of the CPU whose turn it is. */
  private turn = 0;
  /** What is left of it: instructions, or what cycles cost. */
  private left: number;
  /**
   * By how much each CPU was over its turns. Software in TypeScript does in one go what takes many instructions, and a CPU that does
   * so often would have more time than the others if its next turns were not shorter for it.
   */
  private readonly owed: number[];
  private readonly cpus: readonly TurnTaker[];
  private readonly whole: number;

  /** @param whole - a whole turn */
  constructor(cpus: readonly TurnTaker[], whole: number = QUANTUM, saved?: TurnsState) {
    this.cpus = cpus;
    this.whole = whole;
    this.turn = saved?.turn ?? 0;
    this.left = saved?.left ?? whole;
    this.owed = cpus.map((_, i) => saved?.owed[i] ?? 0);
  }

  /** Begins anew with the first CPU. */
  reset(): void {
    this.turn = 0;
    this.left = this.whole;
    this.owed.fill(0);
  }

  /** The CPU that executes next: the one whose turn it is, or the next that does not wait and owes less than a turn. -1 if all wait. */
  next(): number {
    if (this.left > 0 && this.runs(this.turn)) return this.turn;
    const others = this.after(this.turn);
    if (others < 0) return -1;
    // Nobody else wants the time.
    if (others === this.turn) this.owed[this.turn] = 0;
    for (let at = others; ; at = this.after(at)) {
      const owed = this.owed[at] ?? 0;
      this.owed[at] = Math.max(0, owed - this.whole);
      if (owed >= this.whole) continue;
      this.turn = at;
      this.left = this.whole - owed;
      return at;
    }
  }

  /** What a CPU may spend before others have their turn. Alone it has no limit. */
  get most(): number {
    return this.cpus.length === 1 ? Infinity : this.left;
  }

  /** It has spent some: the last that it did may have cost more than was left. */
  spend(spent: number): void {
    if (this.cpus.length === 1) return;
    const left = this.left - spent;
    this.left = Math.max(0, left);
    if (left < 0) {
      const owed = (this.owed[this.turn] ?? 0) - left;
      this.owed[this.turn] = Math.min(owed, MOST_OWED * this.whole);
    }
  }

  /** As plain data. */
  save(): TurnsState {
    return { turn: this.turn, left: this.left, owed: [...this.owed] };
  }

  /** The first CPU after one that does not wait: itself in the end. -1 if all wait. */
  private after(index: number): number {
    const count = this.cpus.length;
    for (let i = 1; i <= count; i++) {
      const at = (index + i) % count;
      if (this.runs(at)) return at;
    }
    return -1;
  }

  private runs(index: number): boolean {
    return this.cpus[index]?.waiting === false;
  }
}
