// Virtual time: a function of the instructions executed. The host's clock cannot be reached from a device.

/** Virtual nanoseconds, an integer below 2^53 (104 days). */
export interface Clock {
  /** Now. */
  readonly now: number;
  /** Makes a timer, which starts idle. */
  timer(fire: (now: number) => void): Timer;
}

/** One deadline. */
export interface Timer {
  /** A deadline beyond 2^53 is the same as none; one in the past fires at once. Equal deadlines fire in the order of making. */
  armAt(when: number): void;
  /** Makes it idle. */
  cancel(): void;
  /** `Infinity` when idle. Deadlines are state: a restored timer keeps its own, it does not derive it anew. */
  readonly deadline: number;
}
