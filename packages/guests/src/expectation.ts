// From QEMU's recorded output and the list of differences to what the architecture asks for.

const CASE = /^(or )?case ([^:]+): /;

/** The name and the line of each case in a text; `alternative` when the line begins with `or`. */
function* casesOf(text: string): Generator<{ name: string; line: string; alternative: boolean }> {
  for (const line of text.split(/\r?\n/)) {
    const match = CASE.exec(line);
    if (match?.[2] === undefined) continue;
    const alternative = match[1] !== undefined;
    yield { name: match[2], line: alternative ? line.slice('or '.length) : line, alternative };
  }
}

/**
 * What a machine may print for each case: mostly one line, the recorded one or the one of `differences`; where the
 * architecture leaves a choice, both.
 *
 * @param recorded - the text of `ArchRecord.recorded`
 * @param differences - the text of `ArchRecord.differences`; lines that begin with `#` are comments
 * @returns the lines that are right, by the case's name, in the order in which the cases run
 * @throws Error when `differences` names a case that was not recorded
 */
export function expectedLines(recorded: string, differences: string): Map<string, readonly string[]> {
  const lines = new Map<string, readonly string[]>();
  for (const { name, line } of casesOf(recorded)) lines.set(name, [line]);
  for (const { name, line, alternative } of casesOf(differences)) {
    const known = lines.get(name);
    if (!known) throw new Error(`the differences name a case that was not recorded: ${name}`);
    lines.set(name, alternative ? [...known, line] : [line]);
  }
  return lines;
}

/**
 * Compares what a machine printed with what is right.
 *
 * @param printed - the machine's console text
 * @param expected - from {@link expectedLines}
 * @returns a few lines for each case that is wrong, missing or unknown; nothing when all are right
 */
export function compareCases(printed: string, expected: ReadonlyMap<string, readonly string[]>): string[] {
  const problems: string[] = [];
  const missing = new Set(expected.keys());
  for (const { name, line } of casesOf(printed)) {
    const right = expected.get(name);
    if (!right) problems.push(`not expected:\n  ${line}`);
    else if (!right.includes(line))
      problems.push(`printed:\n  ${line}\nexpected:\n  ${right.join('\nor\n  ')}`);
    missing.delete(name);
  }
  for (const name of missing) problems.push(`not printed: ${name}`);
  return problems;
}
