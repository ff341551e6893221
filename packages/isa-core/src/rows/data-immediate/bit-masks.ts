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
