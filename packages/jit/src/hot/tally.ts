// Counts by name that TypeScript keeps where it is told to. None is state of the machine.

/** Names of counters, with what each counts. */
export type CounterList<Name extends string> = readonly (readonly [Name, string])[];

/** Counters that are off until somebody asks for them. */
export class Tally<Name extends string> {
  /** Whether anything is counted. */
  on = false;
  /** In the order of the list. */
  readonly counts: Float64Array;
  private readonly places: ReadonlyMap<string, number>;

  constructor(list: CounterList<Name>) {
    this.counts = new Float64Array(list.length);
    this.places = new Map(list.map(([name], i) => [name, i]));
  }

  /** Counts one, or several. */
  add(name: Name, by = 1): void {
    if (!this.on) return;
    const at = this.places.get(name) ?? 0;
    this.counts[at] = (this.counts[at] ?? 0) + by;
  }
}
