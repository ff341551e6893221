// Counts that do not depend on the machine's noise, against those that are recorded: none may be more than 15 % worse.

/** Named numbers. */
export type Counts = Readonly<Record<string, number>>;

/** What is recorded: for each kernel what was counted, and which of the names are better when they are larger. */
export interface Baseline {
  readonly moreIsBetter: readonly string[];
  readonly kernels: Readonly<Record<string, Counts>>;
}

/** A part by which a count may be worse, and a number that is nothing: a count of three may become four. */
const PART = 0.15;
const NOTHING = 16;

function isWorse(before: number, now: number, moreIsBetter: boolean): boolean {
  const [good, bad] = moreIsBetter ? [now, before] : [before, now];
  return bad > good * (1 + PART) && bad - good > NOTHING;
}

/** A line for each count that is worse or has gone, and for kernels that are not recorded; a name that is new is no problem. */
export function worse(baseline: Baseline, counted: Readonly<Record<string, Counts>>): string[] {
  const problems: string[] = [];
  for (const [kernel, now] of Object.entries(counted)) {
    const recorded = baseline.kernels[kernel];
    if (recorded === undefined) problems.push(`${kernel}: is not recorded`);
    for (const [name, before] of Object.entries(recorded ?? {})) {
      const count = now[name];
      if (count === undefined) problems.push(`${kernel}: ${name} is not counted any more`);
      else if (isWorse(before, count, baseline.moreIsBetter.includes(name)))
        problems.push(`${kernel}: ${name} was ${before} and is ${count}`);
    }
  }
  for (const kernel of Object.keys(baseline.kernels)) {
    if (counted[kernel] === undefined) problems.push(`${kernel}: is not run any more`);
  }
  return problems;
}
