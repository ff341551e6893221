// Virtual interrupts: list registers, the virtual CPU interface's choice among them, and maintenance (IHI 0069 6, 12.4).

import { HypervisorControl } from '../hypervisor-control.ts';
import { lowestBit } from '../v2/priority.ts';
import { deactivate, special, spurious } from './interrupts.ts';
import { idlePriority, priorityShift } from './priority.ts';
import { minimumBinaryPoint } from './state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** Bits of ICH_VMCR_EL2. */
export const VirtualControl = { VENG0: 0x1, VENG1: 0x2, VFIQEn: 0x8, VCBPR: 0x10, VEOIM: 0x200 } as const;

/** ICV_PMR_EL1. */
export const virtualMask = (cpu: CpuInterface): number => cpu.virtualControl >>> 24;
/** ICV_BPR0_EL1. */
export const virtualBinaryPoint0 = (cpu: CpuInterface): number => (cpu.virtualControl >>> 21) & 7;
/** ICV_BPR1_EL1 as it is kept, whatever VCBPR says. */
export const virtualBinaryPoint1 = (cpu: CpuInterface): number => (cpu.virtualControl >>> 18) & 7;

/** ICH_VMCR_EL2 with its binary points at least what five bits of priority leave. */
export function withMinima(vmcr: number): number {
  const point0 = Math.max((vmcr >>> 21) & 7, minimumBinaryPoint);
  const point1 = Math.max((vmcr >>> 18) & 7, minimumBinaryPoint + 1);
  return ((vmcr & ~0x00fc_0000) | (point0 << 21) | (point1 << 18) | VirtualControl.VFIQEn) >>> 0;
}

/** ICH_LRn_EL2.State, of its upper half. */
const Lr = { Invalid: 0, Pending: 1, Active: 2, PendingActive: 3 } as const;
const stateOf = (high: number): number => high >>> 30;
const isHardware = (high: number): boolean => (high & (1 << 29)) !== 0;
const inGroup1 = (high: number): boolean => (high & (1 << 28)) !== 0;
const priorityOf = (high: number): number => (high >>> 16) & 0xff;
const withState = (high: number, state: number): number => ((high & 0x3fff_ffff) | (state << 30)) >>> 0;

const activeLevels = (cpu: CpuInterface): number =>
  (cpu.virtualActivePriorities[0] ?? 0) | (cpu.virtualActivePriorities[1] ?? 0);

/** ICV_RPR_EL1. */
export function virtualRunningPriority(cpu: CpuInterface): number {
  const all = activeLevels(cpu);
  return all === 0 ? idlePriority : lowestBit(all) << priorityShift;
}

/** The list register with the pending interrupt of the highest priority in an enabled group, or -1. */
function highestPending(cpu: CpuInterface): number {
  let best = -1;
  let bestPriority = 0x100;
  for (let i = 0; i < cpu.listHigh.length; i++) {
    const high = cpu.listHigh[i] ?? 0;
    if (stateOf(high) !== Lr.Pending || priorityOf(high) >= bestPriority) continue;
    const enable = inGroup1(high) ? VirtualControl.VENG1 : VirtualControl.VENG0;
    if ((cpu.virtualControl & enable) === 0) continue;
    best = i;
    bestPriority = priorityOf(high);
  }
  return best;
}

/** The bits of a virtual priority that decide preemption. */
function preemptionMask(cpu: CpuInterface, group1: boolean): number {
  const own = group1 && (cpu.virtualControl & VirtualControl.VCBPR) === 0;
  return (0xff << (own ? virtualBinaryPoint1(cpu) : virtualBinaryPoint0(cpu) + 1)) & 0xff;
}

/** The list register whose interrupt the virtual CPU is to be given now, or -1. */
function signalled(cpu: CpuInterface): number {
  if ((cpu.hypervisorControl & HypervisorControl.En) === 0) return -1;
  const best = highestPending(cpu);
  const high = cpu.listHigh[best];
  if (high === undefined || priorityOf(high) >= virtualMask(cpu)) return -1;
  if (activeLevels(cpu) === 0) return best;
  const mask = preemptionMask(cpu, inGroup1(high));
  return (priorityOf(high) & mask) < (virtualRunningPriority(cpu) & mask) ? best : -1;
}

/** Which of the two virtual pins is high: Group 0 comes as virtual FIQ. */
export function virtualPin(cpu: CpuInterface): 'none' | 'virq' | 'vfiq' {
  const high = cpu.listHigh[signalled(cpu)];
  if (high === undefined) return 'none';
  return inGroup1(high) ? 'virq' : 'vfiq';
}

/** Reading ICV_HPPIR0_EL1, or (`group1`) ICV_HPPIR1_EL1. */
export function virtualPending(cpu: CpuInterface, group1: boolean): number {
  const at = highestPending(cpu);
  const high = cpu.listHigh[at];
  return high === undefined || inGroup1(high) !== group1 ? spurious : (cpu.listLow[at] ?? 0);
}

/** Reading ICV_IAR0_EL1, or (`group1`) ICV_IAR1_EL1. */
export function acknowledgeVirtual(cpu: CpuInterface, group1: boolean): number {
  const at = signalled(cpu);
  const high = cpu.listHigh[at];
  if (high === undefined || inGroup1(high) !== group1) return spurious;
  const id = cpu.listLow[at] ?? 0;
  if (id >= special && id <= spurious) {
    // A hypervisor's mistake: there is no such interrupt to become active.
    cpu.listHigh[at] = withState(high, Lr.Invalid);
    return spurious;
  }
  const level = (priorityOf(high) & preemptionMask(cpu, group1)) >>> priorityShift;
  const group = group1 ? 1 : 0;
  cpu.virtualActivePriorities[group] = (cpu.virtualActivePriorities[group] ?? 0) | (1 << level);
  cpu.listHigh[at] = withState(high, Lr.Active);
  return id;
}

/** The list register in which an interrupt is active, or -1. */
function activeRegister(cpu: CpuInterface, id: number): number {
  for (let i = 0; i < cpu.listHigh.length; i++) {
    if ((stateOf(cpu.listHigh[i] ?? 0) & Lr.Active) !== 0 && cpu.listLow[i] === id) return i;
  }
  return -1;
}

/** ICH_HCR_EL2.EOIcount: one more interrupt ended that no list register holds. */
function countEnd(cpu: CpuInterface): void {
  const count = ((cpu.hypervisorControl >>> 27) + 1) & 31;
  cpu.hypervisorControl = ((cpu.hypervisorControl & 0x07ff_ffff) | (count << 27)) >>> 0;
}

/** Deactivation of a list register's interrupt, and of the physical one behind it. */
function deactivateRegister(gic: Gic, index: number, cpu: CpuInterface, at: number): void {
  const high = cpu.listHigh[at] ?? 0;
  cpu.listHigh[at] = withState(high, stateOf(high) & Lr.Pending);
  if (isHardware(high)) deactivate(gic, index, high & 0x1fff);
}

/** Drops the highest active virtual priority and returns it; `idlePriority` where there is none. */
function dropPriority(cpu: CpuInterface): number {
  const levels = cpu.virtualActivePriorities;
  const [level0, level1] = [lowestBit(levels[0] ?? 0), lowestBit(levels[1] ?? 0)];
  const lowest = Math.min(level0, level1);
  if (lowest === 32) return idlePriority;
  const group = level0 < level1 ? 0 : 1;
  const active = levels[group] ?? 0;
  levels[group] = active & (active - 1);
  return lowest << priorityShift;
}

/** Virtual LPIs have no active state for software to clear: ending one is all, whatever VEOIM says, and none is counted. */
const firstLpi = 8192;

/** Writing ICV_EOIR0_EL1 or (`group1`) ICV_EOIR1_EL1: priority drop, and unless VEOIM splits them, deactivation. */
export function endVirtual(gic: Gic, index: number, cpu: CpuInterface, value: number, group1: boolean): void {
  const id = value & 0xff_ffff;
  if (id >= special && id <= spurious) return;
  const dropped = dropPriority(cpu);
  const isSplit = (cpu.virtualControl & VirtualControl.VEOIM) !== 0;
  if (dropped === idlePriority || (isSplit && id < firstLpi)) return;
  const at = activeRegister(cpu, id);
  const high = cpu.listHigh[at];
  if (high === undefined) {
    if (id < firstLpi) countEnd(cpu);
    return;
  }
  const level = priorityOf(high) & preemptionMask(cpu, group1);
  if (inGroup1(high) === group1 && level === dropped) deactivateRegister(gic, index, cpu, at);
}

/** Writing ICV_DIR_EL1: deactivation alone, where VEOIM asks for it. */
export function deactivateByGuest(gic: Gic, index: number, cpu: CpuInterface, value: number): void {
  const id = value & 0xff_ffff;
  if (id >= special || (cpu.virtualControl & VirtualControl.VEOIM) === 0) return;
  const at = activeRegister(cpu, id);
  if (at < 0) countEnd(cpu);
  else deactivateRegister(gic, index, cpu, at);
}

/** A bit per list register. */
export function listRegisters(cpu: CpuInterface, holds: (high: number) => boolean): number {
  let value = 0;
  for (let i = cpu.listHigh.length - 1; i >= 0; i--) {
    value = (value << 1) | (holds(cpu.listHigh[i] ?? 0) ? 1 : 0);
  }
  return value;
}

/** ICH_EISR_EL2: ended, and its EOI was asked for. */
export const endedWithNotice = (high: number): boolean =>
  stateOf(high) === Lr.Invalid && !isHardware(high) && (high & (1 << 9)) !== 0;

/** ICH_ELRSR_EL2: free for the hypervisor's use. */
export const isFree = (high: number): boolean => stateOf(high) === Lr.Invalid && !endedWithNotice(high);

/** ICH_MISR_EL2: why there is a maintenance interrupt. */
export function maintenanceStatus(cpu: CpuInterface): number {
  const { hypervisorControl: hcr, virtualControl: vmcr } = cpu;
  let [valid, pending, ended] = [0, 0, 0];
  for (const high of cpu.listHigh) {
    if (stateOf(high) !== Lr.Invalid) valid++;
    if (stateOf(high) === Lr.Pending) pending++; // one that is active as well does not count
    if (endedWithNotice(high)) ended++;
  }
  const causes =
    (valid <= 1 ? HypervisorControl.UIE : 0) |
    (hcr >>> 27 !== 0 ? HypervisorControl.LRENPIE : 0) |
    (pending === 0 ? HypervisorControl.NPIE : 0) |
    ((vmcr & VirtualControl.VENG0) !== 0 ? HypervisorControl.VGrp0EIE : HypervisorControl.VGrp0DIE) |
    ((vmcr & VirtualControl.VENG1) !== 0 ? HypervisorControl.VGrp1EIE : HypervisorControl.VGrp1DIE);
  return (causes & hcr) | (ended > 0 ? 1 : 0);
}

/** The level of the maintenance interrupt. */
export const needsMaintenance = (cpu: CpuInterface): boolean =>
  (cpu.hypervisorControl & HypervisorControl.En) !== 0 && maintenanceStatus(cpu) !== 0;
