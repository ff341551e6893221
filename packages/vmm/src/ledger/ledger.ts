// The exit ledger: one row for each exit, with what it cost. Rows lie in growing typed arrays, and a run without a ledger has none.

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

/** Where rows go. */
export class Ledger {
  private rows = new Float64Array(FIELDS * 1024);
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
    if ((this.count + 1) * FIELDS > this.rows.length) {
      const larger = new Float64Array(this.rows.length * 2);
      larger.set(this.rows);
      this.rows = larger;
    }
    this.rows.set(
      [
        row.at,
        row.vm * 256 + row.vcpu,
        this.number(row.cause),
        row.syndrome,
        this.number(row.handler),
        row.instructions,
        row.registers,
        row.bytes,
        row.memory,
        row.transitions,
      ],
      this.count++ * FIELDS,
    );
  }

  /** Number of rows. */
  get length(): number {
    return this.count;
  }

  /** A row by its number. Throws a RangeError where there is none. */
  row(i: number): ExitRow {
    if (!Number.isInteger(i) || i < 0 || i >= this.count) throw new RangeError(`the ledger has no row ${i}`);
    const at = (field: number): number => this.rows[i * FIELDS + field] ?? 0;
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
  totals(only: (row: ExitRow) => boolean = () => true): readonly CauseTotal[] {
    const sums = new Map<string, { -readonly [K in keyof CauseTotal]: CauseTotal[K] }>();
    for (const row of this) {
      if (!only(row)) continue;
      const sum = sums.get(row.cause) ?? {
        cause: row.cause,
        exits: 0,
        instructions: 0,
        registers: 0,
        bytes: 0,
        memory: 0,
        transitions: 0,
      };
      sum.exits++;
      for (const key of ['instructions', 'registers', 'bytes', 'memory', 'transitions'] as const)
        sum[key] += row[key];
      sums.set(row.cause, sum);
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
