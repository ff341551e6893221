// Virtual interrupts: list registers, the virtual CPU interface's choice among them, and maintenance (IHI 0048B 5.2, 5.3).

import { HypervisorControl } from '../hypervisor-control.ts';
import { deactivate, spurious, spuriousGroup1 } from './interrupts.ts';
import { groupMask, idlePriority, lowestBit } from './priority.ts';
import type { CpuInterface, Gic } from './state.ts';

/** Bits of GICH_VMCR, the lower of which are those of GICV_CTLR. */
const VirtualControl = {
  VMGrp0En: 0x1,
  VMGrp1En: 0x2,
  VMAckCtl: 0x4,
  VMFIQEn: 0x8,
  VMCBPR: 0x10,
  VEM: 0x200,
} as const;

/** GICV_PMR. */
export const virtualMask = (cpu: CpuInterface): number => (cpu.virtualControl >>> 27) << 3;
/** GICV_BPR, at least what leaves five bits of group priority. */
export const virtualBinaryPoint = (cpu: CpuInterface): number => Math.max((cpu.virtualControl >>> 21) & 7, 2);
/** GICV_ABPR. */
export const virtualAliasedBinaryPoint = (cpu: CpuInterface): number =>
  Math.max((cpu.virtualControl >>> 18) & 7, 3);

/** GICH_LRn.State. */
const Lr = { Invalid: 0, Pending: 1, Active: 2, PendingActive: 3 } as const;
const stateOf = (lr: number): number => (lr >>> 28) & 3;
const priorityOf = (lr: number): number => ((lr >>> 23) & 0x1f) << 3;
const inGroup1 = (lr: number): boolean => (lr & (1 << 30)) !== 0;
const isHardware = (lr: number): boolean => lr >>> 31 !== 0;
/** The virtual ID, with the sender of an SGI where it is one. */
const shownId = (lr: number): number =>
  isHardware(lr) ? lr & 0x3ff : (lr & 0x3ff) < 16 ? lr & 0x1fff : lr & 0x3ff;
const withState = (lr: number, state: number): number => ((lr & ~(3 << 28)) | (state << 28)) >>> 0;

/** GICV_RPR. */
export const virtualRunningPriority = (cpu: CpuInterface): number =>
  cpu.virtualActivePriorities === 0 ? idlePriority : lowestBit(cpu.virtualActivePriorities) << 3;

/** The list register with the pending interrupt of the highest priority in an enabled group, or -1. */
function highestPending(cpu: CpuInterface): number {
  let best = -1;
  let bestPriority = 0x100;
  for (let i = 0; i < cpu.listRegisters.length; i++) {
    const lr = cpu.listRegisters[i] ?? 0;
    if (stateOf(lr) !== Lr.Pending || priorityOf(lr) >= bestPriority) continue;
    const enable = inGroup1(lr) ? VirtualControl.VMGrp1En : VirtualControl.VMGrp0En;
    if ((cpu.virtualControl & enable) === 0) continue;
    best = i;
    bestPriority = priorityOf(lr);
  }
  return best;
}

/** The bits of a virtual priority that decide preemption. */
function preemptionMask(cpu: CpuInterface, group1: boolean): number {
  const own = group1 && (cpu.virtualControl & VirtualControl.VMCBPR) === 0;
  return groupMask(own ? virtualAliasedBinaryPoint(cpu) - 1 : virtualBinaryPoint(cpu));
}

/** The list register whose interrupt the virtual CPU is to be given now, or -1. */
function signalled(cpu: CpuInterface): number {
  if ((cpu.hypervisorControl & HypervisorControl.En) === 0) return -1;
  const best = highestPending(cpu);
  const lr = cpu.listRegisters[best];
  if (lr === undefined || priorityOf(lr) >= virtualMask(cpu)) return -1;
  if (cpu.virtualActivePriorities === 0) return best;
  const mask = preemptionMask(cpu, inGroup1(lr));
  return (priorityOf(lr) & mask) < (virtualRunningPriority(cpu) & mask) ? best : -1;
}

/** Which of the two virtual pins is high. */
export function virtualPins(cpu: CpuInterface): 'none' | 'virq' | 'vfiq' {
  const lr = cpu.listRegisters[signalled(cpu)];
  if (lr === undefined) return 'none';
  return !inGroup1(lr) && (cpu.virtualControl & VirtualControl.VMFIQEn) !== 0 ? 'vfiq' : 'virq';
}

/** What GICV_IAR or GICV_AIAR (`alias`) may show of an interrupt. */
function shown(cpu: CpuInterface, lr: number, alias: boolean): number {
  if (alias) return inGroup1(lr) ? shownId(lr) : spurious;
  const hidden = inGroup1(lr) && (cpu.virtualControl & VirtualControl.VMAckCtl) === 0;
  return hidden ? spuriousGroup1 : shownId(lr);
}

/** Reading GICV_HPPIR, or GICV_AHPPIR. */
export function virtualPendingShown(cpu: CpuInterface, alias: boolean): number {
  const lr = cpu.listRegisters[highestPending(cpu)];
  return lr === undefined ? spurious : shown(cpu, lr, alias);
}

/** Reading GICV_IAR, or GICV_AIAR. */
export function acknowledgeVirtual(cpu: CpuInterface, alias: boolean): number {
  const index = signalled(cpu);
  const lr = cpu.listRegisters[index];
  if (lr === undefined) return spurious;
  const id = shown(cpu, lr, alias);
  if (id === spurious || id === spuriousGroup1) return id;
  const level = (priorityOf(lr) & preemptionMask(cpu, inGroup1(lr))) >>> 3;
  cpu.virtualActivePriorities = (cpu.virtualActivePriorities | (1 << level)) >>> 0;
  cpu.listRegisters[index] = withState(lr, Lr.Active);
  return id;
}

/** The list register in which an interrupt is active, of several the one with the same sender; or -1. */
function activeRegister(cpu: CpuInterface, value: number): number {
  let found = -1;
  for (let i = 0; i < cpu.listRegisters.length; i++) {
    const lr = cpu.listRegisters[i] ?? 0;
    if ((stateOf(lr) & Lr.Active) === 0 || (lr & 0x3ff) !== (value & 0x3ff)) continue;
    if (shownId(lr) === (value & 0x1fff)) return i;
    if (found < 0) found = i;
  }
  return found;
}

/** Deactivation of a virtual interrupt, and of the physical one behind it; one that no list register holds is counted. */
function deactivateVirtual(gic: Gic, index: number, cpu: CpuInterface, value: number): void {
  const at = activeRegister(cpu, value);
  const lr = cpu.listRegisters[at];
  if (lr === undefined) {
    const count = ((cpu.hypervisorControl >>> 27) + 1) & 31;
    cpu.hypervisorControl = ((cpu.hypervisorControl & 0x07ff_ffff) | (count << 27)) >>> 0;
    return;
  }
  cpu.listRegisters[at] = withState(lr, stateOf(lr) & Lr.Pending);
  if (isHardware(lr)) deactivate(gic, index, (lr >>> 10) & 0x3ff);
}

/** Writing GICV_EOIR or GICV_AEOIR: priority drop, and unless VEM splits them, deactivation. */
export function endVirtual(gic: Gic, index: number, cpu: CpuInterface, value: number): void {
  if ((value & 0x3ff) >= 1020 || cpu.virtualActivePriorities === 0) return;
  cpu.virtualActivePriorities = (cpu.virtualActivePriorities & (cpu.virtualActivePriorities - 1)) >>> 0;
  if ((cpu.virtualControl & VirtualControl.VEM) === 0) deactivateVirtual(gic, index, cpu, value);
}

/** Writing GICV_DIR: deactivation alone, where VEM asks for it. */
export function deactivateByGuest(gic: Gic, index: number, cpu: CpuInterface, value: number): void {
  if ((value & 0x3ff) >= 1020 || (cpu.virtualControl & VirtualControl.VEM) === 0) return;
  deactivateVirtual(gic, index, cpu, value);
}

/** One word of a bitmap over list registers. */
export function listRegisterWord(cpu: CpuInterface, word: number, holds: (lr: number) => boolean): number {
  let value = 0;
  for (let i = Math.min(31, cpu.listRegisters.length - 1 - 32 * word); i >= 0; i--) {
    value = (value << 1) | (holds(cpu.listRegisters[32 * word + i] ?? 0) ? 1 : 0);
  }
  return value >>> 0;
}

/** GICH_EISR: ended, and its EOI was asked for. */
export const endedWithNotice = (lr: number): boolean =>
  stateOf(lr) === Lr.Invalid && !isHardware(lr) && (lr & (1 << 19)) !== 0;

/** GICH_ELRSR: free for the hypervisor's use. */
export const isFree = (lr: number): boolean => stateOf(lr) === Lr.Invalid && !endedWithNotice(lr);

/** GICH_MISR: why there is a maintenance interrupt. */
export function maintenanceStatus(cpu: CpuInterface): number {
  const { hypervisorControl: hcr, virtualControl: vmcr } = cpu;
  let [valid, pending, ended] = [0, 0, 0];
  for (const lr of cpu.listRegisters) {
    if (stateOf(lr) !== Lr.Invalid) valid++;
    if (stateOf(lr) === Lr.Pending) pending++; // one that is active as well does not count
    if (endedWithNotice(lr)) ended++;
  }
  const group0 = (vmcr & VirtualControl.VMGrp0En) !== 0;
  const group1 = (vmcr & VirtualControl.VMGrp1En) !== 0;
  const causes =
    (valid <= 1 ? HypervisorControl.UIE : 0) |
    (hcr >>> 27 !== 0 ? HypervisorControl.LRENPIE : 0) |
    (pending === 0 ? HypervisorControl.NPIE : 0) |
    (group0 ? HypervisorControl.VGrp0EIE : HypervisorControl.VGrp0DIE) |
    (group1 ? HypervisorControl.VGrp1EIE : HypervisorControl.VGrp1DIE);
  return (causes & hcr) | (ended > 0 ? 1 : 0);
}

/** The level of the maintenance interrupt. */
export const needsMaintenance = (cpu: CpuInterface): boolean =>
  (cpu.hypervisorControl & HypervisorControl.En) !== 0 && maintenanceStatus(cpu) !== 0;
