// A small seeded generator (xorshift, 32 bits): the same seed gives the same values on every host.

/** Draws numbers. */
export interface Random {
  /** An unsigned 32-bit number. */
  word(): number;
  /** An integer of 0 to `n` - 1; `n` is at least 1. */
  below(n: number): number;
  /** One of the elements. */
  pick<T>(from: readonly T[]): T;
}

/**
 * Makes a generator.
 *
 * @param seed - any 32-bit number
 */
export function random(seed: number): Random {
  // The multiplication spreads small seeds; zero is the generator's one forbidden state.
  let x = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) >>> 0 || 1;
  const word = (): number => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    x >>>= 0;
    return x;
  };
  const below = (n: number): number => Math.floor((word() / 0x1_0000_0000) * n);
  return {
    word,
    below,
    pick<T>(from: readonly T[]): T {
      const chosen = from[below(from.length)];
      if (chosen === undefined) throw new RangeError('nothing to pick from');
      return chosen;
    },
  };
}

const patterns = [0, 1, 2, 0xff, 0x80, 0x8000_0000, 0xffff_ffff, 0x5555_5555, 0xaaaa_aaaa] as const;

/** A 32-bit value of the kinds that find bugs: patterns, single bits, small numbers, any. */
export function value(from: Random): number {
  switch (from.below(4)) {
    case 0:
      return from.pick(patterns);
    case 1:
      return (1 << from.below(32)) >>> 0;
    case 2:
      return from.below(64);
    default:
      return from.word();
  }
}
