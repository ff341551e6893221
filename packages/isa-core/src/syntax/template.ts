// A form's template, compiled once for both directions: fields to text, and text to fields.

import type { AnyRow, AsmForm } from '../table/row.ts';
import type { FieldValues, OperandFormat } from './format.ts';
import { formatOf } from './registry.ts';

/** A piece of a template. An optional group is printed when one of its operands prints something. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'operand'; readonly name: string; readonly format: OperandFormat }
  | { readonly kind: 'optional'; readonly pieces: readonly Piece[] };

/** A compiled form. */
export interface Template {
  readonly form: AsmForm;
  /** The first word; it may hold an operand (`b.<cond>`). */
  readonly mnemonic: string;
  readonly pieces: readonly Piece[];
  /** Matches canonical text; a group for each operand. */
  readonly pattern: RegExp;
  readonly operands: readonly OperandFormat[];
}

/** Canonical text: lower case, one space after the mnemonic and after names of shifts, none elsewhere, no comment. */
export function canonical(text: string): string {
  const line = text
    .replace(/\s*\/\/.*$/, '')
    .trim()
    .toLowerCase();
  const [mnemonic = '', ...rest] = line.split(/\s+/);
  const operands = rest
    .join(' ')
    .replace(/\s*([,[\]{}!])\s*/g, '$1')
    .replace(/([a-z])#/g, '$1 #');
  return operands === '' ? mnemonic : `${mnemonic} ${operands}`;
}

function pieces(text: string, row: AnyRow): Piece[] {
  const found: Piece[] = [];
  for (const [token] of text.matchAll(/\\.|\{[^{}]*\}|<[^<>]+>|[^<{\\]+/g)) {
    if (token.startsWith('\\')) found.push({ kind: 'text', text: token.slice(1) });
    else if (token.startsWith('{')) found.push({ kind: 'optional', pieces: pieces(token.slice(1, -1), row) });
    else if (token.startsWith('<')) {
      const name = token.slice(1, -1);
      const format = formatOf(name);
      if (format === undefined) throw new RangeError(`${row.name}: no operand format is called <${name}>`);
      found.push({ kind: 'operand', name, format });
    } else found.push({ kind: 'text', text: token });
  }
  return found;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The pattern of pieces over canonical text. `first` is true up to the space after the mnemonic. */
function source(list: readonly Piece[], operands: OperandFormat[]): string {
  return list
    .map((piece) => {
      if (piece.kind === 'text') return escaped(piece.text.replace(/\s*([,[\]{}!])\s*/g, '$1'));
      if (piece.kind === 'optional') return `(?:${source(piece.pieces, operands)})?`;
      operands.push(piece.format);
      return `(${piece.format.pattern})`;
    })
    .join('');
}

/** Compiles a form. Throws a RangeError for an operand that has no format. */
export function compile(form: AsmForm, row: AnyRow): Template {
  const list = pieces(form.text, row);
  const operands: OperandFormat[] = [];
  const pattern = new RegExp(`^${source(list, operands)}$`);
  return { form, mnemonic: form.text.split(' ')[0] ?? '', pieces: list, pattern, operands };
}

function printPieces(list: readonly Piece[], f: FieldValues, pc: number): string | undefined {
  let text = '';
  for (const piece of list) {
    if (piece.kind === 'text') text += piece.text;
    else if (piece.kind === 'optional') text += printPieces(piece.pieces, f, pc) ?? '';
    else {
      const operand = piece.format.print(f, pc);
      if (operand === undefined) return undefined;
      text += operand;
    }
  }
  return text;
}

/** True when the form's `set` and `when` hold for these fields. */
export function applies(form: AsmForm, f: FieldValues): boolean {
  const set = (form.set ?? {}) as Readonly<Record<string, number>>;
  for (const name of Object.keys(set)) if (f[name] !== set[name]) return false;
  return form.when?.(f) !== false;
}

/** The text of a form, or undefined where it cannot say these fields. */
export function print(template: Template, f: FieldValues, pc: number): string | undefined {
  if (template.form.inputOnly || !applies(template.form, f)) return undefined;
  return printPieces(template.pieces, f, pc)?.trimEnd();
}

/** The fields that canonical text says in this form, or undefined where it does not match. */
export function parse(template: Template, text: string, pc: number): FieldValues | undefined {
  const match = template.pattern.exec(text);
  if (match === null) return undefined;
  const fields: Record<string, number> = {
    ...(template.form.set as Readonly<Record<string, number>> | undefined),
  };
  for (const [i, format] of template.operands.entries()) {
    const operand = match[i + 1];
    if (operand === undefined) continue;
    const said = format.parse(operand, pc, fields);
    if (said === undefined) return undefined;
    for (const [name, value] of Object.entries(said)) {
      if (fields[name] !== undefined && fields[name] !== value) return undefined;
      fields[name] = value;
    }
  }
  return fields;
}
