// DecodeBitMasks() of a logical immediate (DDI 0487, shared/functions/common/DecodeBitMasks).

/** The mask as signed halves, or undefined where N:imms is reserved. For a 32-bit operation the high half is zero. */
export function decodeBitMasks(
  sf: number,
  n: number,
  immr: number,
  imms: number,
): { readonly low: number; readonly high: number } | undefined {
  if (sf === 0 && n !== 0) return undefined;
  const length = 31 - Math.clz32((n << 6) | (~imms & 0x3f));
  if (length < 1) return undefined;
  const size = 1 << length;
  const levels = size - 1;
  const s = imms & levels;
  const r = immr & levels;
  if (s === levels) return undefined;
  let mask = 0n;
  const element = rotated((1n << BigInt(s + 1)) - 1n, r, size);
  for (let at = 0; at < (sf ? 64 : 32); at += size) mask |= element << BigInt(at);
  return { low: Number(mask & 0xffff_ffffn) | 0, high: Number(mask >> 32n) | 0 };
}

function rotated(value: bigint, by: number, size: number): bigint {
  const all = (1n << BigInt(size)) - 1n;
  return ((value >> BigInt(by)) | (value << BigInt(size - by))) & all;
}

/** The fields that give a mask, or undefined where no logical immediate is this value. */
export function encodeBitMasks(
  sf: number,
  value: bigint,
): { readonly N: number; readonly immr: number; readonly imms: number } | undefined {
  const whole = sf ? value : value | (value << 32n);
  for (let size = 64; size >= 2; size >>= 1) {
    const all = (1n << BigInt(size)) - 1n;
    const element = whole & all;
    const half = BigInt(size / 2);
    if (size > 2 && element >> half === (element & (all >> half))) continue;
    // The smallest period: it must be a run of ones, rotated.
    let ones = 0;
    for (let i = 0n; i < BigInt(size); i++) ones += Number((element >> i) & 1n);
    if (ones === 0 || ones === size) return undefined;
    const run = (1n << BigInt(ones)) - 1n;
    for (let r = 0; r < size; r++) {
      if (rotated(run, r, size) !== element) continue;
      return { N: size === 64 ? 1 : 0, immr: r, imms: ((~(size * 2 - 1) & 0x3f) | (ones - 1)) & 0x3f };
    }
    return undefined;
  }
  return undefined;
}
