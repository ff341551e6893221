// Where a CPU's state lies in the shared WebAssembly.Memory: both engines and all handlers work on these bytes.
// All offsets are in bytes from the CPU's base; everything is little-endian.

/** Offsets in a CPU's block. */
export const Layout = {
  /** X0 to X30 at 0 to 30; 31 is the current SP; 32 reads as zero; 33 takes discarded writes. 8 bytes each. */
  x: 0x000,
  /** Program counter, 64 bits. */
  pc: 0x110,
  /** NZCV in bits 31:28, 32 bits. */
  nzcv: 0x118,
  /** D:A:I:F in bits 3:0, 32 bits. */
  daif: 0x11c,
  /** Exception level 0 to 3. */
  el: 0x120,
  /** PSTATE.SP. */
  sp: 0x124,
  pan: 0x128,
  uao: 0x12c,
  il: 0x130,
  ss: 0x134,
  /** FPCR and FPSR, 64 bits each (upper halves zero). */
  fpcr: 0x138,
  fpsr: 0x140,
  /** Non-zero when an FP or SIMD instruction traps at the current level, 32 bits (derived). */
  fpTrap: 0x148,
  /** Non-zero when an interrupt can be taken if PSTATE allows, whatever DAIF says: poll after unmasking, 32 bits (derived). */
  pendingPins: 0x14c,
  /**
   * What is left of the slice, signed 32 bits: counted down by engines. Instructions or, with costs, units of cost; then the
   * word behind it counts instructions down from 0, and both are one number of 64 bits: see `Slice`.
   */
  remaining: 0x150,
  retired: 0x154,
  /** What the interpreter left its loop about. */
  exitVa: 0x158,
  exitInfo: 0x160,
  /** Exclusive monitor: 1 if open, bytes of the access, host offset (all 32 bits) and the value that was loaded (128 bits). */
  exclusiveOpen: 0x168,
  exclusiveBytes: 0x16c,
  exclusiveHost: 0x170,
  exclusiveValue: 0x178,
  /** Byte offset (in the memory) of the fast TLB of the current translation context, and of unprivileged accesses (derived). */
  tlb: 0x188,
  tlbUnprivileged: 0x18c,
  /** Byte offset of the fetch TLB of the current context (derived). */
  fetchTlb: 0x190,
  /** Non-zero when data accesses are big-endian at the current level (derived). */
  bigEndian: 0x194,
  /** 15 where a load or store through SP needs an aligned SP (SCTLR_ELx.SA), else 0, 32 bits (derived). */
  spCheck: 0x198,
  /** Non-zero where SCTLR_EL1.DZE, UCI or HCR_EL2.TPC, TPU, TDZ may trap DC and IC by address at the current level (derived). */
  cacheTraps: 0x19c,
  /** Instruction sets that this CPU has not, bits of `optionalFeatures`, 32 bits (derived). */
  absent: 0x1a0,
  /** Groups of checked system registers whose accesses may trap at the current level, 32 bits (derived). */
  accessTraps: 0x1a4,
  /** What the last instruction was to software step: 1 if it was stepped, 2 if it was an exclusive load too. */
  stepped: 0x1b0,
  /** Cycles of the 64 that PMCR_EL0.D divides by, 0 to 63. */
  cycleDivider: 0x1b4,
  /** Units of cost that do not make a cycle yet, for the performance monitors: 0 unless instructions have costs. */
  cycleFraction: 0x1b8,
  /** V0 to V31 at 0 to 31, 16 bytes each; 32 to 47 are scratch of the engines. */
  v: 0x200,
  /** System-register cells by index, 8 bytes each. */
  cells: 0x800,
  /** Number of cells that fit. */
  cellCount: 0x300,
  /** Bytes of a CPU's block. */
  size: 0x2000,
} as const;
