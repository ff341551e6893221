// Directives of assembly text: data and room, with the bytes that GNU as makes of them.

import { AssemblyError } from './assembly.ts';

/** A directive, read. */
export interface Directive {
  /** Bytes that it takes at an address. */
  size(pc: number): number;
  /** Its bytes at an address, but for zeros at the end; a label stands for its own. */
  bytes(pc: number, labels: ReadonlyMap<string, number>): readonly number[];
}

/** Bytes that one directive may take. */
const LARGEST = 2 ** 24;
/** The largest power of two to align to. */
const ALIGNMENT = 16;
const NOP = [0x1f, 0x20, 0x03, 0xd5];

const NUMBER = /^-?(?:0x[\da-f]+|\d+)$/i;

function littleEndian(text: string, size: number, labels: ReadonlyMap<string, number>): number[] {
  const label = labels.get(text);
  if (label === undefined && !NUMBER.test(text))
    throw new AssemblyError(`"${text}" is no number and no label`);
  const magnitude = BigInt(label ?? text.replace('-', ''));
  const n = text.startsWith('-') ? -magnitude : magnitude;
  const bits = 8 * size;
  if (n !== BigInt.asIntN(bits, n) && n !== BigInt.asUintN(bits, n))
    throw new AssemblyError(`${text} has more than ${bits} bits`);
  return Array.from({ length: size }, (_, i) => Number((n >> BigInt(8 * i)) & 0xffn));
}

/** `.word` and its kin: numbers and labels of so many bytes. */
const numbers =
  (size: number) =>
  (text: string): Directive => {
    const values = text.split(',').map((value) => value.trim());
    return {
      size: () => values.length * size,
      bytes: (_, labels) => values.flatMap((value) => littleEndian(value, size, labels)),
    };
  };

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
};
const STRING = /"((?:[^"\\]|\\.)*)"/g;
const STRINGS = /^"(?:[^"\\]|\\.)*"(?:\s*,\s*"(?:[^"\\]|\\.)*")*$/;

/** A string's bytes: an octal escape is one, other characters are in UTF-8. */
function bytesOf(inner: string): number[] {
  return [...inner.matchAll(/\\([0-7]{1,3})|\\(.)|[^\\]+/g)].flatMap(([plain, octal, letter]) => {
    if (octal !== undefined) return [parseInt(octal, 8) & 255];
    const text = letter === undefined ? plain : ESCAPES[letter];
    if (text === undefined) throw new AssemblyError(`"${inner}": there is no escape \\${letter ?? ''}`);
    return [...new TextEncoder().encode(text)];
  });
}

/** `.ascii`, and `.asciz` with a zero after each string. */
const strings =
  (end: readonly number[]) =>
  (text: string): Directive => {
    if (!STRINGS.test(text)) throw new AssemblyError(`${text} is no string in quotes`);
    const bytes = [...text.matchAll(STRING)].flatMap(([, inner = '']) => [...bytesOf(inner), ...end]);
    return { size: () => bytes.length, bytes: () => bytes };
  };

function countOf(text: string, largest: number): number {
  const count = NUMBER.test(text) ? Number(text) : -1;
  if (!(count >= 0 && count <= largest)) throw new AssemblyError(`"${text}" is no number up to ${largest}`);
  return count;
}

/** Room up to a multiple: zeros up to a place for an instruction, then NOPs. */
function upTo(multiple: number): Directive {
  const size = (pc: number): number => (multiple - (pc % multiple)) % multiple;
  return {
    size,
    bytes(pc) {
      const length = size(pc);
      const zeros = length % 4;
      return Array.from({ length }, (_, i) => (i < zeros ? 0 : (NOP[(i - zeros) % 4] ?? 0)));
    },
  };
}

function space(text: string): Directive {
  const length = countOf(text, LARGEST);
  return { size: () => length, bytes: () => [] };
}

function balign(text: string): Directive {
  const multiple = countOf(text, 2 ** ALIGNMENT);
  if (multiple === 0 || (multiple & (multiple - 1)) !== 0)
    throw new AssemblyError(`"${text}" is no power of two`);
  return upTo(multiple);
}

const directives: ReadonlyMap<string, (text: string) => Directive> = new Map([
  ['byte', numbers(1)],
  ['hword', numbers(2)],
  ['word', numbers(4)],
  ['quad', numbers(8)],
  ['ascii', strings([])],
  ['asciz', strings([0])],
  ['align', (text: string): Directive => upTo(2 ** countOf(text, ALIGNMENT))],
  ['balign', balign],
  ['space', space],
]);

/** The directive of a line without labels and comments; undefined where it is none. */
export function directiveOf(line: string): Directive | undefined {
  const [, name, rest = ''] = /^\.(\w+)(?:\s+(.*))?$/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const read = directives.get(name.toLowerCase());
  if (read === undefined)
    throw new AssemblyError(
      `no directive is called .${name}: there are .${[...directives.keys()].join(', .')}`,
    );
  return read(rest.trim());
}
