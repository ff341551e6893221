// Assembly text of several lines: labels, data, comments. One pass gives every label its address, the next assembles.

import { assemble, AssemblyError } from './assembly.ts';

/** An assembled program. */
export interface Program {
  /** Address of the first word. */
  readonly base: number;
  /** Instructions and data. */
  readonly words: Uint32Array;
  /** Addresses by label. */
  readonly labels: ReadonlyMap<string, number>;
}

/** An instruction or a directive, without its labels. */
interface Line {
  readonly number: number;
  readonly text: string;
  readonly pc: number;
}

const LABEL = /^\s*([a-z_.$][\w.$]*):/i;
/** A name that stands as an operand, and whether only its low 12 bits are asked for. */
const NAME = /(?<![\w.$#:])(:lo12:)?([a-z_.$][\w.$]*)(?![\w.$:])/gi;
const DATA = /^\.(word|quad)\s+(.*)$/i;

const failure = (line: number, problem: string): AssemblyError =>
  new AssemblyError(`line ${line}: ${problem}`);

/** Bytes that a line takes. */
function sizeOf(text: string): number {
  const [, directive, values = ''] = DATA.exec(text) ?? [];
  if (directive === undefined) return 4;
  return values.split(',').length * (directive.toLowerCase() === 'quad' ? 8 : 4);
}

function layOut(source: string, base: number): { lines: Line[]; labels: Map<string, number>; end: number } {
  const lines: Line[] = [];
  const labels = new Map<string, number>();
  let pc = base;
  for (const [i, full] of source.split('\n').entries()) {
    let text = full.replace(/\/\/.*$/, '');
    for (let label = LABEL.exec(text); label !== null; label = LABEL.exec(text)) {
      const name = label[1] ?? '';
      if (labels.has(name)) throw failure(i + 1, `the label ${name} stands twice`);
      labels.set(name, pc);
      text = text.slice(label[0].length);
    }
    text = text.trim();
    if (text === '') continue;
    lines.push({ number: i + 1, text, pc });
    pc += sizeOf(text);
  }
  return { lines, labels, end: pc };
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/** An instruction with addresses for labels: ADRP gets the page, `:lo12:` the place in it. */
function resolved(text: string, labels: ReadonlyMap<string, number>): string {
  const [mnemonic = '', ...operands] = text.split(/(?<=\S)(?=\s)/);
  const page = mnemonic.toLowerCase() === 'adrp';
  const names = operands.join('').replace(NAME, (name: string, low: string | undefined, label: string) => {
    const address = labels.get(label);
    if (address === undefined) return name;
    const within = address % 4096;
    if (low !== undefined) return `#${hex(within)}`;
    return hex(page ? address - within : address);
  });
  return mnemonic + names;
}

/** The values of `.word` and `.quad`: numbers and labels. */
function dataOf({ number, text }: Line, labels: ReadonlyMap<string, number>): number[] | undefined {
  const [, directive, values = ''] = DATA.exec(text) ?? [];
  if (directive === undefined) return undefined;
  const bits = directive.toLowerCase() === 'quad' ? 64 : 32;
  return values.split(',').flatMap((value) => {
    const said = value.trim();
    const label = labels.get(said);
    if (label === undefined && !/^-?(?:0x[\da-f]+|\d+)$/i.test(said))
      throw failure(number, `"${said}" is no number and no label`);
    const negative = said.startsWith('-');
    const magnitude = BigInt(label ?? said.replace('-', ''));
    const n = negative ? -magnitude : magnitude;
    if (n !== BigInt.asIntN(bits, n) && n !== BigInt.asUintN(bits, n))
      throw failure(number, `${said} has more than ${bits} bits`);
    const low = Number(BigInt.asUintN(32, n));
    return bits === 64 ? [low, Number(BigInt.asUintN(32, n >> 32n))] : [low];
  });
}

/**
 * Assembles lines of text: instructions, labels (`name:`), `.word` and `.quad` with numbers or labels, comments after `//`. A
 * label as an operand is its address, with `:lo12:` before it the low 12 bits. Throws an `AssemblyError` with the line.
 *
 * @param source - the text
 * @param base - address of the first instruction, a multiple of 4
 */
export function assembleProgram(source: string, base = 0): Program {
  if (!Number.isSafeInteger(base) || base % 4 !== 0)
    throw new RangeError(`${base} is no address of an instruction`);
  const { lines, labels, end } = layOut(source, base);
  const words = new Uint32Array((end - base) / 4);
  for (const line of lines) {
    const data = dataOf(line, labels);
    try {
      words.set(data ?? [assemble(resolved(line.text, labels), line.pc)], (line.pc - base) / 4);
    } catch (error) {
      throw error instanceof AssemblyError ? failure(line.number, error.message) : error;
    }
  }
  return { base, words, labels };
}
