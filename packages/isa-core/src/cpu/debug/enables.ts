// Whether debug exceptions are enabled, and which level takes them (DDI 0487 D2.3, D2.4; J1: DebugTarget,
// AArch64.GenerateDebugExceptionsFrom, DoubleLockStatus).

import type { Cpu } from '../cpu.ts';
import { HCR, MDCR } from '../sysregs/traps.ts';

/** MDSCR_EL1's bits. */
export const MDSCR = {
  SS: 1n,
  ERR: 0x40n,
  TDCC: 0x1000n,
  KDE: 0x2000n,
  HDE: 0x4000n,
  MDE: 0x8000n,
  TDA: 0x200000n,
  INTdis: 0xc00000n,
  TXU: 0x4000000n,
  RXO: 0x8000000n,
  TXfull: 0x20000000n,
  RXfull: 0x40000000n,
} as const;

/** MDCR_EL3.SDD: no debug exceptions from Secure EL1 and EL0. */
const SDD = 1n << 16n;

/** HCR_EL2.TGE or MDCR_EL2.TDE: debug exceptions of EL1 and EL0 go to EL2. */
const toEl2 = (cpu: Cpu): boolean =>
  (cpu.hcr & HCR.TGE) !== 0n || (cpu.register('MDCR_EL2') & MDCR.TDE) !== 0n;

/** DebugTargetFrom(): the debug target level of a Security state. */
const debugTarget = (cpu: Cpu, secure: boolean): number =>
  cpu.features.el2 && !secure && toEl2(cpu) ? 2 : 1;

/** The OS lock or the OS double lock is set: no debug exceptions but BRK's. */
export const osLocked = (cpu: Cpu): boolean =>
  (cpu.register('OSLSR_EL1') & 2n) !== 0n ||
  ((cpu.register('OSDLR_EL1') & 1n) !== 0n && (cpu.register('DBGPRCR_EL1') & 1n) === 0n);

/**
 * AArch64.GenerateDebugExceptionsFrom(): whether breakpoints, watchpoints and software step act in a state.
 *
 * @param el - the exception level
 * @param secure - its Security state
 * @param masked - PSTATE.D
 */
export function debugEnabledFrom(cpu: Cpu, el: number, secure: boolean, masked: boolean): boolean {
  if (osLocked(cpu)) return false;
  if (cpu.features.el3 && secure && (cpu.register('MDCR_EL3') & SDD) !== 0n) return false;
  const target = debugTarget(cpu, secure);
  if (el !== target) return target > el;
  return !masked && (cpu.register('MDSCR_EL1') & MDSCR.KDE) !== 0n;
}

/** The level that takes a debug exception of the current level, where it is enabled. */
export function debugExceptionLevel(cpu: Cpu): number {
  const { el } = cpu.state;
  if (el >= 2) return el;
  return cpu.el2Enabled && toEl2(cpu) ? 2 : 1;
}
