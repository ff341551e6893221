// The loads and stores that drivers and tables are made of, without the instruction table: one register, a base and an offset
// (DDI 0487 C6.2, LDR and STR (immediate), unsigned and unscaled).

import type { CpuPort, Word64 } from '@worldswitch/platform';

/** One access. */
export interface PlainAccess {
  bytes: 1 | 2 | 4 | 8;
  write: boolean;
  register: number;
  signed: boolean;
  /** The register is an X. */
  wide: boolean;
}

const BYTES = [1, 2, 4, 8] as const;
const access: PlainAccess = { bytes: 1, write: false, register: 0, signed: false, wide: false };
const base: Word64 = { lo: 0, hi: 0 };
const SP = 31;

/**
 * What an instruction word is; undefined where it is another one, or where its address is not `va`: then the guest has changed
 * something since it aborted.
 */
export function plainAccess(port: CpuPort, word: number, va: Readonly<Word64>): PlainAccess | undefined {
  const size = word >>> 30;
  const unsigned = (word & 0x3f00_0000) === 0x3900_0000;
  if (!unsigned && (word & 0x3f20_0c00) !== 0x3800_0000) return undefined;
  const opc = (word >>> 22) & 3;
  // PRFM, and what is unallocated.
  if ((size === 3 && opc >= 2) || (size === 2 && opc === 3)) return undefined;
  const n = (word >>> 5) & 31;
  if (n === SP) return undefined;
  const offset = unsigned ? ((word >>> 10) & 0xfff) << size : ((word << 11) >> 23) | 0;
  port.readX(n, base);
  const sum = base.lo + offset;
  const carry = sum >= 2 ** 32 ? 1 : sum < 0 ? -1 : 0;
  const lo = sum >>> 0;
  if (lo !== va.lo || (base.hi + carry) >>> 0 !== va.hi) return undefined;
  const bytes = BYTES[size & 3] ?? 8;
  if (lo % bytes !== 0) return undefined;
  access.bytes = bytes;
  access.write = opc === 0;
  access.register = word & 31;
  access.signed = opc >= 2;
  access.wide = opc === 2 || (opc < 2 && size === 3);
  return access;
}

/** LDTR and STTR, of any size. */
export const isUnprivileged = (word: number): boolean => (word & 0x3f20_0c00) >>> 0 === 0x3800_0800;

/** What Device memory wants an access to be aligned to, for a load or store of general registers; 1 of others. */
export function alignmentOf(word: number): number {
  const size = word >>> 30;
  // Vector registers, and what is neither of one register nor of a pair.
  if ((word & (1 << 26)) !== 0) return 1;
  if ((word & 0x3a00_0000) === 0x3800_0000) return 1 << size;
  // Pairs; LDPSW's have 32 bits.
  if ((word & 0x3a00_0000) === 0x2800_0000) return size === 2 ? 8 : 4;
  return 1;
}

/** Extends what was loaded. */
export function extend({ bytes, signed, wide }: PlainAccess, value: Word64): void {
  if (!signed) return;
  const shift = 32 - 8 * bytes;
  value.lo = ((value.lo << shift) >> shift) >>> 0;
  value.hi = wide && value.lo >>> 31 !== 0 ? 0xffff_ffff : 0;
}
