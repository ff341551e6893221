// What the translator does about an instruction of the guest's kernel (DDI 0487 C4.1): by the instruction table's row, so that no
// encoding is without an answer. What is not known to be innocuous is called out.

import { decode } from '@worldswitch/isa-core';
import type { Decoded } from '@worldswitch/isa-core';

/** How an instruction is translated. */
export type Kind =
  /** As it is. */
  | 'same'
  /** ADR, ADRP. */
  | 'address'
  /** A load of a literal. */
  | 'literal'
  /** A prefetch of a literal: nothing is left of it. */
  | 'nothing'
  /** B, BL; B.cond, CBZ, CBNZ, TBZ, TBNZ; BR, BLR, RET. */
  | 'branch'
  | 'conditional'
  | 'indirect'
  /** MRS and MSR. */
  | 'mrs'
  | 'msr'
  /** MSR DAIFSet, DAIFClr. */
  | 'mask'
  /** LDTR, STTR. */
  | 'unprivileged'
  /** IC IVAU. */
  | 'line'
  /** TLBI of an address, of the last level alone. */
  | 'entry'
  /** To the hypervisor, which emulates it. */
  | 'emulate'
  /** The same for ERET, and for what is no instruction: where it is executed, that is as seldom as what is behind it. */
  | 'last';

/** TLBI VALE1IS; bits 10 and 6 make VALE1, VAALE1IS and VAALE1 of it. */
const TLBI_LAST = 0xd508_83a0;
const ERET = 0xd69f_03e0;
/** Words that are remembered. */
const MOST = 1 << 16;

const branches: Readonly<Record<string, Kind>> = {
  'B/BL': 'branch',
  'B.cond': 'conditional',
  'CBZ/CBNZ': 'conditional',
  'TBZ/TBNZ': 'conditional',
  'BR/BLR/RET': 'indirect',
};
const special: Readonly<Record<string, Kind>> = {
  ADR: 'address',
  ADRP: 'address',
  'Load register (literal)': 'literal',
  'Load register (literal, SIMD&FP)': 'literal',
  'PRFM (literal)': 'nothing',
  'Load/store register (unprivileged)': 'unprivileged',
  'MSR DAIFSet, DAIFClr': 'mask',
  BRK: 'same',
  'WFE, WFI, SEV, SEVL': 'same',
  'DC ZVA': 'same',
  HINT: 'same',
  CLREX: 'same',
  DSB: 'same',
  DMB: 'same',
  ISB: 'same',
};

/** Data processing, loads and stores: bits 28:25 (op0 of C4.1), x0x0 is branches, exceptions and system instructions. */
const isSystem = (word: number): boolean => ((word >>> 26) & 7) === 5;

/**
 * True for most of what compilers emit, which is innocuous and needs no look into the table (C4.1.86 on): ADD and SUB of immediates and
 * of shifted registers, logical operations of registers, MOV of immediates, LDR and STR of integers with an offset, LDP and STP. False
 * for others, whatever they are.
 */
export function isPlainWord(word: number): boolean {
  const wide = word < 0 || word > 0x7fff_ffff;
  switch ((word >>> 24) & 0x1f) {
    case 0x11:
      return (word & 0x80_0000) === 0;
    case 0x12:
      // MOVN, MOVZ, MOVK; the halves of W registers are two.
      return (word & 0x80_0000) !== 0 && ((word >>> 29) & 3) !== 1 && (wide || (word & 0x40_0000) === 0);
    case 0x0b:
      return (word & 0x20_0000) === 0 && (word & 0xc0_0000) !== 0xc0_0000 && (wide || (word & 0x8000) === 0);
    case 0x0a:
      return wide || (word & 0x8000) === 0;
    case 0x19:
      // LDR and STR with an unsigned offset: no sign extension, no SIMD and FP, no prefetch.
      return (word & 0x2480_0000) === 0x2000_0000;
    case 0x08:
    case 0x09:
      // LDP and STP of W or X registers; not the exclusives.
      return (word & 0x6400_0000) === 0x2000_0000;
    default:
      return false;
  }
}

/** What to do about it; undefined words are emulated, that is, they are UNDEFINED to the guest. */
export function kindOf(word: number, decoded: Decoded | undefined): Kind {
  if (decoded === undefined || word === ERET) return 'last';
  const { name } = decoded.row;
  const known = branches[name] ?? special[name];
  if (known !== undefined) return known;
  if (name.startsWith('MRS')) return 'mrs';
  if (name.startsWith('MSR') && (word & 0xfff0_0000) >>> 0 === 0xd510_0000) return 'msr';
  if ((word & 0xffff_ffe0) >>> 0 === 0xd50b_7520) return 'line';
  if ((word & 0xffff_fba0) >>> 0 === TLBI_LAST) return 'entry';
  // DC IVAC is for EL1 alone; the other cache maintenance by address EL0 may do, and IC IVAU is what the translator must know.
  if (name.startsWith('DC IVAC, CVAC'))
    return ((word >>> 12) & 15) === 7 && ((word >>> 16) & 7) === 3 && ((word >>> 8) & 15) !== 5
      ? 'same'
      : 'emulate';
  if (isSystem(word) || name === 'UDF') return 'emulate';
  return 'same';
}

/** Kinds of the words that were seen: what compilers emit repeats itself. */
export class Kinds {
  private readonly known = new Map<number, Kind>();

  /** What to do about a word. */
  of(word: number): Kind {
    // Small integers make faster keys.
    const key = word | 0;
    let kind = this.known.get(key);
    if (kind === undefined) {
      if (this.known.size >= MOST) this.known.clear();
      kind = isPlainWord(word) ? 'same' : kindOf(word, decode(word));
      this.known.set(key, kind);
    }
    return kind;
  }
}
