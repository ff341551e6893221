// Memory types as MAIR_ELx encodes them, and how the two stages combine (DDI 0487 D8.5, D8.6).

/** The Device types, from the most restrictive. */
export const DEVICE_nGnRnE = 0x00;
/** Normal memory, Non-cacheable. */
export const NORMAL_NC = 0x44;
/** Normal memory, Write-Back, allocating on reads and writes. */
export const NORMAL_WB = 0xff;
/** Normal memory, Write-Through, allocating on reads. */
export const NORMAL_WT = 0xaa;

/** True for Device memory, where unaligned accesses fault. */
export function isDevice(attributes: number): boolean {
  return attributes < 0x10;
}

/** Byte `index` (0 to 7) of MAIR_ELx. Reserved encodings give the more restrictive memory that they resemble. */
export function mairAttributes(mairLo: number, mairHi: number, index: number): number {
  const byte = ((index & 4 ? mairHi : mairLo) >>> ((index & 3) * 8)) & 0xff;
  if (byte < 0x10) return byte & 0x0c;
  return byte & 0x0f ? byte : (byte & 0xf0) | 4;
}

/** Shareability that an access really has: Device and Non-cacheable memory are always Outer Shareable. */
export function effectiveShareability(attributes: number, shareability: number): number {
  if (isDevice(attributes) || attributes === NORMAL_NC) return 2;
  // The encoding 1 is reserved.
  return shareability === 1 ? 0 : shareability;
}

/** The more shareable of two. */
export function combineShareability(a: number, b: number): number {
  if (a === 2 || b === 2) return 2;
  return a === 3 || b === 3 ? 3 : 0;
}

/** A stage 2 MemAttr field (4 bits, without FWB) in MAIR's encoding, with allocation hints that leave stage 1's alone. */
export function stage2Attributes(memAttr: number): number {
  if (memAttr < 4) return memAttr << 2;
  return (normalNibble(memAttr >>> 2) << 4) | normalNibble(memAttr & 3);
}

/** 1 Non-cacheable, 2 Write-Through, 3 Write-Back; 0 is reserved and taken as Non-cacheable. */
function normalNibble(cacheability: number): number {
  return cacheability < 2 ? 4 : (cacheability << 2) | 3;
}

/** Attributes of both stages together: the more restrictive of each kind, with stage 1's allocation hints. */
export function combineAttributes(stage1: number, stage2: number): number {
  if (isDevice(stage1)) return isDevice(stage2) ? Math.min(stage1, stage2) : stage1;
  if (isDevice(stage2)) return stage2;
  return (combineNibble(stage1 >>> 4, stage2 >>> 4) << 4) | combineNibble(stage1 & 15, stage2 & 15);
}

function combineNibble(stage1: number, stage2: number): number {
  if (stage1 === 4 || stage2 === 4) return 4;
  const writeThrough = (stage1 & 4) === 0;
  if (writeThrough || (stage2 & 4) !== 0) return stage1;
  return 8 | (stage1 & 3);
}

/**
 * HCR_EL2.FWB: MemAttr (3 bits used) gives the final type from stage 1's (DDI 0487 D8.6.6).
 */
export function combineForced(stage1: number, memAttr: number): number {
  const field = memAttr & 7;
  if (field < 4) return field << 2;
  if (field === 5) return isDevice(stage1) ? stage1 : NORMAL_NC;
  if (field === 6) {
    return isDevice(stage1) ? NORMAL_WB : (forceWriteBack(stage1 >>> 4) << 4) | forceWriteBack(stage1 & 15);
  }
  return stage1;
}

/** Write-Back, with the allocation hints if there are any. */
function forceWriteBack(nibble: number): number {
  return nibble === 4 ? 15 : 12 | (nibble & 3);
}
