// How the fields of system registers are written down: a block of lines for each register, and what the lines become.

/**
 * What a field does: `acts` has the architecture's effect; `reports` is set by the hardware, and writes to it, where there are any, are
 * only for restoring it; `held` keeps what is written and has nothing here to act on; `res1` reads as one; `raz` reads as zero where
 * the architecture lets an implementation leave the field out.
 */
export type FieldKind = 'acts' | 'reports' | 'held' | 'res1' | 'raz';

/** One field of a system register. */
export interface RegisterField {
  /** The Arm ARM's name. */
  readonly name: string;
  /** Its highest bit. */
  readonly high: number;
  /** Its lowest bit. */
  readonly low: number;
  /** What it does. */
  readonly kind: FieldKind;
  /** The same in words. */
  readonly text: string;
}

const LINE = /^(\d+)(?:-(\d+))? (\S+) (acts|reports|held|res1|raz)(?:: (.*))?$/;

/** One line: bits, name, kind, text. */
function parseField(line: string): RegisterField {
  const found = LINE.exec(line);
  if (found === null) throw new RangeError(`no field of a register: ${line}`);
  const [, high = '', low = high, name = '', kind, text = ''] = found;
  return { name, high: Number(high), low: Number(low), kind: kind as FieldKind, text };
}

/**
 * Reads blocks that are separated by empty lines. A block's first line names its registers; `<n>` in a name stands for a number. Each
 * further line is `high-low NAME kind: text`, or `bit NAME kind: text`. Bits without a field are RES0.
 */
export function parseBlocks(source: string): readonly (readonly [string, readonly RegisterField[]])[] {
  return source
    .trim()
    .split(/\n\s*\n/)
    .flatMap((block) => {
      const [names = '', ...lines] = block.split('\n').map((line) => line.trim());
      const fields = lines.map(parseField);
      return names.split(' ').map((name) => [name, fields] as const);
    });
}
