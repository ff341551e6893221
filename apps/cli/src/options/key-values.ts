// QEMU's `value,key=value,...` options: `,,` stands for a comma, the first value may come without its key.

import { CliError } from '../errors.ts';

/** What an option says, checked against the keys that it may have. */
export class KeyValues {
  private readonly option: string;
  private readonly given: ReadonlyMap<string, string>;
  private readonly all: readonly (readonly [string, string])[];

  /**
   * @param option - as the user wrote it, for messages: `--drive`
   * @param text - its value
   * @param first - the key of a first value without one
   * @param known - all keys
   */
  constructor(option: string, text: string, first: string, known: readonly string[]) {
    this.option = `${option} ${text}`;
    const all: [string, string][] = [];
    for (const [i, part] of splitCommas(text).entries()) {
      const at = part.indexOf('=');
      // QEMU's short forms: `server` is server=on, `nowait` is wait=off.
      const bare = at >= 0 ? undefined : i === 0 ? [first, part] : shortForm(part, known);
      const [key = '', value = ''] = bare ?? [part.slice(0, at), part.slice(at + 1)];
      if (!known.includes(key)) {
        throw new CliError(`${this.option}: there is no "${key}" here; there are ${known.join(', ')}`);
      }
      all.push([key, value]);
    }
    this.all = all;
    this.given = new Map(all);
  }

  /** A text, or undefined. */
  text(key: string): string | undefined {
    return this.given.get(key);
  }

  /** All texts of a key that may come several times. */
  texts(key: string): readonly string[] {
    return this.all.filter(([k]) => k === key).map(([, value]) => value);
  }

  /** One of some words. */
  choice<T extends string>(key: string, words: readonly T[], otherwise: T, why = ''): T {
    const value = this.given.get(key);
    if (value === undefined) return otherwise;
    const word = words.find((w) => w === value);
    if (word === undefined) throw this.wrong(key, `must be ${words.join(' or ')}${why}`);
    return word;
  }

  /** `on` or `off`. */
  flag(key: string, otherwise: boolean): boolean {
    return this.choice(key, ['on', 'off'], otherwise ? 'on' : 'off') === 'on';
  }

  /** A whole number between two bounds. */
  number(key: string, least: number, most: number): number | undefined {
    const value = this.given.get(key);
    if (value === undefined) return undefined;
    const n = Number(value);
    if (!/^(\d+|0x[0-9a-f]+)$/i.test(value) || n < least || n > most)
      throw this.wrong(key, `must be ${least} to ${most}`);
    return n;
  }

  /** An error about one key. */
  wrong(key: string, problem: string): CliError {
    return new CliError(`${this.option}: ${key} ${problem}`);
  }
}

function shortForm(part: string, known: readonly string[]): [string, string] {
  return part.startsWith('no') && known.includes(part.slice(2)) && !known.includes(part)
    ? [part.slice(2), 'off']
    : [part, 'on'];
}

/** Parts between single commas; two stand for one that belongs to a part. */
function splitCommas(text: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === ',' && text.charAt(i + 1) !== ',') {
      parts.push(part);
      part = '';
      continue;
    }
    if (c === ',') i++;
    part += c;
  }
  return [...parts, part];
}
