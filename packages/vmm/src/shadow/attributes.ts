// The memory types that a hypervisor at EL1 has in MAIR_EL1, and the guest's types in them (DDI 0487 D8.5, D17.2 MAIR_EL1).

import { isDevice, NORMAL_NC, NORMAL_WB, NORMAL_WT } from '@worldswitch/mmu';

/** Write-Back, the four Device types, Non-cacheable, Write-Through. */
const TYPES: readonly number[] = [NORMAL_WB, 0x00, 0x04, 0x08, 0x0c, NORMAL_NC, NORMAL_WT, 0x00];

/** Indices for the hypervisor's own mappings. */
export const WRITE_BACK = 0;
/** Device-nGnRE. */
export const DEVICE = 2;

/** MAIR_EL1: halves. */
export const MAIR: readonly [lo: number, hi: number] = [half(0), half(4)];

function half(from: number): number {
  let value = 0;
  for (let i = 3; i >= 0; i--) value = (value << 8) | (TYPES[from + i] ?? 0);
  return value >>> 0;
}

/** The index that stands for a type of the guest's: of mixed cacheability the more restrictive. */
export function attributeIndex(attributes: number): number {
  if (isDevice(attributes)) return 1 + (attributes >>> 2);
  const [outer, inner] = [attributes >>> 4, attributes & 15];
  if (outer === 4 || inner === 4) return 5;
  const writeBack = (outer & 4) !== 0 && (inner & 4) !== 0;
  return writeBack ? WRITE_BACK : 6;
}
