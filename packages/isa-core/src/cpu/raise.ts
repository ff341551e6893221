// SVC, HVC, SMC, BRK, HLT and UNDEFINED: where each goes (DDI 0487 D1.3, the CheckForSMCUndefOrTrap family).

import type { Raise } from '../semantics/builder.ts';
import type { Cpu } from './cpu.ts';
import {
  defaultTarget,
  enterException,
  takeSynchronous,
  takeUndefined,
  TakenException,
  Vector,
} from './exceptions.ts';
import { EC, syndrome } from './syndrome.ts';
import { HCR, MDCR } from './sysregs/traps.ts';

/** A call: its preferred return address is the next instruction. */
function takeCall(cpu: Cpu, el: number, ec: number, immediate: number): void {
  const { state } = cpu;
  cpu.debug.advance();
  const lo = (state.pcLo + 4) >>> 0;
  const hi = lo < 4 ? state.pcHi + 1 : state.pcHi;
  const e = new TakenException(el, Vector.Synchronous, syndrome(ec, immediate & 0xffff), lo, hi);
  e.call = true;
  enterException(cpu, e);
}

/** The board's firmware answers in place of a level that is not there. */
function firmwareCall(cpu: Cpu, by: 'hvc' | 'smc'): void {
  const { pc } = cpu.state;
  if (cpu.firmware?.call(cpu.index, by) !== true) takeUndefined(cpu);
  else if (cpu.state.pc === pc) cpu.state.pc = pc + 4n;
}

function hvc(cpu: Cpu, immediate: number): void {
  const { el } = cpu.state;
  cpu.architectural?.called('hvc');
  if (el === 0) {
    takeUndefined(cpu);
    return;
  }
  if (!cpu.features.el2) {
    firmwareCall(cpu, 'hvc');
    return;
  }
  const enabled = cpu.features.el3
    ? (cpu.register('SCR_EL3') & (1n << 8n)) !== 0n
    : (cpu.hcr & HCR.HCD) === 0n;
  if (!enabled || (el === 1 && !cpu.el2Enabled)) takeUndefined(cpu);
  else takeCall(cpu, Math.max(el, 2), EC.Hvc64, immediate);
}

function smc(cpu: Cpu, immediate: number): void {
  const { el } = cpu.state;
  cpu.architectural?.called('smc');
  if (el === 0) {
    takeUndefined(cpu);
    return;
  }
  // HCR_EL2.TSC traps even where there is no EL3.
  if (el === 1 && cpu.el2Enabled && (cpu.hcr & HCR.TSC) !== 0n) {
    takeSynchronous(cpu, 2, EC.Smc64, immediate & 0xffff);
  } else if (!cpu.features.el3) {
    firmwareCall(cpu, 'smc');
  } else if ((cpu.register('SCR_EL3') & (1n << 7n)) !== 0n) {
    takeUndefined(cpu);
  } else {
    takeCall(cpu, 3, EC.Smc64, immediate);
  }
}

function brk(cpu: Cpu, immediate: number): void {
  const { el } = cpu.state;
  const toEl2 =
    el < 2 && cpu.el2Enabled && ((cpu.hcr & HCR.TGE) !== 0n || (cpu.register('MDCR_EL2') & MDCR.TDE) !== 0n);
  takeSynchronous(cpu, toEl2 ? 2 : Math.max(el, 1), EC.Brk64, immediate & 0xffff);
}

/** Takes the exception that an instruction asks for. The caller ends the instruction. */
export function raise(cpu: Cpu, what: Raise, immediate: number): void {
  switch (what) {
    case 'svc':
      takeCall(cpu, defaultTarget(cpu), EC.Svc64, immediate);
      return;
    case 'hvc':
      hvc(cpu, immediate);
      return;
    case 'smc':
      smc(cpu, immediate);
      return;
    case 'brk':
      brk(cpu, immediate);
      return;
    case 'hlt':
    case 'undefined':
      takeUndefined(cpu);
  }
}
