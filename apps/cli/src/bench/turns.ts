// Several machines in one process that run in turns of some milliseconds: whatever else the host does meets all alike, and what
// they take can be compared where runs one after the other could not.

/** How long a turn takes, in seconds of processor time. */
const TURN = 0.02;
/** Instructions of the first one, and bounds. */
const [FIRST, LEAST, MOST] = [1e6, 1e5, 1e9];

/** What takes turns. */
export interface Turning {
  /** Runs some more, about so many instructions; true when all is done. */
  step(instructions: number): boolean;
}

const now = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The processor time of one of those that take turns: it stands still while others run. */
export class TurnClock {
  private before = 0;
  private since: number | undefined;

  /** Seconds. */
  get cpu(): number {
    return this.before + (this.since === undefined ? 0 : now() - this.since);
  }

  /** Its turn begins. */
  begin(): void {
    this.since = now();
  }

  /** Its turn is over; returns how long it took. */
  end(): number {
    const took = this.since === undefined ? 0 : now() - this.since;
    this.before += took;
    this.since = undefined;
    return took;
  }
}

/** Runs all to their ends. */
export function inTurns(all: readonly { readonly clock: TurnClock; readonly turning: Turning }[]): void {
  const left = all.map((one) => ({ ...one, instructions: FIRST }));
  while (left.length > 0) {
    for (const one of [...left]) {
      one.clock.begin();
      const over = one.turning.step(one.instructions);
      const took = one.clock.end();
      if (over) left.splice(left.indexOf(one), 1);
      else if (took > 0)
        one.instructions = Math.round(Math.min(MOST, Math.max(LEAST, (one.instructions * TURN) / took)));
    }
  }
}
