// How an operand is written: one object prints and parses it.

/** Fields of an encoding by name, unsigned. */
export type FieldValues = Readonly<Record<string, number>>;

/** One way to write an operand. */
export interface OperandFormat {
  /** Source of a regular expression over canonical text (lower case, no spaces) that takes this operand and no more. */
  readonly pattern: string;
  /** The text, or undefined where the form cannot say it (in an optional group: the group is left out). */
  print(f: FieldValues, pc: number): string | undefined;
  /**
   * The fields that a text means, or undefined where it is none. `known` holds what earlier operands said; an operand whose
   * meaning depends on later ones must say all that it knows: values that contradict refuse the form.
   */
  parse(text: string, pc: number, known: FieldValues): FieldValues | undefined;
}

/** A bit field or zero. */
export const at = (f: FieldValues, name: string): number => f[name] ?? 0;

/** `#0x1f`. */
export const hexImmediate = (n: number | bigint): string => `#0x${n.toString(16)}`;

/** A number as assemblers take it: `#-1`, `#0x10`, `16`. */
export const NUMBER = '#?-?(?:0x[0-9a-f]+|\\d+)';

/** The value of a `NUMBER`. */
export function numberOf(text: string): bigint {
  const digits = text.replace('#', '');
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
}

/** An unsigned field written as `#…`, decimal or hexadecimal; `scale` is what one unit stands for. */
export function immediate(field: string, bits: number, base: 10 | 16, scale = 1): OperandFormat {
  return {
    pattern: NUMBER,
    print: (f) => (base === 16 ? hexImmediate(at(f, field) * scale) : `#${at(f, field) * scale}`),
    parse(text) {
      const n = Number(numberOf(text)) / scale;
      return Number.isInteger(n) && n >= 0 && n < 2 ** bits ? { [field]: n } : undefined;
    },
  };
}

/** A signed field written as `#…` in decimal. */
export function signedImmediate(field: string, bits: number, scale = 1): OperandFormat {
  const half = 2 ** (bits - 1);
  return {
    pattern: NUMBER,
    print: (f) => `#${(at(f, field) >= half ? at(f, field) - 2 * half : at(f, field)) * scale}`,
    parse(text) {
      const n = Number(numberOf(text)) / scale;
      return Number.isInteger(n) && n >= -half && n < half
        ? { [field]: n < 0 ? n + 2 * half : n }
        : undefined;
    },
  };
}

/** One of a list of words, by the field's value; undefined where a value has no word. */
export function word(field: string, words: readonly (string | undefined)[]): OperandFormat {
  const known = words.filter((w) => w !== undefined);
  return {
    pattern: known.map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
    print: (f) => words[at(f, field)],
    parse(text) {
      const value = words.indexOf(text);
      return value < 0 ? undefined : { [field]: value };
    },
  };
}
