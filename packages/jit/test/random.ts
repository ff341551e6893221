// Numbers that look random and are the same in every run (xorshift32).

/** A generator. */
export interface Random {
  /** 32 bits, unsigned. */
  next(): number;
  /** 64 bits, unsigned. */
  next64(): bigint;
  /** 0 to `limit` - 1. */
  below(limit: number): number;
}

/** A generator with a seed that is not zero. */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    next,
    next64: () => (BigInt(next()) << 32n) | BigInt(next()),
    below: (limit) => Math.floor((next() / 0x1_0000_0000) * limit),
  };
}
