// A CPU's registers as both engines see them: typed views of its block in the shared WebAssembly.Memory (`layout.ts`).

import { Layout } from './layout.ts';

const MASK64 = 0xffff_ffff_ffff_ffffn;

/** Places of bits in SPSR_ELx (DDI 0487 C5.2.18). */
export const SPSR_BIT = { D: 9, IL: 20, SS: 21, PAN: 22, UAO: 23 } as const;

/** D, A, I and F in `CpuState.daif`. */
export const DAIF = { D: 8, A: 4, I: 2, F: 1 } as const;

/** Typed access to a CPU's block. Values of 64 bits are unsigned BigInts: this is for handlers, not for hot paths. */
export class CpuState {
  /** The block as 32-bit words. */
  readonly u32: Uint32Array;
  /** The block as 64-bit words. */
  readonly u64: BigUint64Array;
  /** The block's bytes. */
  readonly bytes: Uint8Array;

  /**
   * @param memory - the machine's shared memory
   * @param base - byte offset of the block, a multiple of 8
   */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.u32 = new Uint32Array(memory.buffer, base, Layout.size / 4);
    this.u64 = new BigUint64Array(memory.buffer, base, Layout.size / 8);
    this.bytes = new Uint8Array(memory.buffer, base, Layout.size);
  }

  /** A general register; 31 is the current SP, 32 zero. */
  x(slot: number): bigint {
    return this.u64[Layout.x / 8 + slot] ?? 0n;
  }
  /** Writes a slot of `x`; the zero register stays zero. */
  setX(slot: number, value: bigint): void {
    if (slot !== 32) this.u64[Layout.x / 8 + slot] = value & MASK64;
  }
  get pc(): bigint {
    return this.u64[Layout.pc / 8] ?? 0n;
  }
  set pc(value: bigint) {
    this.u64[Layout.pc / 8] = value & MASK64;
  }
  /** N, Z, C and V in bits 31:28, the rest zero. */
  get nzcv(): number {
    return this.word(Layout.nzcv);
  }
  set nzcv(value: number) {
    this.setWord(Layout.nzcv, value & 0xf000_0000);
  }
  /** D, A, I, F in bits 3:0. */
  get daif(): number {
    return this.word(Layout.daif);
  }
  set daif(value: number) {
    this.setWord(Layout.daif, value & 15);
  }
  get el(): number {
    return this.word(Layout.el);
  }
  get spSel(): number {
    return this.word(Layout.sp);
  }
  get pan(): number {
    return this.word(Layout.pan);
  }
  set pan(value: number) {
    this.setWord(Layout.pan, value & 1);
  }
  get il(): number {
    return this.word(Layout.il);
  }
  set il(value: number) {
    this.setWord(Layout.il, value & 1);
  }
  get ss(): number {
    return this.word(Layout.ss);
  }
  set ss(value: number) {
    this.setWord(Layout.ss, value & 1);
  }
  get uao(): number {
    return this.word(Layout.uao);
  }
  set uao(value: number) {
    this.setWord(Layout.uao, value & 1);
  }

  /** A 32-bit word of the block. */
  word(offset: number): number {
    return this.u32[offset >> 2] ?? 0;
  }
  /** Writes a 32-bit word of the block. */
  setWord(offset: number, value: number): void {
    this.u32[offset >> 2] = value;
  }
  /** A system-register cell. */
  cell(index: number): bigint {
    return this.u64[Layout.cells / 8 + index] ?? 0n;
  }
  /** Writes a system-register cell. */
  setCell(index: number, value: bigint): void {
    this.u64[Layout.cells / 8 + index] = value & MASK64;
  }

  /** PSTATE as an exception saves it in SPSR_ELx: 32 bits. */
  get spsr(): number {
    const mode = (this.el << 2) | this.spSel;
    const low =
      mode | (this.daif << 6) | (this.il << 20) | (this.ss << 21) | (this.pan << 22) | (this.uao << 23);
    return (this.nzcv | low) >>> 0;
  }

  /** A system-register cell in halves. */
  cellLo(index: number): number {
    return this.u32[(Layout.cells >> 2) + 2 * index] ?? 0;
  }
  cellHi(index: number): number {
    return this.u32[(Layout.cells >> 2) + 2 * index + 1] ?? 0;
  }
  /** Writes a system-register cell by halves. */
  setCellHalves(index: number, lo: number, hi: number): void {
    const at = (Layout.cells >> 2) + 2 * index;
    this.u32[at] = lo;
    this.u32[at + 1] = hi;
  }
  get pcLo(): number {
    return this.u32[Layout.pc >> 2] ?? 0;
  }
  get pcHi(): number {
    return this.u32[(Layout.pc >> 2) + 1] ?? 0;
  }
  /** Sets the PC by halves. */
  setPc(lo: number, hi: number): void {
    this.u32[Layout.pc >> 2] = lo;
    this.u32[(Layout.pc >> 2) + 1] = hi;
  }
  /** Moves the PC to the next instruction. */
  nextPc(): void {
    const lo = (this.pcLo + 4) >>> 0;
    if (lo < 4) this.u32[(Layout.pc >> 2) + 1] = this.pcHi + 1;
    this.u32[Layout.pc >> 2] = lo;
  }

  /** Sets PSTATE.EL and PSTATE.SP and exchanges the stack pointer that slot 31 shows. `spCells` holds SP_EL0 to SP_EL3. */
  setMode(el: number, spSel: number, spCells: readonly number[]): void {
    const { u32 } = this;
    const sp = (Layout.x >> 2) + 62;
    const old = (Layout.cells >> 2) + 2 * (spCells[this.spSel === 0 ? 0 : this.el] ?? 0);
    u32[old] = u32[sp] ?? 0;
    u32[old + 1] = u32[sp + 1] ?? 0;
    u32[Layout.el >> 2] = el;
    u32[Layout.sp >> 2] = spSel;
    const now = (Layout.cells >> 2) + 2 * (spCells[spSel === 0 ? 0 : el] ?? 0);
    u32[sp] = u32[now] ?? 0;
    u32[sp + 1] = u32[now + 1] ?? 0;
  }
}
