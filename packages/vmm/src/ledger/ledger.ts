// The exit ledger: one row for each exit, with what it cost. Rows lie in typed arrays, and a run without a ledger has none.

/** What is counted of one exit. */
export interface ExitCosts {
  /** Instructions that the hypervisor executed for it, port operations included. */
  readonly instructions: number;
  /** General, system and vector registers moved. */
  readonly registers: number;
  /** Bytes of saved state moved between registers and memory. */
  readonly bytes: number;
  /** Loads and stores. */
  readonly memory: number;
  /** Changes of exception level. */
  readonly transitions: number;
}

/** One row. */
export interface ExitRow extends ExitCosts {
  /** Virtual nanoseconds, or the hypervisor's counter. */
  readonly at: number;
  readonly vm: number;
  readonly vcpu: number;
  /** From the closed list of causes. */
  readonly cause: string;
  /** ESR_EL2, or the interrupt's number. */
  readonly syndrome: number;
  /** Which part of the hypervisor handled it. */
  readonly handler: string;
}

/** Totals of one cause. */
export interface CauseTotal extends ExitCosts {
  readonly cause: string;
  readonly exits: number;
}

const FIELDS = 10;
/** Rows of one array: what is full stays where it is. */
const ROWS = 8192;
const COSTS = ['instructions', 'registers', 'bytes', 'memory', 'transitions'] as const;
/** The place of the first of them in a row. */
const FIRST_COST = 5;

/** Where rows go. */
export class Ledger {
  private readonly parts: Float64Array[] = [];
  /** The last part. */
  private part = new Float64Array(0);
  private count = 0;
  private readonly names: string[] = [];
  private readonly numbers = new Map<string, number>();

  private number(name: string): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    this.numbers.set(name, this.names.length);
    return this.names.push(name) - 1;
  }

  /** Enters a row. */
  enter(row: ExitRow): void {
    const at = (this.count % ROWS) * FIELDS;
    if (at === 0) this.parts.push((this.part = new Float64Array(ROWS * FIELDS)));
    const { part } = this;
    part[at] = row.at;
    part[at + 1] = row.vm * 256 + row.vcpu;
    part[at + 2] = this.number(row.cause);
    part[at + 3] = row.syndrome;
    part[at + 4] = this.number(row.handler);
    part[at + 5] = row.instructions;
    part[at + 6] = row.registers;
    part[at + 7] = row.bytes;
    part[at + 8] = row.memory;
    part[at + 9] = row.transitions;
    this.count++;
  }

  /** Number of rows. */
  get length(): number {
    return this.count;
  }

  /** A row by its number. Throws a RangeError where there is none. */
  row(i: number): ExitRow {
    if (!Number.isInteger(i) || i < 0 || i >= this.count) throw new RangeError(`the ledger has no row ${i}`);
    const part = this.parts[Math.floor(i / ROWS)];
    const at = (field: number): number => part?.[(i % ROWS) * FIELDS + field] ?? 0;
    return {
      at: at(0),
      vm: Math.floor(at(1) / 256),
      vcpu: at(1) % 256,
      cause: this.names[at(2)] ?? '',
      syndrome: at(3),
      handler: this.names[at(4)] ?? '',
      instructions: at(5),
      registers: at(6),
      bytes: at(7),
      memory: at(8),
      transitions: at(9),
    };
  }

  /** All rows, in order. */
  *[Symbol.iterator](): Iterator<ExitRow> {
    for (let i = 0; i < this.count; i++) yield this.row(i);
  }

  /** What all exits of each cause cost, the most frequent first. */
  totals(only?: (row: ExitRow) => boolean): readonly CauseTotal[] {
    const sums = new Map<number, { -readonly [K in keyof CauseTotal]: CauseTotal[K] }>();
    for (let i = 0; i < this.count; i++) {
      if (only?.(this.row(i)) === false) continue;
      const part = this.parts[Math.floor(i / ROWS)];
      const at = (i % ROWS) * FIELDS;
      const number = part?.[at + 2] ?? 0;
      let sum = sums.get(number);
      if (sum === undefined) {
        const zeros = { instructions: 0, registers: 0, bytes: 0, memory: 0, transitions: 0 };
        sums.set(number, (sum = { cause: this.names[number] ?? '', exits: 0, ...zeros }));
      }
      sum.exits++;
      for (let k = 0; k < COSTS.length; k++)
        sum[COSTS[k] ?? 'instructions'] += part?.[at + FIRST_COST + k] ?? 0;
    }
    return [...sums.values()].sort((a, b) => b.exits - a.exits || (a.cause < b.cause ? -1 : 1));
  }
}

/** How one cause differs between two runs. */
export interface CauseDifference {
  readonly cause: string;
  readonly before: CauseTotal | undefined;
  readonly after: CauseTotal | undefined;
}

/** The causes in which two runs differ, in exits or in what these cost. */
export function difference(before: Ledger, after: Ledger): readonly CauseDifference[] {
  const [a, b] = [before, after].map((l) => new Map(l.totals().map((t) => [t.cause, t])));
  const causes = [...new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])])].sort();
  return causes
    .map((cause) => ({ cause, before: a?.get(cause), after: b?.get(cause) }))
    .filter(({ before: x, after: y }) => JSON.stringify(x) !== JSON.stringify(y));
}
