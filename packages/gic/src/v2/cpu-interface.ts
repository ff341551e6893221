// The CPU interface's behaviour: masking, preemption, acknowledge, end of interrupt (IHI 0048B 3.2, 3.3, 4.4).

import {
  acknowledge,
  deactivate,
  highestPending,
  inGroup1,
  priorityOf,
  spurious,
  spuriousGroup1,
  withSource,
} from './interrupts.ts';
import { activate, dropHighest, groupMask, highestActive, levelShift } from './priority.ts';
import type { CpuInterface, Gic } from './state.ts';

/** Bits of GICC_CTLR as the Secure view has them, which is also the only view without the Security Extensions. */
export const Control = {
  EnableGrp0: 0x1,
  EnableGrp1: 0x2,
  AckCtl: 0x4,
  FIQEn: 0x8,
  CBPR: 0x10,
  EOImodeS: 0x200,
  EOImodeNS: 0x400,
} as const;

/** The priorities that are active, 0x100 for none. */
export function runningPriority(gic: Gic, cpu: CpuInterface): number {
  const shift = levelShift(gic.is.priorityBits);
  return Math.min(highestActive(cpu.activePriorities, shift), highestActive(cpu.activePrioritiesNs, shift));
}

/** The bits of a priority that decide preemption. */
function preemptionMask(cpu: CpuInterface, group1: boolean): number {
  const own = group1 && (cpu.control & Control.CBPR) === 0;
  return groupMask(own ? cpu.aliasedBinaryPoint - 1 : cpu.binaryPoint);
}

/** True where an interrupt passes the priority mask and preempts what runs. */
function isSufficient(gic: Gic, index: number, cpu: CpuInterface, id: number): boolean {
  const priority = priorityOf(gic, index, id);
  if (priority >= cpu.priorityMask) return false;
  const running = runningPriority(gic, cpu);
  const mask = preemptionMask(cpu, inGroup1(gic, index, id));
  return running > 0xff || (priority & mask) < (running & mask);
}

/** The interrupt that the CPU is to be given now, or `spurious`. */
export function signalled(gic: Gic, index: number): number {
  const cpu = gic.cpu[index];
  const id = highestPending(gic, index);
  return id === spurious || cpu === undefined || !isSufficient(gic, index, cpu, id) ? spurious : id;
}

/** Which registers an access went through, and what they may do. */
export interface View {
  /** May handle Group 0. */
  readonly group0: boolean;
  /** May acknowledge Group 1; GICC_IAR of the full view may only with AckCtl. */
  readonly group1: boolean;
}

/** What a view shows of the highest pending interrupt: its ID or a special one. */
function shownId(gic: Gic, index: number, id: number, view: View): number {
  if (id === spurious) return spurious;
  if (inGroup1(gic, index, id)) return view.group1 ? id : spuriousGroup1;
  return view.group0 ? id : spurious;
}

/** GICC_HPPIR: whatever the priority mask and the running priority. */
export function highestPendingShown(gic: Gic, index: number, view: View): number {
  const id = shownId(gic, index, highestPending(gic, index), view);
  return id < gic.is.interrupts ? withSource(gic, index, id) : id;
}

/** Reading GICC_IAR: the interrupt becomes active, and its group priority the running one. */
export function acknowledgeInterrupt(gic: Gic, index: number, cpu: CpuInterface, view: View): number {
  const id = shownId(gic, index, signalled(gic, index), view);
  if (id >= gic.is.interrupts) return id;
  const group1 = inGroup1(gic, index, id);
  const priority = priorityOf(gic, index, id) & preemptionMask(cpu, group1);
  activate(levelsOf(gic, cpu, group1), levelShift(gic.is.priorityBits), priority);
  return acknowledge(gic, index, id);
}

/** Where a group's active priorities are kept. */
const levelsOf = (gic: Gic, cpu: CpuInterface, group1: boolean): Uint32Array =>
  group1 && gic.is.security ? cpu.activePrioritiesNs : cpu.activePriorities;

/** Writing GICC_EOIR: priority drop, and unless EOImode splits them, deactivation. */
export function endInterrupt(
  gic: Gic,
  index: number,
  cpu: CpuInterface,
  value: number,
  groups: View,
  split: boolean,
): void {
  const id = value & 0x3ff;
  if (id >= gic.is.interrupts) return;
  const group1 = inGroup1(gic, index, id);
  if (group1 ? !groups.group1 : !groups.group0) return;
  dropHighest(levelsOf(gic, cpu, group1));
  if (!split) deactivate(gic, index, id);
}

/** Writing GICC_DIR: deactivation alone, where EOImode asks for it. */
export function deactivateInterrupt(
  gic: Gic,
  index: number,
  value: number,
  groups: View,
  split: boolean,
): void {
  const id = value & 0x3ff;
  if (!split || id >= gic.is.interrupts) return;
  if (inGroup1(gic, index, id) ? !groups.group1 : !groups.group0) return;
  deactivate(gic, index, id);
}
