// The abstract values that an instruction's semantics computes with. Only a back end knows what they are.

declare const brand: unique symbol;
/** A value that exists at run time. The brand is invariant in `W`: a 32-bit value never passes for a 64-bit one. */
interface Value<Kind, W = 0> {
  readonly [brand]: { kind: Kind; width: (w: W) => W };
}

/** Width of a general register, in bits. */
export type Width = 32 | 64;
/** Width of a floating-point value, in bits. */
export type FloatWidth = 16 | 32 | 64;
/** An integer. */
export type Int<W extends Width = Width> = Value<'int', W>;
/** A floating-point number, held as its bits. */
export type Float<W extends FloatWidth = FloatWidth> = Value<'float', W>;
/** 128 bits of a vector register. */
export type Vec = Value<'vec'>;
/** A condition. */
export type Bool = Value<'bool'>;
/** NZCV as one value. Only a back end knows whether it is four bits or the operands that would produce them. */
export type Flags = Value<'flags'>;
/** Any value. */
export type AnyValue =
  Int<32> | Int<64> | Int | Float<16> | Float<32> | Float<64> | Float<32 | 64> | Float | Vec | Bool | Flags;

/** How a value of type `T` lies in memory. */
export interface Layout<T> {
  /** Bytes in memory. */
  readonly bytes: 1 | 2 | 4 | 8 | 16;
  /** Sign-extended when loaded. */
  readonly signed: boolean;
  /** What kind of value it is. */
  readonly as: 'int' | 'vec';
  /** The width of the register value (64 for a vector). */
  readonly width: Width;
  readonly [brand]?: (t: T) => T;
}

/** An integer of `bytes` bytes, extended to `width` bits when loaded, truncated when stored. */
export const intLayout = <W extends Width>(
  width: W,
  bytes: 1 | 2 | 4 | 8 = (width / 8) as 4 | 8,
  signed = false,
): Layout<Int<W>> => ({ as: 'int', width, bytes, signed });

/** The low `bytes` bytes of a vector register; a load clears the rest of the 128 bits. */
export const vecLayout = (bytes: 1 | 2 | 4 | 8 | 16): Layout<Vec> => ({
  as: 'vec',
  width: 64,
  bytes,
  signed: false,
});
