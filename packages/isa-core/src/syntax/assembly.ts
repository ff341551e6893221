// Assembly text of one instruction, in both directions (DDI 0487 C1.2).

import { decode } from '../table/decoder.ts';
import { encodeFields, fieldsOf, parseEncoding } from '../table/encoding.ts';
import type { Encoding } from '../table/encoding.ts';
import type { AnyRow, AsmForm } from '../table/row.ts';
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
    templates: row.asm.map((form: AsmForm) => compile(form, row)),
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

/** Whether a row has these fields: another row for some of its words may stand before it. */
const accepts = (row: AnyRow, fields: Readonly<Record<string, number>>): boolean =>
  row.allocated?.(fields as never) !== false && row.decode(fields) !== undefined;

function encode({ encoding, row }: Entry, template: Template, text: string, pc: number): number | undefined {
  const said = parse(template, text, pc);
  if (said === undefined) return undefined;
  const word = encodeFields(encoding, said);
  const fields = fieldsOf(encoding, word);
  return applies(template.form, fields) && accepts(row, fields) ? word : undefined;
}

/** Characters that a line may have: no instruction has nearly so many. */
const LINE = 256;

/**
 * The instruction word of a line of assembly. Throws an `AssemblyError` for text that is none.
 *
 * @param line - one instruction, without a label
 * @param pc - its address, for PC-relative targets, which are numbers
 */
export function assemble(line: string, pc = 0): number {
  if (line.length > LINE) throw new AssemblyError(`a line of ${line.length} characters is no instruction`);
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
