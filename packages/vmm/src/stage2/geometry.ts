// The shape of stage 2 tables of 4 KiB pages: start level, concatenation, VTCR_EL2 (DDI 0487 D8.2, D17.2 VTCR_EL2).

import { ConfigurationError } from '@worldswitch/machine';

/** Log2 of the bytes that one descriptor of a level maps. */
export const levelShift = (level: number): number => 12 + 9 * (3 - level);

/** Bytes that one descriptor of a level maps. */
export const levelSpan = (level: number): number => 2 ** levelShift(level);

/** Physical address sizes by their encoding in VTCR_EL2.PS and ID_AA64MMFR0_EL1.PARange. */
const SIZES: readonly number[] = [32, 36, 40, 42, 44, 48];

/** The shape of a set of tables. */
export interface Geometry {
  /** Bits of an IPA, 25 to 48. */
  readonly ipaBits: number;
  /** Bits of the CPU's physical addresses: 32, 36, 40, 42, 44 or 48. */
  readonly paBits: number;
  /** Level of the first lookup, 0 to 2. */
  readonly start: number;
}

/** Physical address bits that an ID_AA64MMFR0_EL1 tells; 48 for more. */
export const paBitsOf = (mmfr0Lo: number): number => SIZES[mmfr0Lo & 15] ?? 48;

/** Log2 of the descriptors in the first table, or tables: up to 16 are concatenated. */
export const rootBits = (g: Geometry): number => g.ipaBits - levelShift(g.start);

/** Bytes of the first table, to which it is aligned. */
export const rootBytes = (g: Geometry): number => 8 * 2 ** rootBits(g);

/** True where the architecture allows this start level. */
function allowed(g: Geometry): boolean {
  const bits = rootBits(g);
  return g.start >= 0 && g.start <= 2 && bits >= 1 && bits <= 13 && (g.start > 0 || g.paBits >= 44);
}

/**
 * Checks a shape, or chooses its start level: the one with the fewest levels, with concatenated tables.
 *
 * @throws ConfigurationError that names the field
 */
export function geometry(ipaBits: number, paBits: number, start?: number): Geometry {
  if (!SIZES.includes(paBits)) {
    throw new ConfigurationError('paBits', `must be one of ${SIZES.join(', ')}, but is ${paBits}`);
  }
  if (!Number.isInteger(ipaBits) || ipaBits < 25 || ipaBits > paBits) {
    throw new ConfigurationError('ipaBits', `must be 25 to ${paBits}, but is ${ipaBits}`);
  }
  const levels = start === undefined ? [2, 1, 0] : [start];
  const found = levels.map((level) => ({ ipaBits, paBits, start: level })).find(allowed);
  if (found === undefined) {
    throw new ConfigurationError('startLevel', `cannot be ${String(start)} for ${ipaBits} bits`);
  }
  return found;
}

/** VTCR_EL2: walks are Write-Back and Inner Shareable; bit 31 is RES1. */
export function vtcrOf(g: Geometry): number {
  const walks = (1 << 8) | (1 << 10) | (3 << 12);
  const size = (64 - g.ipaBits) | ((2 - g.start) << 6) | (SIZES.indexOf(g.paBits) << 16);
  return (walks | size | (1 << 31)) >>> 0;
}
