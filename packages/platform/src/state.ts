// State is a tree of named, versioned, plain sections, validated on load as hostile input. Restoring is constructing.

/** Plain data: what a snapshot may hold. */
export type Plain =
  null | boolean | number | string | Uint8Array | readonly Plain[] | { readonly [key: string]: Plain };

/** How a section is checked when it is loaded. */
export interface StateCodec<State extends Plain> {
  /** Of the states that `save` returns. */
  readonly version: number;
  /** Checks an untrusted value and throws a `StateError` that names the field. Older versions are lifted first. */
  parse(from: Plain, version: number): State;
}

/** A state that cannot be loaded: `field` is the path of what is wrong. */
export class StateError extends Error {
  /** The path of the field, for example `timer[2].deadline`. */
  readonly field: string;
  /**
   * @param field - the path of what is wrong
   * @param problem - what is wrong with it, as the end of a sentence that starts with the field
   */
  constructor(field: string, problem: string) {
    super(`${field} ${problem}`);
    this.name = 'StateError';
    this.field = field;
  }
}
