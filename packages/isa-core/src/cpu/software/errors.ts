// How software in TypeScript fails.

/** Software made a mistake: one line that says which, where it was entered from, and what was wrong. */
export class SoftwareError extends Error {
  override readonly name = 'SoftwareError';
  /** The software's name. */
  readonly software: string;

  /**
   * @param software - its name
   * @param problem - the rest of the line
   * @param cause - what it threw, where it threw something
   */
  constructor(software: string, problem: string, cause?: unknown) {
    super(`software "${software}" ${problem}`, cause === undefined ? undefined : { cause });
    this.software = software;
  }
}

/** Thrown through a call whose CPU was switched off under it: it does not return. No error. */
export class CpuSwitchedOff extends Error {
  /** For whoever sees it by mistake. */
  override readonly message: string = 'the CPU was switched off by what its software asked for';
}

/** The one instance: throwing it allocates nothing. */
export const switchedOff: CpuSwitchedOff = new CpuSwitchedOff();
