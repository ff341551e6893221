// Taking exceptions and returning from them (DDI 0487 D1.3, AArch64.TakeException and AArch64.ExceptionReturn).

import type { Cpu } from './cpu.ts';
import { exceptionSlot } from './features.ts';
import type { CpuCounters } from './features.ts';
import { DAIF, SPSR } from './state.ts';
import { EC, syndrome } from './syndrome.ts';
import { registerByName } from './sysregs/table.ts';
import { el1OrTge, HCR } from './sysregs/traps.ts';

/** Offset of a kind of exception in its group of vectors. */
export const Vector = { Synchronous: 0x000, Irq: 0x080, Fiq: 0x100, SError: 0x180 } as const;
/** Offset of a kind of exception in its group of vectors. */
export type Vector = (typeof Vector)[keyof typeof Vector];

/** One exception to take. */
export interface ExceptionRecord {
  /** The target exception level. */
  readonly el: number;
  /** Which vector. */
  readonly vector: Vector;
  /** ESR_ELx; undefined for IRQ and FIQ, which leave it alone. */
  readonly esr?: number;
  /** FAR_ELx, where the exception sets it. */
  readonly far?: bigint;
  /** HPFAR_EL2, for a stage 2 fault. */
  readonly hpfar?: bigint;
  /** The preferred return address. */
  readonly pc: bigint;
  /** The instruction that asked for it is done: SVC, HVC and SMC. */
  readonly call?: true;
}

/** The cells of one level's registers for exceptions. */
interface ExceptionCells {
  readonly esr: number;
  readonly far: number;
  readonly elr: number;
  readonly spsr: number;
  readonly vbar: number;
}
const cellsOf = (el: number): ExceptionCells => {
  const cell = (name: string): number => registerByName(`${name}_EL${String(el)}`).cell;
  return { esr: cell('ESR'), far: cell('FAR'), elr: cell('ELR'), spsr: cell('SPSR'), vbar: cell('VBAR') };
};
const EL1: ExceptionCells = cellsOf(1);
const EL2: ExceptionCells = cellsOf(2);
const EL3: ExceptionCells = cellsOf(3);
const cellsAt = (el: number): ExceptionCells => (el === 1 ? EL1 : el === 2 ? EL2 : EL3);

/** Where a synchronous exception goes that belongs to the current level, or to EL1 when that is EL0. */
export function defaultTarget(cpu: Cpu): number {
  const el = cpu.state.el;
  return el === 0 ? el1OrTge(cpu).el : el;
}

function countException(counters: CpuCounters, { el, vector, esr = 0 }: ExceptionRecord): void {
  counters.exceptions++;
  const slot = exceptionSlot(el, vector === Vector.Synchronous ? esr >>> 26 : 63 + (vector >> 7));
  counters.taken[slot] = (counters.taken[slot] ?? 0) + 1;
}

/** Does everything that the hardware does on an exception, and leaves the PC at the vector. */
export function takeException(cpu: Cpu, e: ExceptionRecord): void {
  if (cpu.software?.catches(e) === true) return;
  const { state } = cpu;
  const from = state.el;
  countException(cpu.counters, e);
  cpu.pmu.exceptionTaken(e.call === true);
  cpu.slice.charge(cpu.slice.costs?.exception[e.el] ?? 0);
  const cells = cellsAt(e.el);
  state.setCell(cells.spsr, state.spsr);
  state.setCell(cells.elr, e.pc);
  if (e.esr !== undefined) state.setCell(cells.esr, BigInt(e.esr));
  if (e.far !== undefined) state.setCell(cells.far, e.far);
  if (e.hpfar !== undefined) cpu.setRegister('HPFAR_EL2', e.hpfar);
  const group = from < e.el ? 0x400 : state.spSel === 0 ? 0 : 0x200;
  state.setMode(e.el, 1, cpu.spCells);
  state.daif = DAIF.D | DAIF.A | DAIF.I | DAIF.F;
  state.il = 0;
  state.ss = 0;
  if (cpu.features.pan && e.el === 1 && (cpu.register('SCTLR_EL1') & (1n << 23n)) === 0n) state.pan = 1;
  if (cpu.features.uao) state.uao = 0;
  state.pc = state.cell(cells.vbar) + BigInt(group + e.vector);
  cpu.modeChanged();
  cpu.observer?.exceptionTaken(e, from);
}

/** A synchronous exception with a syndrome of this class, whose return address is the current instruction. */
export function takeSynchronous(cpu: Cpu, el: number, ec: number, iss: number): void {
  takeException(cpu, { el, vector: Vector.Synchronous, esr: syndrome(ec, iss), pc: cpu.state.pc });
}

/** An UNDEFINED instruction. */
export function takeUndefined(cpu: Cpu): void {
  takeSynchronous(cpu, defaultTarget(cpu), EC.Unknown, 0);
}

/** True when `spsr` is a legal return from `el` (DDI 0487 D1.3.5): AArch64, implemented, not higher, M[1] clear. */
function legalReturn(cpu: Cpu, spsr: bigint): boolean {
  if ((spsr & 0x10n) !== 0n) return false;
  const mode = Number(spsr & 15n);
  const target = mode >> 2;
  if ((mode & 2) !== 0 || target > cpu.state.el) return false;
  if (target === 0 && (mode & 1) !== 0) return false;
  if (target === 3 && !cpu.features.el3) return false;
  if (target === 2 && !(cpu.features.el2 && !cpu.secureBelow3)) return false;
  return !(target === 1 && cpu.el2Enabled && (cpu.hcr & HCR.TGE) !== 0n);
}

/** ERET. */
export function exceptionReturn(cpu: Cpu): void {
  const { state } = cpu;
  const from = state.el;
  const cells = cellsAt(from);
  const spsr = state.cell(cells.spsr);
  const elr = state.cell(cells.elr);
  cpu.counters.returns++;
  cpu.counters.returned[from] = (cpu.counters.returned[from] ?? 0) + 1;
  cpu.pmu.exceptionReturn();
  cpu.slice.charge(cpu.slice.costs?.exceptionReturn[from] ?? 0);
  const legal = legalReturn(cpu, spsr);
  // PSTATE.D is the source's until here.
  state.ss = cpu.debug.stateAfterReturn(spsr, legal ? Number(spsr & 15n) >> 2 : from);
  state.nzcv = Number(spsr & 0xf000_0000n);
  state.daif = Number((spsr >> 6n) & 15n);
  if (legal) {
    state.il = (spsr & SPSR.IL) === 0n ? 0 : 1;
    if (cpu.features.pan) state.pan = (spsr & SPSR.PAN) === 0n ? 0 : 1;
    if (cpu.features.uao) state.uao = (spsr & SPSR.UAO) === 0n ? 0 : 1;
    const mode = Number(spsr & 15n);
    state.setMode(mode >> 2, mode & 1, cpu.spCells);
  } else {
    // An illegal return stays at this level with PSTATE.IL set; flags and masks are restored all the same.
    state.il = 1;
  }
  state.pc = cpu.branchTarget(elr);
  cpu.clearExclusive();
  // An exception return is an event (DDI 0487 D1.6.1).
  cpu.event = true;
  cpu.modeChanged();
}
