// Numbers for the floating-point tests: FPCR values, the host's view of bits, and a generator that likes the edges.

/** FPCR bits. */
export const FZ = 1 << 24;
export const DN = 1 << 25;
export const AHP = 1 << 26;
/** FPCR.RMode. */
export const towards = { plus: 1 << 22, minus: 2 << 22, zero: 3 << 22 };

const view = new DataView(new ArrayBuffer(8));
export const bitsOf64 = (n: number): bigint => {
  view.setFloat64(0, n);
  return view.getBigUint64(0);
};
export const doubleOf = (bits: bigint): number => {
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
};
export const bitsOf32 = (n: number): bigint => {
  view.setFloat32(0, n);
  return BigInt(view.getUint32(0));
};
export const singleOf = (bits: bigint): number => {
  view.setUint32(0, Number(bits));
  return view.getFloat32(0);
};

/** Seeded random bits (xorshift32), and numbers of both formats with many denormals, extremes and neighbours of one. */
export const generator = (
  seed: number,
): { readonly next: () => number; readonly double: () => bigint; readonly single: () => bigint } => {
  let state = seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const number = (exponentBits: number, fractionBits: number): bigint => {
    const special = 2 ** exponentBits - 1;
    const bias = (special - 1) / 2;
    const exponents = [
      0,
      1,
      2,
      special,
      special - 1,
      bias,
      bias + (next() % 60),
      bias - (next() % 60),
      next() % special,
    ];
    const exponent = exponents[next() % exponents.length] ?? 0;
    const all = (1n << BigInt(fractionBits)) - 1n;
    const random = ((BigInt(next()) << 32n) | BigInt(next())) & all;
    const fractions = [0n, 1n, all, all ^ 1n, random, random, random >> BigInt(next() % fractionBits)];
    const fraction = fractions[next() % fractions.length] ?? 0n;
    const sign = BigInt(next() & 1) << BigInt(exponentBits + fractionBits);
    return sign | (BigInt(exponent) << BigInt(fractionBits)) | fraction;
  };
  return { next, double: () => number(11, 52), single: () => number(8, 23) };
};
