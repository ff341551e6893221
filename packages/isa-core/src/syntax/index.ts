// Assembly text, in both directions, from the `asm` forms of the table's rows. The template language:
//
// - `mnemonic operand, operand`, lower case, as binutils prints it; `\{` is a brace (register lists);
// - `<name>` is an operand format: a register (`<Xd>` and `<Wd>` are the field Rd, `<Rd>` X or W by the field sf, `|SP` where 31
//   is the stack pointer, `<Bt>` to `<Qt>` SIMD and FP registers), or one of `operands/*.ts`;
// - `{...}` is optional: printed when its operand prints something, parsed when it is there;
// - a form's `set` fixes fields, `when` says when it is printed; the first form that fits prints, the first that parses assembles.

import { decode } from '../table/decoder.ts';
import { encodeFields, parseEncoding } from '../table/encoding.ts';
import type { Encoding } from '../table/encoding.ts';
import type { AnyRow } from '../table/row.ts';
import { rows } from '../table/table.ts';

import { applies, canonical, compile, parse, print } from './template.ts';
import type { Template } from './template.ts';

/** Text that is no instruction: the message has the text and what is wrong with it. */
export class AssemblyError extends Error {
  override readonly name = 'AssemblyError';
}

interface Entry {
  readonly row: AnyRow;
  readonly encoding: Encoding;
  readonly templates: readonly Template[];
}

const compiled = new Map<AnyRow, Entry>();

function entryOf(row: AnyRow): Entry {
  const known = compiled.get(row);
  if (known !== undefined) return known;
  const entry: Entry = {
    row,
    encoding: parseEncoding(row.encoding),
    templates: row.asm.map((form) => compile(form, row)),
  };
  compiled.set(row, entry);
  return entry;
}

/**
 * The assembly text of an instruction word, as binutils prints it, or undefined where the table has none.
 *
 * @param word - the instruction
 * @param pc - its address, for PC-relative targets, which are printed as hexadecimal numbers
 */
export function disassemble(word: number, pc = 0): string | undefined {
  const decoded = decode(word);
  if (decoded === undefined) return undefined;
  for (const template of entryOf(decoded.row).templates) {
    const text = print(template, decoded.fields, pc);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Forms by the first letter of their mnemonic. */
let byMnemonic: Map<string, { entry: Entry; template: Template }[]> | undefined;

function candidates(mnemonic: string): readonly { entry: Entry; template: Template }[] {
  if (byMnemonic === undefined) {
    byMnemonic = new Map();
    for (const row of rows) {
      const entry = entryOf(row);
      for (const template of entry.templates) {
        // `b.<bcond>` stands under `b.`
        const key = template.mnemonic.replace(/<.*$/, '');
        const list = byMnemonic.get(key) ?? [];
        list.push({ entry, template });
        byMnemonic.set(key, list);
      }
    }
  }
  return [...(byMnemonic.get(mnemonic) ?? []), ...(byMnemonic.get(mnemonic.replace(/\..*$/, '.')) ?? [])];
}

function encode(entry: Entry, template: Template, text: string, pc: number): number | undefined {
  const fields = parse(template, text, pc);
  if (fields === undefined) return undefined;
  const word = encodeFields(entry.encoding, fields);
  const decoded = decode(word);
  return decoded?.row === entry.row && applies(template.form, decoded.fields) ? word : undefined;
}

/**
 * The instruction word of a line of assembly. Throws an `AssemblyError` for text that is none.
 *
 * @param line - one instruction, without a label
 * @param pc - its address, for PC-relative targets, which are numbers
 */
export function assemble(line: string, pc = 0): number {
  const text = canonical(line);
  const mnemonic = text.split(' ')[0] ?? '';
  const found = candidates(mnemonic);
  if (found.length === 0) throw new AssemblyError(`"${line.trim()}": no instruction is called ${mnemonic}`);
  for (const { entry, template } of found) {
    const word = encode(entry, template, text, pc);
    if (word !== undefined) return word;
  }
  throw new AssemblyError(`"${line.trim()}": ${mnemonic} takes no such operands`);
}
