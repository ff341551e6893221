// Taking exceptions and returning from them (DDI 0487 D1.3, AArch64.TakeException and AArch64.ExceptionReturn).

import type { Cpu } from './cpu.ts';
import { exceptionSlot } from './features.ts';
import type { CpuCounters } from './features.ts';
import { DAIF, SPSR_BIT } from './state.ts';
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
  readonly esr?: number | undefined;
  /** FAR_ELx, where the exception sets it. */
  readonly far?: bigint | undefined;
  /** HPFAR_EL2, for a stage 2 fault. */
  readonly hpfar?: bigint | undefined;
  /** The preferred return address. */
  readonly pc: bigint;
  /** The instruction that asked for it is done: SVC, HVC and SMC. */
  readonly call?: true | undefined;
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

/** An exception with its addresses in halves: most are taken without a look at them as numbers of 64 bits. */
export class TakenException implements ExceptionRecord {
  readonly el: number;
  readonly vector: Vector;
  readonly esr: number | undefined;
  readonly pcLo: number;
  readonly pcHi: number;
  call: true | undefined;
  hpfar: bigint | undefined;
  /** FAR_ELx is set. */
  hasFar = false;
  farLo = 0;
  farHi = 0;

  constructor(el: number, vector: Vector, esr: number | undefined, pcLo: number, pcHi: number) {
    this.el = el;
    this.vector = vector;
    this.esr = esr;
    this.pcLo = pcLo;
    this.pcHi = pcHi;
  }

  get pc(): bigint {
    return joined(this.pcLo, this.pcHi);
  }
  get far(): bigint | undefined {
    return this.hasFar ? joined(this.farLo, this.farHi) : undefined;
  }
  /** The same exception, which sets FAR_ELx. */
  at(farLo: number, farHi: number): this {
    this.hasFar = true;
    this.farLo = farLo;
    this.farHi = farHi;
    return this;
  }
}

const joined = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const LOW32 = 0xffff_ffffn;

/** Does everything that the hardware does on an exception, and leaves the PC at the vector. */
export function takeException(cpu: Cpu, e: ExceptionRecord): void {
  const taken = new TakenException(
    e.el,
    e.vector,
    e.esr,
    Number(e.pc & LOW32),
    Number((e.pc >> 32n) & LOW32),
  );
  if (e.far !== undefined) taken.at(Number(e.far & LOW32), Number((e.far >> 32n) & LOW32));
  if (e.call) taken.call = true;
  taken.hpfar = e.hpfar;
  enterException(cpu, taken);
}

const SPAN = 1 << 23;
const SCTLR_EL1: number = registerByName('SCTLR_EL1').cell;

/** The same for one with its addresses in halves. */
export function enterException(cpu: Cpu, e: TakenException): void {
  if (cpu.software?.catches(e) === true) return;
  const { state } = cpu;
  const from = state.el;
  countException(cpu.counters, e);
  cpu.pmu.exceptionTaken(e.call === true);
  cpu.slice.charge(cpu.slice.costs?.exception[e.el] ?? 0);
  const cells = cellsAt(e.el);
  state.setCellHalves(cells.spsr, state.spsr, 0);
  state.setCellHalves(cells.elr, e.pcLo, e.pcHi);
  if (e.esr !== undefined) state.setCellHalves(cells.esr, e.esr, 0);
  if (e.hasFar) state.setCellHalves(cells.far, e.farLo, e.farHi);
  if (e.hpfar !== undefined) cpu.setRegister('HPFAR_EL2', e.hpfar);
  const group = from < e.el ? 0x400 : state.spSel === 0 ? 0 : 0x200;
  state.setMode(e.el, 1, cpu.spCells);
  state.daif = DAIF.D | DAIF.A | DAIF.I | DAIF.F;
  state.il = 0;
  state.ss = 0;
  if (cpu.features.pan && e.el === 1 && (state.cellLo(SCTLR_EL1) & SPAN) === 0) state.pan = 1;
  if (cpu.features.uao) state.uao = 0;
  // VBAR_ELx is aligned to more than that.
  state.setPc(state.cellLo(cells.vbar) + group + e.vector, state.cellHi(cells.vbar));
  cpu.modeChanged();
  cpu.observer?.exceptionTaken(e, from);
  cpu.architectural?.exceptionTaken(e, from);
}

/** A synchronous exception with a syndrome of this class, whose return address is the current instruction. */
export function takeSynchronous(cpu: Cpu, el: number, ec: number, iss: number): void {
  const { pcLo, pcHi } = cpu.state;
  enterException(cpu, new TakenException(el, Vector.Synchronous, syndrome(ec, iss), pcLo, pcHi));
}

/** An UNDEFINED instruction. */
export function takeUndefined(cpu: Cpu): void {
  takeSynchronous(cpu, defaultTarget(cpu), EC.Unknown, 0);
}

/** True when `spsr` is a legal return from the current level (DDI 0487 D1.3.5): AArch64, implemented, not higher, M[1] clear. */
function legalReturn(cpu: Cpu, spsr: number): boolean {
  if ((spsr & 0x10) !== 0) return false;
  const target = (spsr >> 2) & 3;
  if ((spsr & 2) !== 0 || target > cpu.state.el) return false;
  if (target === 0 && (spsr & 1) !== 0) return false;
  if (target === 3 && !cpu.features.el3) return false;
  if (target === 2 && !(cpu.features.el2 && !cpu.secureBelow3)) return false;
  return !(target === 1 && cpu.el2Enabled && (cpu.hcr & HCR.TGE) !== 0n);
}

/** ERET. */
export function exceptionReturn(cpu: Cpu): void {
  const { state } = cpu;
  const from = state.el;
  const cells = cellsAt(from);
  const spsr = state.cellLo(cells.spsr);
  const elrLo = state.cellLo(cells.elr);
  const elrHi = state.cellHi(cells.elr);
  cpu.counters.returns++;
  cpu.counters.returned[from] = (cpu.counters.returned[from] ?? 0) + 1;
  cpu.pmu.exceptionReturn();
  cpu.slice.charge(cpu.slice.costs?.exceptionReturn[from] ?? 0);
  const legal = legalReturn(cpu, spsr);
  // PSTATE.D is the source's until here.
  state.ss = cpu.debug.stateAfterReturn(spsr, legal ? (spsr >> 2) & 3 : from);
  state.nzcv = spsr;
  state.daif = spsr >> 6;
  if (legal) {
    state.il = spsr >> SPSR_BIT.IL;
    if (cpu.features.pan) state.pan = spsr >> SPSR_BIT.PAN;
    if (cpu.features.uao) state.uao = spsr >> SPSR_BIT.UAO;
    state.setMode((spsr >> 2) & 3, spsr & 1, cpu.spCells);
  } else {
    // An illegal return stays at this level with PSTATE.IL set; flags and masks are restored all the same.
    state.il = 1;
  }
  // An address without a tag is the same whatever TCR says.
  const top = (elrHi | 0) >> 23;
  if (top === 0 || (top === -1 && state.el < 2)) state.setPc(elrLo, elrHi);
  else state.pc = cpu.branchTarget(joined(elrLo, elrHi));
  cpu.clearExclusive();
  // An exception return is an event (DDI 0487 D1.6.1).
  cpu.event = true;
  cpu.modeChanged();
  cpu.architectural?.returned(from);
}
