// A row of the instruction table: encoding, assembly syntax, semantics and gates of one A64 encoding class, written once.

import type { Builder } from '../semantics/builder.ts';
import type { Operands } from '../semantics/operands.ts';

/** `"sf 0 S 100010 imm12:12 Rd:5"`: fields by name, one bit each unless it says how many. */
type Tokens<E extends string> = E extends `${infer A} ${infer B}` ? A | Tokens<B> : E;
type FieldOf<T extends string> = T extends `${'0' | '1' | 'x'}${string}`
  ? never
  : T extends `${infer N}:${string}`
    ? N
    : T;
/** The names of an encoding's fields. */
export type FieldName<E extends string> = FieldOf<Tokens<E>>;
/** The values of an encoding's fields, unsigned. */
export type Fields<E extends string = string> = Readonly<Record<FieldName<E>, number>>;

/**
 * One assembly form. `text` is `mnemonic operand, operand …` in lower case, as binutils prints it, with `<name>` for an operand
 * format of the registry in `syntax/`, which prints and parses: `"add <Rd|SP>, <Rn|SP>, <imm12>"`. The forms of a row are
 * tried in order, aliases before the real name; the first whose `set` and `when` hold prints, the first that parses assembles.
 */
export interface AsmForm<E extends string = string> {
  /** The template. */
  readonly text: string;
  /** Fields that have these values in this form, and that assembling it sets. */
  readonly set?: Partial<Fields<E>>;
  /** A further condition for printing this form; assembling checks it too. */
  readonly when?: (f: Fields<E>) => boolean;
  /** True for a form that is accepted and never printed. */
  readonly inputOnly?: true;
}

/** One row. */
export interface Row<
  E extends string = string,
  S extends FieldName<E> = FieldName<E>,
  O extends Operands = Operands,
> {
  /** The Arm ARM's name of the encoding class; unique. */
  readonly name: string;
  /** 32 bits, most significant first. `x` is a bit that does not matter. */
  readonly encoding: E;
  /** Assembly syntax. */
  readonly asm: readonly AsmForm<NoInfer<E>>[];
  /** The feature that brings it, where that is not the base of Armv8.0-A: `crc32`, `lse`, `aes` … */
  readonly feature?: string;
  /** `fp`: an access to the FP and SIMD registers, trapped by CPACR_EL1, CPTR_EL2 and CPTR_EL3. */
  readonly gate?: 'fp';
  /** `block`: control does not, or may not, continue at the next instruction. */
  readonly ends?: 'block';
  /** The fields on which the instruction is specialised: plain numbers in `execute`, one case for each combination. */
  readonly split?: readonly S[];
  /** False for a combination of split fields that is unallocated. */
  readonly allocated?: (s: Readonly<Record<S, number>>) => boolean;
  /** Decode time, on numbers. Undefined means that this row does not have the encoding. */
  readonly decode: (f: Fields<E>) => O | undefined;
  /** Run time, on abstract values. */
  readonly execute: (b: Builder, o: O, s: Readonly<Record<S, number>>) => void;
}

/** Any row, as back ends see it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- rows of different fields in one table
export interface AnyRow extends Row<any, any, any> {
  readonly encoding: string;
  readonly split?: readonly string[];
}

/** Writes a row with its field names checked against its encoding. */
export const row = <
  const E extends string,
  const S extends FieldName<E> = never,
  O extends Operands = Operands,
>(
  r: Row<E, S, O>,
): AnyRow => r;
