// What is wrong with a configuration or a file that a user gave: one line that names the field.

/** A configuration, kernel or other file that cannot be used. The message is one line: what, where, what to do. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  /** The path of the field, for example `devices[1].at`, or the name of the file. */
  readonly field: string;
  /**
   * @param field - the path of what is wrong
   * @param problem - what is wrong with it, as the end of a sentence that starts with the field
   */
  constructor(field: string, problem: string) {
    super(`${field}: ${problem}`);
    this.field = field;
  }
}
