// Whose turn it is: several CPUs execute one after the other on one thread, each for a fixed number of instructions or until it
// waits. Virtual time goes on with every instruction of any of them, so that all see one order of events.

/** Instructions of a CPU's turn, or cycles in timing mode. Long enough for an engine to be at speed, and ten microseconds of virtual time. */
export const QUANTUM = 10_000;

/** What a turn needs to know of a CPU. */
export interface TurnTaker {
  /** True while it has nothing to execute. */
  readonly waiting: boolean;
}

/** The order of turns. */
export class Turns {
  /** Index of the CPU whose turn it is. */
  turn = 0;
  /** What is left of it: instructions, or what cycles cost. */
  left: number;
  private readonly cpus: readonly TurnTaker[];
  private readonly whole: number;

  /** @param whole - a whole turn */
  constructor(cpus: readonly TurnTaker[], whole: number = QUANTUM) {
    this.cpus = cpus;
    this.whole = this.left = whole;
  }

  /** Begins anew with the first CPU. */
  reset(): void {
    this.turn = 0;
    this.left = this.whole;
  }

  /** The CPU that executes next: the one whose turn it is, or the next that does not wait, with a whole turn. -1 if all wait. */
  next(): number {
    if (this.left > 0 && this.cpus[this.turn]?.waiting === false) return this.turn;
    const count = this.cpus.length;
    for (let i = 1; i <= count; i++) {
      const at = (this.turn + i) % count;
      if (this.cpus[at]?.waiting !== false) continue;
      this.turn = at;
      this.left = this.whole;
      return at;
    }
    return -1;
  }
  /** What a CPU may spend before others have their turn. Alone it has no limit. */
  get most(): number {
    return this.cpus.length === 1 ? Infinity : this.left;
  }
  /** It has spent some: the last instruction may have cost more than was left. */
  spend(spent: number): void {
    if (this.cpus.length > 1) this.left = Math.max(0, this.left - spent);
  }
}
