// The operands of one case: not numbers but places in the 16-byte record of a decoded instruction.

import type { Operand, OperandKind, Operands } from '../isa.ts';

/** Bytes of a record: a case number of 16 bits and seven slots of 16 bits. */
export const RECORD_BYTES = 16;

/** One operand of a case. */
export class Sym implements Operand {
  readonly kind: OperandKind;
  readonly name: string;
  /** Nothing: whoever looks at it breaks the rules of the semantics interface. */
  readonly value: number = Number.NaN;
  readonly high: number = Number.NaN;
  /** The value, in a variant of the case that is made for one value. */
  readonly constant: Operand | undefined;
  read = false;
  written = false;
  /** Used as the destination of a branch only: stored as a distance between records. */
  branch = false;
  /** The base register of an access: SP needs a variant of its own. */
  addressed = false;
  /** Byte offset in the record of the operand that is read. */
  at = -1;
  /** The same of the operand that is written. */
  writtenAt = -1;

  constructor(name: string, kind: OperandKind, constant?: Operand) {
    this.name = name;
    this.kind = kind;
    this.constant = constant;
  }
}

/** How an operand is stored. */
export interface Field {
  readonly name: string;
  readonly kind: OperandKind;
  readonly at: number;
  /** `read`: as it is; `write`: the zero register becomes the discard slot; `branch`: four times the value. */
  readonly use: 'read' | 'write' | 'branch';
}

/** Thrown when a case has more operands than fit a record. */
export class RecordFull extends Error {}

/** A record's contents, and what they cannot hold. */
export interface Placement {
  readonly fields: readonly Field[];
  /** Operands that are read and written in one slot, and so may not be the zero register. */
  readonly shared: readonly string[];
}

/** Gives every operand its place in the record: two places to one that is read and written, if there is room. */
export function placeOperands(symbols: readonly Sym[]): Placement {
  try {
    return place(symbols, false);
  } catch (error) {
    if (!(error instanceof RecordFull)) throw error;
    return place(symbols, true);
  }
}

function place(symbols: readonly Sym[], share: boolean): Placement {
  const free = new Set([2, 4, 6, 8, 10, 12, 14]);
  const take = (slots: number, name: string): number => {
    const step = slots * 2;
    for (let at = 16 - step; at >= 2; at -= 2) {
      if (at % step !== 0) continue;
      const all = Array.from({ length: slots }, (_, i) => at + 2 * i);
      if (!all.every((s) => free.has(s))) continue;
      for (const s of all) free.delete(s);
      return at;
    }
    throw new RecordFull(name);
  };
  const fields: Field[] = [];
  const shared: string[] = [];
  const used = symbols.filter((s) => s.constant === undefined && (s.read || s.written));
  const bySize = [...used].sort((a, b) => slotsOf(b.kind) - slotsOf(a.kind));
  for (const s of bySize) {
    const { name, kind } = s;
    if (s.read) {
      s.at = take(slotsOf(kind), name);
      fields.push({ name, kind, at: s.at, use: s.branch ? 'branch' : 'read' });
    }
    if (!s.written) continue;
    if (s.read && (share || kind !== 'x')) {
      s.writtenAt = s.at;
      if (kind === 'x') shared.push(name);
      continue;
    }
    s.writtenAt = take(1, name);
    fields.push({ name, kind, at: s.writtenAt, use: 'write' });
  }
  return { fields, shared };
}

function slotsOf(kind: OperandKind): number {
  return kind === 'imm64' ? 4 : kind === 'imm' || kind === 'label' ? 2 : 1;
}

/** Symbols for what a case's `decode` gave for one of its encodings. */
export function symbolsOf(
  sample: Operands,
  constants: Readonly<Record<string, number>>,
): Record<string, Sym> {
  const symbols: Record<string, Sym> = {};
  for (const [name, o] of Object.entries(sample)) {
    const value = constants[name];
    symbols[name] = new Sym(
      name,
      o.kind,
      value === undefined ? undefined : { kind: o.kind, value, high: value < 0 ? -1 : 0 },
    );
  }
  return symbols;
}

/** An operand that is a place in the record. */
export function asSymbol(o: Operand): Sym {
  if (o instanceof Sym) return o;
  throw new TypeError('this operand is a constant');
}
