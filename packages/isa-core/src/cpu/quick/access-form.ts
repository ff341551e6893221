// The loads and stores whose meaning is simple, taken apart without the instruction table: LDR, STR and their kin, LDP and STP,
// LDAR and STLR (DDI 0487 C4.1.66). Exclusives and what else there is are nobody's here.

/** One of them. Made once, filled by every `accessForm`. */
export interface AccessForm {
  store: boolean;
  /** Registers of FP and SIMD. */
  vector: boolean;
  /** Bytes of one element. */
  bytes: number;
  /** 2 for a pair. */
  count: number;
  /** A load extends the sign, to 64 bits or, where `narrow`, to 32. */
  signed: boolean;
  narrow: boolean;
  /** With EL0's permissions: LDTR and STTR. */
  unprivileged: boolean;
  /** Faults if not aligned: LDAR and STLR. */
  aligned: boolean;
  /** Registers: of the base, 31 for SP; of the elements, 31 for zero. */
  base: number;
  first: number;
  second: number;
  /** Added to the base for the address, and afterwards to the base itself. */
  offset: number;
  writeBack: number;
  /** A register is added to the base. */
  indexed: boolean;
}

/** A form to be filled. */
export const createForm = (): AccessForm => ({
  store: false,
  vector: false,
  bytes: 0,
  count: 1,
  signed: false,
  narrow: false,
  unprivileged: false,
  aligned: false,
  base: 0,
  first: 0,
  second: 0,
  offset: 0,
  writeBack: 0,
  indexed: false,
});

/** Takes an instruction apart. False for one that is none of these. */
export function accessForm(word: number, f: AccessForm): boolean {
  f.vector = (word & 0x0400_0000) !== 0;
  f.base = (word >>> 5) & 31;
  f.first = word & 31;
  f.count = 1;
  f.unprivileged = f.aligned = f.indexed = false;
  f.offset = f.writeBack = 0;
  if ((word & 0x3a00_0000) === 0x2800_0000) return pair(word, f);
  if ((word & 0x3fbf_fc00) === 0x089f_fc00) {
    f.store = (word & 0x0040_0000) === 0;
    f.bytes = 1 << (word >>> 30);
    f.signed = f.narrow = false;
    f.aligned = true;
    return true;
  }
  if ((word & 0x3b00_0000) === 0x3900_0000) {
    if (!element(word, f)) return false;
    f.offset = ((word >>> 10) & 0xfff) * f.bytes;
    return true;
  }
  return (word & 0x3b00_0000) === 0x3800_0000 && element(word, f) && other(word, f);
}

/** Size, direction and extension of one register. */
function element(word: number, f: AccessForm): boolean {
  const size = word >>> 30;
  const opc = (word >>> 22) & 3;
  if (f.vector) {
    if (opc >= 2 && size !== 0) return false;
    f.bytes = opc >= 2 ? 16 : 1 << size;
    f.store = (opc & 1) === 0;
    f.signed = f.narrow = false;
    return true;
  }
  // PRFM, and what is not allocated.
  if (size === 3 ? opc >= 2 : size === 2 && opc === 3) return false;
  f.bytes = 1 << size;
  f.store = opc === 0;
  f.signed = opc >= 2;
  f.narrow = opc === 3;
  return true;
}

/** Unscaled, post-indexed, unprivileged and pre-indexed; a register as offset. */
function other(word: number, f: AccessForm): boolean {
  const kind = (word >>> 10) & 3;
  if ((word & 0x0020_0000) !== 0) {
    f.indexed = true;
    return kind === 2 && (word & 0x4000) !== 0;
  }
  const by = (word << 11) >> 23;
  f.unprivileged = kind === 2;
  if (f.unprivileged && f.vector) return false;
  if (kind !== 1) f.offset = by;
  if ((kind & 1) === 1) f.writeBack = by;
  // A base that is also loaded or stored is CONSTRAINED UNPREDICTABLE with write-back.
  return (kind & 1) === 0 || f.vector || f.base === 31 || f.base !== f.first;
}

function pair(word: number, f: AccessForm): boolean {
  const opc = word >>> 30;
  const kind = (word >>> 23) & 3;
  f.store = (word & 0x0040_0000) === 0;
  f.count = 2;
  f.second = (word >>> 10) & 31;
  f.signed = f.narrow = false;
  if (f.vector) {
    if (opc === 3) return false;
    f.bytes = 4 << opc;
  } else {
    // LDPSW is seldom.
    if ((opc & 1) === 1) return false;
    f.bytes = opc === 0 ? 4 : 8;
  }
  const by = ((word << 10) >> 25) * f.bytes;
  if (kind !== 1) f.offset = by;
  if ((kind & 1) === 1) {
    f.writeBack = by;
    if (!f.vector && f.base !== 31 && (f.base === f.first || f.base === f.second)) return false;
  }
  // The same register loaded twice is CONSTRAINED UNPREDICTABLE.
  return f.store || f.first !== f.second;
}
