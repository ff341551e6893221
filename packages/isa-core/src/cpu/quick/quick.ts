// System instructions and accesses that are frequent in an operating system, without the reference engine and its numbers of
// 64 bits. The effects are the same; where anything is armed that looks at single instructions, nothing is done here.

import type { Cpu } from '../cpu.ts';
import { defaultTarget, exceptionReturn, takeSynchronous, takeUndefined } from '../exceptions.ts';
import { handlers, readSystemRegister } from '../handlers.ts';
import { Layout } from '../layout.ts';
import { raise } from '../raise.ts';
import { EC } from '../syndrome.ts';
import { systemId } from '../sysregs/entry.ts';
import { registerByName, systemRegisters } from '../sysregs/table.ts';
import { tlbMaintenance } from '../system-instructions.ts';
import { QuickAccess } from './access.ts';

const X: number = Layout.x >> 2;
const TTBR0_EL1: number = systemId(3, 0, 2, 0, 0);
const TTBR1_EL1: number = systemId(3, 0, 2, 0, 1);
const TTBR0: number = registerByName('TTBR0_EL1').cell;
const TTBR1: number = registerByName('TTBR1_EL1').cell;
/** HCR_EL2.TVM. */
const TVM = 1 << 26;
const ERET = 0xd69f_03e0;
/** DAIF, and its ISS but for CRm, op2, Rt and the direction: op0 3, op1 3, CRn 4. */
const DAIF: number = systemId(3, 3, 4, 2, 1);
const DAIF_ISS = (3 << 20) | (3 << 14) | (4 << 10);
const SCTLR: number = registerByName('SCTLR_EL1').cell;
/** SCTLR_EL1.UMA. */
const UMA = 1 << 9;

/** By encoding: bit 0 says that MRS is UNDEFINED at EL0 whatever the controls, bit 1 that MSR is. */
const privileged = new Uint8Array(1 << 16);
for (const { id, minRead, minWrite } of systemRegisters)
  privileged[id] = (minRead > 0 ? 1 : 0) | (minWrite > 0 ? 2 : 0);

/**
 * Executes an instruction that was fetched from the PC, or takes its exception: one of the slice. False if it has to be the
 * reference engine that does.
 */
export function createQuick(cpu: Cpu): (word: number) => boolean {
  const { state, debug, slice } = cpu;
  const access = new QuickAccess(cpu);
  const execute = (word: number): boolean => {
    if ((word & 0x0a00_0000) === 0x0800_0000) return access.step(word);
    if (word >>> 24 === 0xd5) return system(cpu, word);
    if (word === ERET) {
      if (state.el === 0) takeUndefined(cpu);
      else exceptionReturn(cpu);
      return true;
    }
    const kind = (word & 0xffe0_001f) >>> 0;
    if (kind !== 0xd400_0001 && kind !== 0xd420_0000) return false;
    raise(cpu, kind === 0xd400_0001 ? 'svc' : 'brk', (word >>> 5) & 0xffff);
    return true;
  };
  return (word) => {
    if (slice.costs !== undefined || debug.fetching || debug.watching) return false;
    if (state.il !== 0 || state.word(Layout.stepped) !== 0) return false;
    cpu.fetch(word);
    if (!execute(word)) return false;
    slice.spend();
    return true;
  };
}

/** MSR, MRS and SYS of some registers and operations. */
function system(cpu: Cpu, word: number): boolean {
  const { state } = cpu;
  const id = (word >>> 5) & 0xffff;
  const rt = (word & 31) === 31 ? 32 : word & 31;
  const crn = (id >>> 7) & 15;
  const read = (word & 0x0020_0000) !== 0;
  if (state.el === 0 && user(cpu, word, id, read)) return true;
  if (id >>> 14 === 1 && crn === 8 && !read) {
    const at = X + 2 * rt;
    if (!tlbMaintenance(cpu, id, state.u32[at] ?? 0, state.u32[at + 1] ?? 0)) return false;
    state.nextPc();
    return true;
  }
  if (!read && (id === TTBR0_EL1 || id === TTBR1_EL1)) {
    return setTables(cpu, id === TTBR0_EL1 ? TTBR0 : TTBR1, X + 2 * rt);
  }
  // Timers and the interrupt controller's CPU interface.
  const crm = (id >>> 3) & 15;
  if (id >>> 14 !== 3 || !(crn === 14 ? crm < 4 : crn === 12 && crm >= 8)) return false;
  viaHandler(cpu, id, rt, read);
  return true;
}

/** What a kernel at EL0 does all the time, and may not: registers of EL1, and masks of interrupts. */
function user(cpu: Cpu, word: number, id: number, read: boolean): boolean {
  if (cpu.architectural !== undefined) return false;
  if (((privileged[id] ?? 0) & (read ? 1 : 2)) !== 0) {
    takeUndefined(cpu);
    return true;
  }
  // MRS and MSR of DAIF, DAIFSet and DAIFClr.
  const immediate = (word & 0xffff_f0df) >>> 0 === 0xd503_40df;
  if (!(immediate || id === DAIF) || (cpu.state.cellLo(SCTLR) & UMA) !== 0) return false;
  const op2 = (id & 7) << 17;
  const crm = ((id >>> 3) & 15) << 1;
  const iss = immediate ? 0xd000 | 0x3e0 : DAIF_ISS | ((word & 31) << 5) | (read ? 1 : 0);
  takeSynchronous(cpu, defaultTarget(cpu), EC.SystemRegister, op2 | crm | iss);
  return true;
}

/** MRS or MSR by its handler. */
function viaHandler(cpu: Cpu, id: number, rt: number, read: boolean): void {
  const { state } = cpu;
  if (!read) {
    if (handlers['msr']?.(cpu, [BigInt(id), state.x(rt)]) === 'next') state.nextPc();
    return;
  }
  const value = readSystemRegister(cpu, id);
  if (value === undefined) return;
  state.setX(rt, value);
  state.nextPc();
}

/** MSR TTBRn_EL1. */
function setTables(cpu: Cpu, cell: number, from: number): boolean {
  const { state, features } = cpu;
  if (state.el === 0 || features.el3 || cpu.pmu.active) return false;
  if (features.el2 && state.el < 2 && (cpu.controls.hcrLo & TVM) !== 0) return false;
  // CnP is Armv8.2's.
  state.setCellHalves(cell, (state.u32[from] ?? 0) & ~1, state.u32[from + 1] ?? 0);
  cpu.tablesChanged();
  state.nextPc();
  return true;
}
