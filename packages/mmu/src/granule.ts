// Granules, address sizes and levels: the arithmetic that both stages share (DDI 0487 D8.2).

import { addressBits, bits } from './bits.ts';
import type { MmuFeatures } from './controls.ts';

/** Log2 of the bytes of a page: 12, 14 or 16. */
export type GranuleShift = 12 | 14 | 16;

/** Physical address bits by the encoding of IPS, PS and PARange; 7 is reserved and means what is implemented. */
const SIZES: readonly number[] = [32, 36, 40, 42, 44, 48, 52, 52];

/** Output address bits that a field selects: never beyond what is implemented; 52 only with the 64 KiB granule. */
export function outputBits(encoding: number, granule: GranuleShift, features: MmuFeatures): number {
  const limit = granule === 16 ? features.paBits : Math.min(features.paBits, 48);
  return Math.min(SIZES[encoding & 7] ?? 48, limit);
}

/** TG0's encoding of a granule (also VTCR_EL2.TG0). Reserved and unimplemented ones give the smallest that there is. */
export function granuleOfTg0(field: number, features: MmuFeatures): GranuleShift {
  if (field === 1 && features.granule64k) return 16;
  if (field === 2 && features.granule16k) return 14;
  return smallest(features);
}

/** TG1's encoding of a granule. */
export function granuleOfTg1(field: number, features: MmuFeatures): GranuleShift {
  if (field === 3 && features.granule64k) return 16;
  if (field === 1 && features.granule16k) return 14;
  return smallest(features);
}

function smallest(features: MmuFeatures): GranuleShift {
  if (features.granule4k) return 12;
  return features.granule16k ? 14 : 16;
}

/** Log2 of the bytes that one descriptor of a level maps. */
export function levelShift(granule: GranuleShift, level: number): number {
  return granule + (granule - 3) * (3 - level);
}

/** Level of the first lookup for an input address of so many bits, without concatenation. */
export function startLevel(granule: GranuleShift, inputBits: number): number {
  return 3 - Math.floor((inputBits - granule - 1) / (granule - 3));
}

/** True when a descriptor of a level may be a block. */
export function blockAllowed(granule: GranuleShift, level: number, features: MmuFeatures): boolean {
  if (level === 2) return true;
  if (level !== 1) return false;
  return granule === 12 || (granule === 16 && features.paBits === 52);
}

/** The smallest and largest TxSZ. */
export function minTxsz(granule: GranuleShift, features: MmuFeatures): number {
  return granule === 16 && features.lva ? 12 : 16;
}

/** The largest TxSZ. */
export function maxTxsz(granule: GranuleShift, features: MmuFeatures): number {
  if (!features.ttst) return 39;
  return granule === 16 ? 47 : 48;
}

/**
 * The table base in a TTBR. The table has `2^sizeShift` bytes and is aligned to them: bits below are taken as zero. With
 * 52-bit output addresses (`wide`) bits 5:2 hold address bits 51:48 and the alignment is at least 64 bytes.
 */
export function tableBase(lo: number, hi: number, sizeShift: number, wide: boolean): number {
  if (!wide) return addressBits(lo, hi, sizeShift);
  return addressBits(lo, hi, Math.max(sizeShift, 6)) + bits(lo, hi, 2, 4) * 2 ** 48;
}

/** The output address in a descriptor, bits 47:`shift`; `wide` adds bits 51:48 from bits 15:12. */
export function outputAddress(lo: number, hi: number, shift: number, wide: boolean): number {
  const base = addressBits(lo, hi, shift);
  return wide ? base + bits(lo, hi, 12, 4) * 2 ** 48 : base;
}
