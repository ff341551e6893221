// Events that a user may switch on.

/** Where events go. */
export interface Trace {
  /** Bits of the kinds that the user switched on. Test before building arguments: a test that is off costs nothing measurable. */
  readonly on: number;
  /** Reports one event of a kind with up to three numbers. */
  emit(kind: number, a: number, b: number, c: number): void;
}

/** A trace that is off. */
export const noTrace: Trace = { on: 0, emit: () => undefined };
