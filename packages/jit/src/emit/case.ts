// One case of the instruction table as code: `execute` is run once on the emitting builder.

import { parseEncoding } from '../isa.ts';
import type { AnyRow, Builder, Case, EncodingField, Operands } from '../isa.ts';
import type { Piece } from '../wasm/code.ts';

import { Arm } from './arm.ts';
import { emittingBuilder } from './builder.ts';
import type { Frame } from './frame.ts';
import { Unsupported } from './node.ts';
import { placeOperands, RecordFull, symbolsOf } from './symbol.ts';
import type { Field, Sym } from './symbol.ts';

/** The code of a case, for all encodings or for those with certain operands. */
export interface Variant {
  /** The operands that this is made for. */
  readonly constants: Readonly<Record<string, number>>;
  /** How a record is filled. */
  readonly fields: readonly Field[];
  /** Operands that must not be 31 here, because there is a variant for that. */
  readonly addressed: readonly string[];
  readonly piece: Piece;
}

/** What became of a case. */
export type CaseCode =
  | { readonly variants: readonly Variant[]; readonly kinds: Readonly<Record<string, string>> }
  /** The reference engine does it: `why` is a primitive without code, or nothing where that is the intention. */
  | { readonly why: string | undefined };

/** Makes the code of cases in one frame. */
export class CaseEmitter {
  readonly arm: Arm;
  readonly builder: Builder;

  constructor(frame: Frame) {
    this.arm = new Arm(frame);
    this.builder = emittingBuilder(this.arm);
  }
}

/** Makes the code of a case. */
export function emitCase(emitter: CaseEmitter, entry: Case): CaseCode {
  const sample = sampleOperands(entry);
  if (sample === undefined) return { why: 'no encoding found' };
  const kinds = Object.fromEntries(Object.entries(sample).map(([name, o]) => [name, o.kind]));
  try {
    const variants: Variant[] = [];
    const condition = Object.entries(sample).find(([, o]) => o.kind === 'cond')?.[0];
    if (condition !== undefined && entry.row.ends === 'block') {
      for (let c = 0; c < 16; c++) {
        const variant = emitVariant(emitter, entry, sample, { [condition]: c });
        if (variant === undefined) return { why: undefined };
        variants.push(variant);
      }
      return { variants, kinds };
    }
    const general = emitVariant(emitter, entry, sample, {});
    if (general === undefined) return { why: undefined };
    for (const name of general.addressed) {
      const special = emitVariant(emitter, entry, sample, { [name]: 31 });
      if (special !== undefined) variants.push(special);
    }
    for (const constants of shortcuts(sample)) {
      const special = emitVariant(emitter, entry, sample, constants);
      if (special !== undefined) variants.push(special);
    }
    variants.push(general);
    return { variants, kinds };
  } catch (error) {
    if (error instanceof Unsupported) return { why: error.message };
    if (error instanceof RecordFull) return { why: `operands do not fit: ${error.message}` };
    throw error;
  }
}

/** Operands of common encodings that make shorter code: MOV (register) and shifts by nothing. */
function shortcuts(sample: Operands): Record<string, number>[] {
  const names = Object.keys(sample);
  const amount = names.find((n) => n === 'amount');
  if (amount === undefined || sample[amount]?.kind !== 'small') return [];
  const first = sample['n'] === undefined ? [] : [{ [amount]: 0, n: 32 }];
  return [...first, { [amount]: 0 }];
}

/** One variant; undefined when it does nothing but leave. */
function emitVariant(
  emitter: CaseEmitter,
  entry: Case,
  sample: Operands,
  constants: Record<string, number>,
): Variant | undefined {
  const { arm } = emitter;
  const { frame, code } = arm;
  const symbols = symbolsOf(sample, constants);
  arm.reset();
  if (entry.row.gate === 'fp') {
    arm.check(() => {
      frame.loadWord('fpTrap');
      code.brIf(frame.step);
    });
  }
  entry.row.execute(emitter.builder, symbols, entry.split);
  if (arm.leaves) return undefined;
  const list: readonly Sym[] = Object.values(symbols);
  const fields = placeOperands(list);
  const piece = code.piece(() => {
    arm.emit();
  });
  return { constants, fields, addressed: list.filter((s) => s.addressed).map((s) => s.name), piece };
}

const parsed = new WeakMap<AnyRow, readonly EncodingField[]>();
/** The fields of a row's encoding. */
function fieldsOf(row: AnyRow): readonly EncodingField[] {
  const known = parsed.get(row);
  if (known !== undefined) return known;
  const { fields } = parseEncoding(row.encoding);
  parsed.set(row, fields);
  return fields;
}

/** Operands of some encoding of a case: what matters is their names and kinds. */
function sampleOperands(entry: Case): Operands | undefined {
  const fields = fieldsOf(entry.row);
  let seed = 1;
  for (let attempt = 0; attempt < 200; attempt++) {
    const values: Record<string, number> = {};
    for (const { name, width } of fields) {
      // Zeros, then ones, then anything: a generator of Park and Miller.
      seed = (seed * 48271) % 0x7fff_ffff;
      const random = attempt === 0 ? 0 : attempt === 1 ? -1 : seed >>> 8;
      values[name] = entry.split[name] ?? random & (width === 32 ? -1 : (1 << width) - 1);
    }
    const operands = entry.row.decode(values) as Operands | undefined;
    if (operands !== undefined) return operands;
  }
  return undefined;
}
