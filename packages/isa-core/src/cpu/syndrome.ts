// Exception classes and syndromes (DDI 0487 D17.2.37, ESR_ELx), and their reading in words.

/** ESR_ELx.EC. Classes of a lower exception level are given; `sameLevel` adds what the current level's are. */
export const EC = {
  Unknown: 0x00,
  Wfx: 0x01,
  FpAccess: 0x07,
  IllegalState: 0x0e,
  Svc64: 0x15,
  Hvc64: 0x16,
  Smc64: 0x17,
  SystemRegister: 0x18,
  InstructionAbort: 0x20,
  PcAlignment: 0x22,
  DataAbort: 0x24,
  SpAlignment: 0x26,
  FpException: 0x2c,
  SError: 0x2f,
  Breakpoint: 0x30,
  SoftwareStep: 0x32,
  Watchpoint: 0x34,
  Brk64: 0x3c,
} as const;

/** A syndrome with IL set: class in bits 31:26, IL in bit 25, ISS in bits 24:0. */
export const syndrome = (ec: number, iss = 0): number => ((ec << 26) | (1 << 25) | iss) >>> 0;

const CLASS_NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, 'unknown reason (undefined instruction)'],
  [0x01, 'trapped WFI or WFE'],
  [0x07, 'trapped access to FP or SIMD registers'],
  [0x0e, 'illegal execution state'],
  [0x15, 'SVC'],
  [0x16, 'HVC'],
  [0x17, 'SMC'],
  [0x18, 'trapped MSR, MRS or system instruction'],
  [0x20, 'instruction abort from a lower level'],
  [0x21, 'instruction abort from the same level'],
  [0x22, 'PC alignment fault'],
  [0x24, 'data abort from a lower level'],
  [0x25, 'data abort from the same level'],
  [0x26, 'SP alignment fault'],
  [0x2c, 'floating-point exception'],
  [0x2f, 'SError interrupt'],
  [0x30, 'breakpoint from a lower level'],
  [0x31, 'breakpoint from the same level'],
  [0x32, 'software step from a lower level'],
  [0x33, 'software step from the same level'],
  [0x34, 'watchpoint from a lower level'],
  [0x35, 'watchpoint from the same level'],
  [0x3c, 'BRK'],
]);

const FAULT_NAMES: readonly string[] = [
  'address size fault',
  'translation fault',
  'access flag fault',
  'permission fault',
];

/** A fault status code in words. */
export function describeFaultStatus(code: number): string {
  if (code < 16) return `${FAULT_NAMES[code >> 2] ?? ''}, level ${code & 3}`;
  if (code === 0x10) return 'synchronous external abort';
  if (code >= 0x14 && code <= 0x17) return `external abort on a table walk, level ${code & 3}`;
  if (code === 0x21) return 'alignment fault';
  if (code === 0x30) return 'TLB conflict';
  return `fault status ${code.toString(2)}`;
}

/** An exception class in words. */
export function describeClass(ec: number): string {
  return CLASS_NAMES.get(ec) ?? `exception class 0x${ec.toString(16)}`;
}

/** ESR_ELx in words, for reports. */
export function describeSyndrome(esr: number): string {
  const ec = esr >>> 26;
  const iss = esr & 0x1ff_ffff;
  const name = describeClass(ec);
  if (ec === 0x15 || ec === 0x16 || ec === 0x17 || ec === 0x3c)
    return `${name} #0x${(iss & 0xffff).toString(16)}`;
  if (ec === 0x20 || ec === 0x21) return `${name}: ${describeFaultStatus(iss & 63)}`;
  if (ec === 0x24 || ec === 0x25) {
    return `${name}: ${describeFaultStatus(iss & 63)}, on a ${(iss & 64) !== 0 ? 'write' : 'read'}`;
  }
  return name;
}

/** Bits of the ISS of a data abort. */
export const DataIss = { ISV: 0x1000000, FnV: 0x400, CM: 0x100, S1PTW: 0x80, WnR: 0x40 } as const;

/**
 * ISV, SAS, SSE, SRT, SF and AR for the instruction `word` (DDI 0487 D17.2.37, "ISS encoding for an exception from a Data
 * Abort"): valid for loads and stores of one general register without write-back, exclusives excepted.
 */
export function instructionSyndrome(word: number): number {
  // LDAR, STLR and the LO forms: size 001000 1 L 0 Rs o0 Rt2 Rn Rt
  if ((word & 0x3fa0_0000) >>> 0 === 0x0880_0000) {
    const size = word >>> 30;
    return single(size, false, word & 31, size === 3, (word & 0x8000) !== 0);
  }
  // Register forms: size 111 V=0 …; write-back forms have bits 24 and 21 clear and bit 10 set
  if ((word & 0x3e00_0000) >>> 0 !== 0x3800_0000) return 0;
  const unsignedOffset = (word & 0x0100_0000) !== 0;
  if (!unsignedOffset) {
    const kind = (word >>> 10) & 3;
    const register = (word & 0x0020_0000) !== 0;
    if (register ? kind !== 2 : (kind & 1) !== 0) return 0;
  }
  const size = word >>> 30;
  const opc = (word >>> 22) & 3;
  if (size === 3 && opc === 2) return 0; // PRFM
  const signed = opc >= 2;
  return single(size, signed, word & 31, size === 3 || opc === 2, false);
}

function single(size: number, signed: boolean, rt: number, sf: boolean, ordered: boolean): number {
  return (
    DataIss.ISV |
    (size << 22) |
    (signed ? 1 << 21 : 0) |
    (rt << 16) |
    (sf ? 1 << 15 : 0) |
    (ordered ? 1 << 14 : 0)
  );
}
