// One case of the instruction table as code: `execute` is run once on the emitting builder.

import { optionalFeatures, parseEncoding, ZERO_SLOT } from '../isa.ts';
import type { AnyRow, Builder, Case, EncodingField, Operands } from '../isa.ts';
import type { Piece } from '../wasm/code.ts';
import { emittingBuilder } from './builder.ts';
import { pushExhausted } from './frame.ts';
import type { Frame } from './frame.ts';
import { InterpreterArm } from './interpreter-arm.ts';
import { Unsupported } from './node.ts';
import { placeOperands, RECORD_BYTES, RecordFull, symbolsOf } from './symbol.ts';
import type { Field, Sym } from './symbol.ts';

/** Slot of the current stack pointer. */
const SP_SLOT = 31;

/** The code of a case, for all encodings or for those with certain operands. */
export interface Variant {
  /** The operands that this is made for. */
  readonly constants: Readonly<Record<string, number>>;
  /** How a record is filled. */
  readonly fields: readonly Field[];
  /** Values that operands must not have here: the stack pointer, which has a variant, or the zero register. */
  readonly excluded: readonly { readonly name: string; readonly value: number }[];
  readonly piece: Piece;
  readonly entry: Case;
  /** Operands of some encoding. */
  readonly sample: Operands;
}

/** What became of a case. */
export type CaseCode =
  | { readonly variants: readonly Variant[]; readonly kinds: Readonly<Record<string, string>> }
  /** The reference engine does it: `why` is a primitive without code, or nothing where that is the intention. */
  | { readonly why: string | undefined };

/** Makes the code of cases in one frame. */
export class CaseEmitter {
  readonly arm: InterpreterArm;
  readonly builder: Builder;

  constructor(frame: Frame) {
    this.arm = new InterpreterArm(frame);
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
    // A condition that is split is known.
    const [condition, value] = Object.entries(sample).find(([, o]) => o.kind === 'cond') ?? [];
    if (condition !== undefined && value !== undefined && entry.split['cond'] !== undefined) {
      const only = emitVariant(emitter, entry, sample, { [condition]: value.value });
      return only === undefined ? { why: undefined } : { variants: [only], kinds };
    }
    const general = emitVariant(emitter, entry, sample, {});
    if (general === undefined) return { why: undefined };
    for (const { name, value } of general.excluded) {
      if (value !== SP_SLOT) continue;
      const special = emitVariant(emitter, entry, sample, { [name]: SP_SLOT });
      if (special !== undefined) variants.push(special);
    }
    for (const constants of shortcuts(sample, entry)) {
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

/** Operands of common encodings that make shorter code: shifts by nothing, MOV (register), CMP and TST. */
function shortcuts(sample: Operands, { row, split }: Case): Record<string, number>[] {
  // A shift by nothing is written as LSL.
  const plain = sample['by']?.kind === 'small' && (split['shift'] ?? 0) === 0 ? [{ by: 0 }] : [];
  const list: Record<string, number>[] = [...plain];
  // With an extended register, number 31 is the stack pointer.
  const mayBeZero = sample['n']?.kind === 'x' && !row.name.includes('extended');
  if (plain.length > 0 && mayBeZero) list.unshift({ by: 0, n: ZERO_SLOT });
  const setsFlags = split['S'] === 1 || split['opc'] === 3;
  if (!setsFlags || sample['d']?.kind !== 'x' || sample['n']?.kind !== 'x') return list;
  return [...list.map((constants) => ({ ...constants, d: ZERO_SLOT })), { d: ZERO_SLOT }, ...list];
}

/** Runs a case's semantics on the builder; undefined when it does nothing but leave. Emission is still to come. */
function build(
  arm: InterpreterArm,
  builder: Builder,
  entry: Case,
  sample: Operands,
  constants: Readonly<Record<string, number>>,
): Record<string, Sym> | undefined {
  const { frame, code } = arm;
  const symbols = symbolsOf(sample, constants);
  arm.reset();
  arm.cost = frame.costs?.[entry.id] ?? 0;
  const feature = optionalFeatures[entry.row.feature ?? ''];
  if (feature !== undefined) {
    arm.check(() => {
      frame.loadWord('absent');
      code.i32(feature);
      code.op('i32_and');
      code.brSeldom(frame.step);
    });
  }
  if (entry.row.gate === 'fp') {
    arm.check(() => {
      frame.loadWord('fpTrap');
      code.brSeldom(frame.step);
    });
  }
  entry.row.execute(builder, symbols, entry.split);
  return arm.leaves ? undefined : symbols;
}

/**
 * The code of two instructions in successive records: all of the first, then all of the second, so that every way out sees
 * the state between them as it is. A budget that ends between them is left to the loop.
 */
export function emitPair({ arm, builder }: CaseEmitter, first: Variant, second: Variant): Piece {
  const { code, frame } = arm;
  const half = ({ entry, sample, constants }: Variant): void => {
    const symbols = build(arm, builder, entry, sample, constants);
    if (symbols !== undefined) placeOperands(Object.values(symbols));
  };
  half(first);
  return code.piece(() => {
    arm.emit(false);
    pushExhausted(frame);
    code.brIf(frame.next);
    frame.spend(1, 0);
    code.get(frame.record);
    code.i32(RECORD_BYTES);
    code.op('i32_add');
    code.set(frame.record);
    half(second);
    arm.emit();
  });
}

/** One variant; undefined when it does nothing but leave. */
function emitVariant(
  emitter: CaseEmitter,
  entry: Case,
  sample: Operands,
  constants: Record<string, number>,
): Variant | undefined {
  const symbols = build(emitter.arm, emitter.builder, entry, sample, constants);
  if (symbols === undefined) return undefined;
  const list: readonly Sym[] = Object.values(symbols);
  const { fields, shared } = placeOperands(list);
  const piece = emitter.arm.code.piece(() => {
    emitter.arm.emit();
  });
  const excluded = [
    ...list.filter((s) => s.addressed).map(({ name }) => ({ name, value: SP_SLOT })),
    ...shared.map((name) => ({ name, value: ZERO_SLOT })),
  ];
  return { constants, fields, excluded, piece, entry, sample };
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
  const attempt = (bitsOf: (f: EncodingField) => number): Operands | undefined => {
    const values: Record<string, number> = {};
    for (const f of fields) {
      values[f.name] = entry.split[f.name] ?? bitsOf(f) & (f.width === 32 ? -1 : (1 << f.width) - 1);
    }
    return entry.row.decode(values) as Operands | undefined;
  };
  // Zeros, then ones, then anything: a generator of Park and Miller.
  let found = attempt(() => 0) ?? attempt(() => -1);
  let seed = 1;
  for (let i = 0; i < 100 && found === undefined; i++) {
    found = attempt(() => (seed = (seed * 48271) % 0x7fff_ffff) >>> 8);
  }
  if (found !== undefined) return found;
  // Few encodings are right: all values of the fields that are no registers.
  const searched = fields.filter((f) => entry.split[f.name] === undefined && !f.name.startsWith('R'));
  const bits = searched.reduce((sum, f) => sum + f.width, 0);
  for (let all = 0; all < 1 << Math.min(bits, 16) && found === undefined; all++) {
    let rest = all;
    found = attempt((f) => {
      if (!searched.includes(f)) return 0;
      const value = rest;
      rest >>>= f.width;
      return value;
    });
  }
  return found;
}
