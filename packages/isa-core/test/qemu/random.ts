// Deterministic random numbers for the differential test, weighted towards the edges of each format.

/** A stream of random numbers. */
export interface Random {
  /** 32 bits, unsigned. */
  word(): number;
  /** 0 to `n - 1`. */
  below(n: number): number;
  /** One of a list. */
  pick<T>(list: readonly [T, ...T[]]): T;
  /** 64 bits, often at an edge of the integers. */
  integer(): bigint;
  /** 128 bits, often numbers at the edges of the floating-point formats. */
  vector(): bigint;
}

const integers = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn,
  0xffff_ffff_8000_0000n,
  0xffff_ffff_0000_0000n,
] as const;
/** Zero, denormals, one and its neighbours, the largest number, infinity, quiet and signalling NaNs, halves and thirds. */
const singles = [
  0x0000_0000, 0x0000_0001, 0x007f_ffff, 0x0080_0000, 0x3f80_0000, 0x3f80_0001, 0x3f7f_ffff, 0x7f7f_ffff,
  0x7f80_0000, 0x7fc0_0000, 0x7fc1_2345, 0x7f80_0001, 0x7fa5_5555, 0x3f00_0000, 0x3fc0_0000, 0x4f00_0000,
  0x5f00_0000, 0x4eff_ffff, 0x4000_0000, 0x3eaa_aaab, 0x3380_0000, 0x477f_f000, 0x3880_0000, 0x0000_8000,
  0x7f00_0000, 0x7e80_0000,
] as const;
const doubles = [
  0x0000_0000_0000_0000n,
  0x0000_0000_0000_0001n,
  0x000f_ffff_ffff_ffffn,
  0x0010_0000_0000_0000n,
  0x3ff0_0000_0000_0000n,
  0x3ff0_0000_0000_0001n,
  0x3fef_ffff_ffff_ffffn,
  0x7fef_ffff_ffff_ffffn,
  0x7ff0_0000_0000_0000n,
  0x7ff8_0000_0000_0000n,
  0x7ff8_1234_5678_9abcn,
  0x7ff0_0000_0000_0001n,
  0x7ff5_5555_5555_5555n,
  0x3fe0_0000_0000_0000n,
  0x3ff8_0000_0000_0000n,
  0x41df_ffff_ffc0_0000n,
  0x41e0_0000_0000_0000n,
  0x43e0_0000_0000_0000n,
  0x43f0_0000_0000_0000n,
  0x43df_ffff_ffff_ffffn,
  0x47ef_ffff_e000_0000n,
  0x47ef_ffff_f000_0000n,
  0x3810_0000_0000_0000n,
  0x380f_ffff_ffff_ffffn,
  0x36a0_0000_0000_0000n,
  0x40ef_fe00_0000_0000n,
  0x3f10_0000_0000_0000n,
  0x4330_0000_0000_0001n,
  0x7fd0_0000_0000_0000n,
] as const;
const halves = [
  0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x3bff, 0x7bff, 0x7c00, 0x7e00, 0x7e55, 0x7c01, 0x7d55,
  0x3800, 0x3e00,
] as const;

/** The stream of a seed. */
export function randomFrom(seed: number): Random {
  let a = seed >>> 0;
  // Mulberry32.
  const word = (): number => {
    a = (a + 0x6d2b_79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (n: number): number => word() % n;
  const pick = <T>(list: readonly [T, ...T[]]): T => list[below(list.length)] ?? list[0];
  const any64 = (): bigint => (BigInt(word()) << 32n) | BigInt(word());
  const integer = (): bigint => {
    const kind = below(8);
    if (kind < 3) return any64();
    if (kind === 3) return BigInt(below(128));
    if (kind === 4) return BigInt.asUintN(64, -BigInt(below(128)));
    if (kind === 5) return any64() >> BigInt(below(64));
    return pick(integers);
  };
  /** A number of a format, with a random sign, at an edge or near one. */
  const lane = (size: number): bigint => {
    const near = below(4) === 0 ? BigInt(below(4)) : 0n;
    const sign = BigInt(below(2)) << BigInt(size - 1);
    const edge = size === 64 ? pick(doubles) : BigInt(size === 32 ? pick(singles) : pick(halves));
    return BigInt.asUintN(size, (edge + near) | sign);
  };
  /** Numbers of middling size, so that sums and products are neither infinite nor zero. */
  const middling = (size: number): bigint => {
    const bits = any64();
    if (size === 64) return (bits & 0x800f_ffff_ffff_ffffn) | (BigInt(0x3ff - 40 + below(80)) << 52n);
    if (size === 32) return (bits & 0x807f_ffffn) | (BigInt(0x7f - 20 + below(40)) << 23n);
    return (bits & 0x83ffn) | (BigInt(0xf - 6 + below(12)) << 10n);
  };
  const vector = (): bigint => {
    const kind = below(8);
    if (kind < 2) return (any64() << 64n) | any64();
    const size = pick([16, 32, 32, 64, 64] as const);
    const of = kind < 5 ? lane : kind < 7 ? middling : (n: number): bigint => BigInt.asUintN(n, integer());
    let result = 0n;
    for (let at = 0; at < 128; at += size) result |= of(size) << BigInt(at);
    return result;
  };
  return { word, below, pick, integer, vector };
}
