// What the command tells a user who did something wrong: one line, and exit status 2.

/** A mistake of the user's, or of a file that they gave. The message says what, where and what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
}
