// Assembly text of several lines: labels, directives, comments. One pass gives every label its address, the next assembles.

import { assemble, AssemblyError } from './assembly.ts';
import { directiveOf } from './directives.ts';
import type { Directive } from './directives.ts';

/** An assembled program. */
export interface Program {
  /** Address of the first word. */
  readonly base: number;
  /** Instructions and data; the last word is filled up with zeros. */
  readonly words: Uint32Array;
  /** Addresses by label. */
  readonly labels: ReadonlyMap<string, number>;
}

/** An instruction or a directive, without its labels. */
interface Line {
  readonly number: number;
  readonly text: string;
  readonly directive: Directive | undefined;
  readonly pc: number;
}

/** Bytes that a program may have. */
const LARGEST = 2 ** 26;
const LABEL = /^\s*([a-z_.$][\w.$]*)\s*:/i;
const REGISTER = /^(?:[xwbhsdqv]\d+|[xw]zr|w?sp|lr)$/i;
/** Instructions whose last operand may be an address. */
const TO_ADDRESS = /^(?:b|bl|b\.\w+|cbn?z|tbn?z|adrp?|ldr|ldrsw|prfm)$/i;
const LAST = /(?<=[\s,])([a-z_.$][\w.$]*)$/i;
const LOW = /:lo12:([a-z_.$][\w.$]*)/gi;

const failure = (line: number, problem: string): AssemblyError =>
  new AssemblyError(`line ${line}: ${problem}`);

/** Says the line of what is wrong in it. */
function at<T>(line: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof AssemblyError ? failure(line, error.message) : error;
  }
}

/** A line without its comment; `//` in a string is none. */
const uncommented = (line: string): string =>
  line.replace(/"(?:[^"\\]|\\.)*"|\/\/.*$/g, (found) => (found.startsWith('"') ? found : ''));

interface Layout {
  readonly lines: readonly Line[];
  readonly labels: ReadonlyMap<string, number>;
  readonly end: number;
}

function layOut(source: string, base: number): Layout {
  const lines: Line[] = [];
  const labels = new Map<string, number>();
  let pc = base;
  for (const [i, full] of source.split(/\r?\n/).entries()) {
    const number = i + 1;
    let text = uncommented(full);
    for (let label = LABEL.exec(text); label !== null; label = LABEL.exec(text)) {
      const name = label[1] ?? '';
      if (labels.has(name)) throw failure(number, `the label ${name} stands twice`);
      if (REGISTER.test(name)) throw failure(number, `the label ${name} has the name of a register`);
      labels.set(name, pc);
      text = text.slice(label[0].length);
    }
    text = text.trim();
    if (text === '') continue;
    const directive = at(number, () => directiveOf(text));
    if (directive === undefined && pc % 4 !== 0)
      throw failure(number, `an instruction cannot stand at 0x${pc.toString(16)}: .align 2 before it`);
    lines.push({ number, text, directive, pc });
    pc += directive?.size(pc) ?? 4;
    if (pc - base > LARGEST) throw failure(number, `the program has more than ${LARGEST} bytes`);
  }
  return { lines, labels, end: pc };
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/** An instruction with addresses for labels: ADRP gets the page, `:lo12:` the place in it. */
function resolved(text: string, labels: ReadonlyMap<string, number>): string {
  const [mnemonic = ''] = text.split(/\s/);
  const low = text.replace(LOW, (name: string, label: string) => {
    const address = labels.get(label);
    return address === undefined ? name : `#${hex(address % 4096)}`;
  });
  if (!TO_ADDRESS.test(mnemonic)) return low;
  return low.replace(LAST, (label: string) => {
    const address = labels.get(label);
    if (address === undefined) return label;
    return hex(mnemonic.toLowerCase() === 'adrp' ? address - (address % 4096) : address);
  });
}

/**
 * Assembles lines of text: instructions, labels (`name:`), directives, comments after `//`. A label as the target of a branch, a
 * literal load, ADR or ADRP is its address, with `:lo12:` before it the low 12 bits. The directives are `.byte`, `.hword`, `.word`
 * and `.quad` with numbers or labels, `.ascii` and `.asciz`, `.align` (to a power of two), `.balign` and `.space`. Throws an
 * `AssemblyError` with the line.
 *
 * @param source - the text
 * @param base - address of the first instruction, a multiple of 4
 */
export function assembleProgram(source: string, base = 0): Program {
  if (!Number.isSafeInteger(base) || base < 0 || base % 4 !== 0)
    throw new RangeError(`${base} is no address of an instruction`);
  const { lines, labels, end } = layOut(source, base);
  const words = new Uint32Array(Math.ceil((end - base) / 4));
  for (const { number, text, directive, pc } of lines) {
    if (directive === undefined) {
      words[(pc - base) / 4] = at(number, () => assemble(resolved(text, labels), pc));
      continue;
    }
    let place = pc - base;
    for (const byte of at(number, () => directive.bytes(pc, labels))) {
      words[place >> 2] = (words[place >> 2] ?? 0) | (byte << (8 * (place & 3)));
      place++;
    }
  }
  return { base, words, labels };
}
