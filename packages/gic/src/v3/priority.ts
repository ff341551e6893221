// Priorities at a CPU interface: masking, grouping, the running priority, preemption (IHI 0069 4.8).

import { lowestBit } from '../v2/priority.ts';
import { Group, minimumBinaryPoint, World } from './state.ts';
import type { CpuInterface } from './state.ts';

/** The running priority when nothing is active. */
export const idlePriority = 0xff;
/** Priorities are in the upper five bits. */
export const priorityShift: number = minimumBinaryPoint + 1;

/** Bits of ICC_CTLR_EL1. */
export const InterfaceControl = { CBPR: 1, EOImode: 2 } as const;

/** Index of a Security state's copy of ICC_CTLR_EL1. */
export const copyOf = (cpu: CpuInterface): 0 | 1 => ((cpu.world & World.Secure) !== 0 ? 0 : 1);

/** The bits of a priority that decide preemption, by group. */
export function preemptionMask(cpu: CpuInterface, group: Group): number {
  const common = group !== Group.G0 && ((cpu.control[group - 1] ?? 0) & InterfaceControl.CBPR) !== 0;
  const own = cpu.binaryPoint[common ? Group.G0 : group] ?? 0;
  // The Non-secure binary point counts one more.
  return (0xff << (group === Group.G1NS && !common ? own : own + 1)) & 0xff;
}

/** The highest active priority; `idlePriority` for none. */
export function runningPriority(cpu: CpuInterface): number {
  const all =
    (cpu.activePriorities[0] ?? 0) | (cpu.activePriorities[1] ?? 0) | (cpu.activePriorities[2] ?? 0);
  return all === 0 ? idlePriority : lowestBit(all) << priorityShift;
}

/** The group of the highest active priority, or -1. */
export function runningGroup(cpu: CpuInterface): Group | -1 {
  let [found, level]: [Group | -1, number] = [-1, 32];
  for (const group of [Group.G0, Group.G1S, Group.G1NS]) {
    const own = lowestBit(cpu.activePriorities[group] ?? 0);
    if (own < level) [found, level] = [group, own];
  }
  return found;
}

/** True where an interrupt passes the priority mask and preempts what runs. */
export function isSufficient(cpu: CpuInterface, group: Group, priority: number): boolean {
  if (priority >= cpu.priorityMask) return false;
  const running = runningPriority(cpu);
  const mask = preemptionMask(cpu, group);
  return running === idlePriority || (priority & mask) < (running & mask);
}

/** True where a group is enabled at a CPU interface. */
export const takesGroup = (cpu: CpuInterface, group: Group): boolean => ((cpu.enables >>> group) & 1) !== 0;
