// The value builder: everything that an instruction's semantics may say. One method is one thing that the Arm ARM's
// pseudocode says; none of them tells how it is done.
//
// Three rules:
// 1. Two times. `decode` runs on plain numbers; `execute` on abstract values. An `if` in `execute` may only look at a split
//    field, which is a plain number in every back end. Everything else is `select`.
// 2. One instruction is one transaction. Reads see the state before the instruction. Effects happen in the order: checks and
//    loads, stores, register writes, branch. An instruction that faults has changed nothing.
// 3. Architected operations are primitives. `float2` obeys FPCR and accumulates into FPSR, `load` translates and may abort.

import type { Cell, Cond, Gpr, Imm, Label, Vreg } from './operands.ts';
import type { AnyValue, Bool, Flags, Float, FloatWidth, Int, Layout, Vec, Width } from './values.ts';

/** Fields of PSTATE that semantics may read: `SP` is PSTATE.SP, `DAIF` is D:A:I:F in bits 3:0. */
export type PstateField = 'EL' | 'SP' | 'DAIF' | 'PAN' | 'UAO' | 'IL' | 'SS';

/** How an access differs from a plain one. */
export interface Access {
  /** LDTR, STTR: checked with the permissions of EL0 when executed at EL1 (or at EL2 with HCR_EL2.E2H,TGE set). */
  readonly unprivileged?: true;
  /** An unaligned address faults whatever SCTLR_ELx.A says: exclusives, acquire and release. */
  readonly aligned?: true;
  /** Acquire or release semantics: nothing to do on a machine that interleaves, recorded for syndromes. */
  readonly ordered?: true;
}

/** Synchronous exceptions that an instruction asks for by itself. */
export type Raise = 'svc' | 'hvc' | 'smc' | 'brk' | 'hlt' | 'undefined';

/** Operations on one floating-point number. `recpe`, `rsqrte`, `recpx` are FRECPE, FRSQRTE, FRECPX. */
export type Float1 = 'neg' | 'abs' | 'sqrt' | 'recpe' | 'rsqrte' | 'recpx';
/** Operations on two; `recps` and `rsqrts` are the fused steps, `mulx` FMULX, `abd` FABD, `nmul` FNMUL. */
export type Float2 =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'max'
  | 'min'
  | 'maxnm'
  | 'minnm'
  | 'mulx'
  | 'nmul'
  | 'abd'
  | 'recps'
  | 'rsqrts';
/** Fused: `madd` is a + n*m, `msub` a - n*m, `nmadd` -a - n*m, `nmsub` -a + n*m (DDI 0487 C7, FMADD and its kin). */
export type Float3 = 'madd' | 'msub' | 'nmadd' | 'nmsub';
/** A rounding mode: by FPCR, to nearest even, towards +inf, -inf, zero, to nearest away; `odd` is FCVTXN's. */
export type Rounding = 'fpcr' | 'even' | 'plus' | 'minus' | 'zero' | 'away' | 'odd';
/** Lane sizes in bits. */
export type LaneSize = 8 | 16 | 32 | 64;
/** Lane-wise operations that a back end does with one instruction of its own where it can; integers modulo the lane. */
export type LaneOp2 =
  'add' | 'sub' | 'mul' | 'eq' | 'gts' | 'ges' | 'gtu' | 'geu' | 'mins' | 'maxs' | 'minu' | 'maxu' | 'tst';
/** The same with one operand. `cnt`, `clz`, `rbit` are per lane; `not` is bitwise. */
export type LaneOp1 = 'neg' | 'abs' | 'not' | 'cnt' | 'clz' | 'rbit';

/** One lane-wise input of `map`: which elements of which vector feed lane 0, 1, 2 … of the result. */
export interface LaneInput {
  /** The vector. */
  readonly from: Vec;
  /** Bits of an element. */
  readonly size: LaneSize;
  /** Elements are sign-extended to 64 bits when true, else zero-extended. */
  readonly signed: boolean;
  /** Element that feeds lane 0. Default 0. */
  readonly first?: number;
  /** Distance between elements of successive lanes: 1 (default), 2 for pairwise, 0 for by-element. */
  readonly step?: 0 | 1 | 2;
}

/** What `execute` works with. `Int<64>` lanes of `map` are truncated to the result's lane size. */
export interface Builder {
  // ---- constants and operands
  /** A constant. A plain number is sign-extended from 32 bits. */
  int<W extends Width>(w: W, value: Imm | number): Int<W>;
  /** A constant from two 32-bit halves (plain numbers known at specialisation). */
  constant64(low: number, high: number): Int<64>;
  /** A true or false known at specialisation. */
  bool(value: boolean): Bool;

  // ---- state: registers read as they were before the instruction; a 32-bit write clears the upper half
  x<W extends Width>(r: Gpr, w: W): Int<W>;
  /** The base register of a load or store: SP is checked for its alignment (SCTLR_ELx.SA). */
  address(r: Gpr): Int<64>;
  setX<W extends Width>(r: Gpr, value: Int<W>): void;
  /** The low bits of a vector register as a number. */
  f<W extends FloatWidth>(r: Vreg, w: W): Float<W>;
  /** Writes a number and clears the rest of the 128 bits. */
  setF<W extends FloatWidth>(r: Vreg, value: Float<W>): void;
  v(r: Vreg): Vec;
  /** Writes all 128 bits. */
  setV(r: Vreg, value: Vec): void;
  /** A system register that is nothing but 64 bits. */
  cell(c: Cell): Int<64>;
  setCell(c: Cell, value: Int<64>): void;
  /** A field of PSTATE, zero-extended. */
  pstate(field: PstateField): Int<32>;
  /** Writes PSTATE.DAIF from bits 3:0; an interrupt that this unmasks is taken before the next instruction. */
  setDaif(value: Int<32>): void;
  /** FPSR or FPCR as 64 bits. */
  fpsr(): Int<64>;
  setFpsr(value: Int<64>): void;
  fpcr(): Int<64>;
  setFpcr(value: Int<64>): void;

  // ---- integers
  add<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  sub<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  mul<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  mulHigh(a: Int<64>, b: Int<64>, signed: boolean): Int<64>;
  /** Division as A64 has it: by zero is zero, and the most negative number by -1 is itself. */
  div<W extends Width>(a: Int<W>, b: Int<W>, signed: boolean): Int<W>;
  and<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  or<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  xor<W extends Width>(a: Int<W>, b: Int<W>): Int<W>;
  not<W extends Width>(a: Int<W>): Int<W>;
  /** Shifts and rotates take the amount modulo the width. */
  shl<W extends Width>(a: Int<W>, n: Int<W>): Int<W>;
  shr<W extends Width>(a: Int<W>, n: Int<W>): Int<W>;
  sar<W extends Width>(a: Int<W>, n: Int<W>): Int<W>;
  ror<W extends Width>(a: Int<W>, n: Int<W>): Int<W>;
  clz<W extends Width>(a: Int<W>): Int<W>;
  reverseBits<W extends Width>(a: Int<W>): Int<W>;
  /** Reverses the bytes of every `unit` bits. */
  reverseBytes<W extends Width>(a: Int<W>, unit: 16 | 32 | 64): Int<W>;
  /** The lowest `bits` of `a`, sign- or zero-extended to `w`. */
  extend<V extends Width, W extends Width>(
    a: Int<V>,
    bits: 1 | 8 | 16 | 32 | 64,
    signed: boolean,
    w: W,
  ): Int<W>;
  /** CRC32 (polynomial 0x04C11DB7) or CRC32C (0x1EDC6F41) of the low `bytes` bytes of `value`, bit-reflected as CRC32x has it. */
  crc32(accumulator: Int<32>, value: Int<64>, bytes: 1 | 2 | 4 | 8, castagnoli: boolean): Int<32>;

  // ---- conditions
  isZero<W extends Width>(a: Int<W>): Bool;
  equal<W extends Width>(a: Int<W>, b: Int<W>): Bool;
  less<W extends Width>(a: Int<W>, b: Int<W>, signed: boolean): Bool;
  bit<W extends Width>(a: Int<W>, n: Imm | number): Bool;
  invert(a: Bool): Bool;
  both(a: Bool, b: Bool): Bool;
  either(a: Bool, b: Bool): Bool;
  select<T extends AnyValue>(c: Bool, yes: T, no: T): T;

  // ---- flags
  /** `a + b` with the flags that it sets. */
  adds<W extends Width>(a: Int<W>, b: Int<W>): readonly [Int<W>, Flags];
  subs<W extends Width>(a: Int<W>, b: Int<W>): readonly [Int<W>, Flags];
  /** AddWithCarry() with PSTATE.C: ADC, and SBC with `b` inverted. */
  addCarry<W extends Width>(a: Int<W>, b: Int<W>): readonly [Int<W>, Flags];
  /** N and Z of a result, C and V clear. */
  logical<W extends Width>(a: Int<W>): Flags;
  /** From a constant with N in bit 3 and V in bit 0. */
  nzcv(value: Imm | number): Flags;
  /** From and to bits 31:28 of a 64-bit value, as MSR and MRS NZCV have it. */
  nzcvFrom(value: Int<64>): Flags;
  nzcvBits(): Int<64>;
  setFlags(f: Flags): void;
  /** ConditionHolds() on PSTATE as it was before the instruction. */
  holds(c: Cond): Bool;

  // ---- memory: translated, checked as a whole, in the byte order of SCTLR_ELx.EE/E0E. Any access may end the instruction with an abort
  load<T extends AnyValue>(va: Int<64>, as: Layout<T>, how?: Access): T;
  /** One access of twice the size: two values at `va` and `va + bytes`. */
  loadPair<T extends AnyValue>(va: Int<64>, as: Layout<T>, how?: Access): readonly [T, T];
  store<T extends AnyValue>(va: Int<64>, as: Layout<T>, value: T, how?: Access): void;
  storePair<T extends AnyValue>(va: Int<64>, as: Layout<T>, first: T, second: T, how?: Access): void;
  loadExclusive<T extends AnyValue>(va: Int<64>, as: Layout<T>): T;
  loadExclusivePair<T extends AnyValue>(va: Int<64>, as: Layout<T>): readonly [T, T];
  /** Stores if the monitor allows; zero if it did, one if not. */
  storeExclusive<T extends AnyValue>(va: Int<64>, as: Layout<T>, value: T): Int<32>;
  storeExclusivePair<T extends AnyValue>(va: Int<64>, as: Layout<T>, first: T, second: T): Int<32>;
  clearExclusive(): void;
  /** DC ZVA: zeroes the 64-byte block that holds `va`. */
  zeroBlock(va: Int<64>): void;
  /**
   * A cache operation by address: translated with the fault behaviour of the named access and no other effect, since the
   * machine's caches are coherent. `fetch` is IC IVAU.
   */
  cacheOp(va: Int<64>, as: 'read' | 'write' | 'fetch'): void;
  /** True where a trap control may apply to DC and IC by address at the current level (`Layout.cacheTraps`). */
  cacheTrapped(): Bool;
  /** True where accesses of a group of checked system registers may trap at the current level (`Layout.accessTraps`). */
  accessTrapped(group: Imm): Bool;

  // ---- control
  /** The instruction's address plus an offset. */
  pc(plus: Label): Int<64>;
  /** The instruction's address with bits 11:0 cleared, plus `pages` times 4096 (ADRP). */
  pcPage(pages: Imm): Int<64>;
  jump(to: Label): void;
  jumpIf(c: Bool, to: Label): void;
  jumpTo(va: Int<64>, how: 'jump' | 'call' | 'return'): void;
  /** BL: jumps and writes X30. */
  call(to: Label): void;
  /** Ends the instruction with a synchronous exception. */
  raise(what: Raise, immediate: Imm | number): void;
  raiseIf(c: Bool, what: Raise, immediate: Imm | number): void;
  /** Hands the whole instruction to a named function in TypeScript (`cpu/handlers.ts`): ERET, WFI, TLBI, MSR with effects. */
  handler(name: string, ...args: readonly (Int<64> | Imm)[]): void;
  /** The same, with a 64-bit result for a register. */
  handlerResult(name: string, to: Gpr, ...args: readonly (Int<64> | Imm)[]): void;
  /** If `c` holds, the whole instruction is the named handler's and nothing else of it happens. Comes before other effects. */
  handlerIf(c: Bool, name: string, ...args: readonly (Int<64> | Imm)[]): void;
  /** The same, with a 64-bit result for a register. */
  handlerResultIf(c: Bool, name: string, to: Gpr, ...args: readonly (Int<64> | Imm)[]): void;

  // ---- floating point as the architecture has it, under FPCR and into FPSR
  float1<W extends FloatWidth>(op: Float1, a: Float<W>): Float<W>;
  float2<W extends FloatWidth>(op: Float2, a: Float<W>, b: Float<W>): Float<W>;
  /** `n * m` and `a` with one rounding. */
  float3<W extends FloatWidth>(op: Float3, a: Float<W>, n: Float<W>, m: Float<W>): Float<W>;
  /** FCMP (`signalling` false: only signalling NaNs raise Invalid) and FCMPE. */
  floatCompare<W extends FloatWidth>(a: Float<W>, b: Float<W>, signalling: boolean): Flags;
  /** FCMEQ (quiet), FCMGE, FCMGT (signalling). */
  floatTest<W extends FloatWidth>(op: 'eq' | 'ge' | 'gt', a: Float<W>, b: Float<W>): Bool;
  /** To a fixed-point number of `w` bits with `fraction` fraction bits, saturating. */
  floatToInt<W extends FloatWidth, V extends Width>(
    a: Float<W>,
    w: V,
    signed: boolean,
    rounding: Rounding,
    fraction?: Imm | number,
  ): Int<V>;
  intToFloat<V extends Width, W extends FloatWidth>(
    a: Int<V>,
    w: W,
    signed: boolean,
    fraction?: Imm | number,
  ): Float<W>;
  /** FRINTx: `exact` raises Inexact (FRINTX). */
  floatRound<W extends FloatWidth>(a: Float<W>, rounding: Rounding, exact: boolean): Float<W>;
  floatConvert<W extends FloatWidth, V extends FloatWidth>(a: Float<W>, w: V, rounding?: Rounding): Float<V>;
  /** The bits of a number, zero-extended from 16 bits where it is a half. */
  bits16(a: Float<16>): Int<32>;
  bits32(a: Float<32>): Int<32>;
  bits64(a: Float<64>): Int<64>;
  fromBits16(a: Int<32>): Float<16>;
  fromBits32(a: Int<32>): Float<32>;
  fromBits64(a: Int<64>): Float<64>;
  /** The low `w` bits of a lane as a number, and back (zero-extended). For use in `map`. */
  laneToFloat<W extends FloatWidth>(lane: Int<64>, w: W): Float<W>;
  floatToLane<W extends FloatWidth>(a: Float<W>): Int<64>;
  /** URECPE and URSQRTE. */
  intEstimate(op: 'urecpe' | 'ursqrte', a: Int<64>): Int<64>;

  // ---- vectors
  vzero(): Vec;
  /** Two constant halves known at decode time. */
  vconst(low: Imm, high: Imm): Vec;
  /** Bits 63:0 kept, the rest cleared: what a 64-bit vector instruction writes. */
  lowHalf(a: Vec): Vec;
  lanes2(op: LaneOp2, size: LaneSize, a: Vec, b: Vec): Vec;
  lanes1(op: LaneOp1, size: LaneSize, a: Vec): Vec;
  /** Shift of every lane by an amount below the lane size (for right shifts up to and including it). */
  laneShift(op: 'shl' | 'shr' | 'sar', size: LaneSize, a: Vec, amount: Imm | number): Vec;
  vand(a: Vec, b: Vec): Vec;
  vor(a: Vec, b: Vec): Vec;
  vxor(a: Vec, b: Vec): Vec;
  splat(size: LaneSize, a: Int<64>): Vec;
  /** An element, extended to `w`. The index is a constant of the instruction. */
  lane<W extends Width>(size: LaneSize, a: Vec, index: Imm | number, signed: boolean, w: W): Int<W>;
  /** `a` with one element replaced by the low bits of `value`. */
  withLane(size: LaneSize, a: Vec, index: Imm | number, value: Int<64>): Vec;
  /** Byte `i` of the result is byte `indices[i]` (0 to 31) of `a` followed by `b`. */
  shuffle(a: Vec, b: Vec, indices: readonly number[]): Vec;
  /** Bytes `start` to `start + 15` of `a` followed by `b`: EXT. */
  extract(a: Vec, b: Vec, start: Imm | number): Vec;
  /** TBL and TBX: bytes of `table` (1 to 4 registers) by the bytes of `index`; out of range gives the byte of `otherwise`. */
  tableLookup(table: readonly Vec[], index: Vec, otherwise: Vec): Vec;
  /**
   * Lane by lane, in order: `count` lanes of `size` bits; the rest of the 128 bits is zero. `each` sees one `Int<64>` per
   * input and is run once by an emitting back end, so it may not count. This is the general form: prefer the others.
   */
  map(
    size: LaneSize,
    count: number,
    inputs: readonly LaneInput[],
    each: (...lanes: readonly Int<64>[]) => Int<64>,
  ): Vec;
  /** Sets FPSR.QC if the condition holds. */
  saturated(c: Bool): void;
}
