// The guest's self-hosted debug while its kernel runs at EL0 (DDI 0487 D2): the hardware's breakpoints and watchpoints are the guest's
// of its virtual level, as ones of EL0, and they and software step act where the guest's own controls say so.

import { systemRegisters } from '@worldswitch/isa-core';
import type { CpuPort, SystemRegister } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import type { VirtualCpu } from './virtual-cpu.ts';

const MDSCR_EL1 = systemRegister('MDSCR_EL1');
const OSLSR_EL1 = systemRegister('OSLSR_EL1');
const OSDLR_EL1 = systemRegister('OSDLR_EL1');
const DBGPRCR_EL1 = systemRegister('DBGPRCR_EL1');
const OSLAR_EL1 = systemRegister('OSLAR_EL1');
const CONTEXTIDR_EL1 = systemRegister('CONTEXTIDR_EL1');

/** MDSCR_EL1 fields. */
export const Mdscr = { SS: 1, TDCC: 0x1000, KDE: 0x2000, MDE: 0x8000 } as const;
/** PSTATE.D in SPSR's place. */
const D = 1 << 9;
/** OSLSR_EL1.OSLK, OSDLR_EL1.DLK, and DBGPRCR_EL1.CORENPDRQ, which overrides that. */
const [OSLK, DLK, CORENPDRQ] = [2, 1, 1];

/** Debug exceptions are enabled at a level with such a PSTATE.DAIF. */
function isEnabled(vcpu: VirtualCpu, level: number, daif: number): boolean {
  if ((vcpu.get(OSLSR_EL1) & OSLK) !== 0) return false;
  if ((vcpu.get(OSDLR_EL1) & DLK) !== 0 && (vcpu.get(DBGPRCR_EL1) & CORENPDRQ) === 0) return false;
  return level === 0 || ((vcpu.get(MDSCR_EL1) & Mdscr.KDE) !== 0 && (daif & D) === 0);
}

/** Software step acts at a level with such a PSTATE.DAIF (D2.11). */
export const steps = (vcpu: VirtualCpu, level: number, daif: number): boolean =>
  (vcpu.get(MDSCR_EL1) & Mdscr.SS) !== 0 && isEnabled(vcpu, level, daif);

/** What MDSCR_EL1 is while the vCPU runs, less what the hypervisor wants of it. */
export function debugOf(vcpu: VirtualCpu): number {
  const { level, daif } = vcpu;
  const wanted = vcpu.get(MDSCR_EL1) & (Mdscr.SS | Mdscr.MDE);
  return wanted !== 0 && isEnabled(vcpu, level, daif) ? wanted : 0;
}

interface Point {
  readonly value: SystemRegister;
  readonly control: SystemRegister;
}
const points = (kind: 'B' | 'W'): readonly Point[] =>
  systemRegisters
    .map(({ name }) => name)
    .filter((name) => name.startsWith(`DBG${kind}CR`))
    .map((name) => ({
      value: systemRegister(name.replace('CR', 'VR')),
      control: systemRegister(name),
    }));
const breakpoints = points('B');
const watchpoints = points('W');

/** DBGBCR and DBGWCR: the levels, and what restricts them to Security states and to EL2, which a VM has not. */
const LEVELS = 6;
const ELSEWHERE = 0xe000;
/** Those of EL0. */
const EL0 = 4;
/** DBGBCR.BT, and that of a context that others are linked to. */
const [TYPE, LINKED_CONTEXT] = [0xf0_0000, 0x30_0000];

/** The hardware's control of one whose guest's is `control`, at a level. */
function controlAt(control: number, level: number, isBreakpoint: boolean): number {
  // Who is linked to it says at which level.
  if (isBreakpoint && (control & TYPE) === LINKED_CONTEXT) return control;
  const mine = level === 0 ? 4 : 2;
  if ((control & ELSEWHERE) !== 0 || (control & mine) === 0) return 0;
  return (control & ~LEVELS) | EL0;
}

/** The hardware's breakpoints and watchpoints become the vCPU's at its level. */
export function loadPoints(port: CpuPort, vcpu: VirtualCpu): void {
  const load = ({ value, control }: Point, isBreakpoint: boolean): void => {
    const own = vcpu.get(control);
    const there = (own & 1) === 0 ? 0 : controlAt(own, vcpu.level, isBreakpoint);
    if (there !== 0) port.writeSystem(value, vcpu.get(value), vcpu.getHi(value));
    port.writeSystem(control, there, 0);
  };
  for (const one of breakpoints) load(one, true);
  for (const one of watchpoints) load(one, false);
  port.writeSystem(CONTEXTIDR_EL1, vcpu.get(CONTEXTIDR_EL1), 0);
}

/** The hardware's own lock, which is on out of reset, is opened: the guest's is virtual. */
export function unlockDebug(port: CpuPort): void {
  port.writeSystem(OSLAR_EL1, 0, 0);
}

/** Registers that decide what `debugOf` and `loadPoints` do; contexts are what breakpoints are linked to. */
export const debugRegisters: readonly string[] = [
  ...['MDSCR_EL1', 'OSDLR_EL1', 'DBGPRCR_EL1', 'CONTEXTIDR_EL1'],
  ...systemRegisters.map(({ name }) => name).filter((name) => /^DBG[BW][CV]R/.test(name)),
];
