// The physical CPU interface's behaviour: acknowledge, end of interrupt, deactivation, SGIs, signals (IHI 0069 4.1, 4.4, 4.6, 4.8).

import { activate, deactivate, groupOf, setBit, special, spurious } from './interrupts.ts';
import {
  copyOf,
  InterfaceControl,
  isSufficient,
  preemptionMask,
  priorityShift,
  runningGroup,
} from './priority.ts';
import { Group, single, World } from './state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** At EL3, and pending is an interrupt that the Secure or the Non-secure EL1 is to handle. */
const forSecureEl1 = 1020;
const forNonSecure = 1021;

const atEl3 = (cpu: CpuInterface): boolean => (cpu.world & World.EL3) !== 0;
/** In the Secure state, which EL3 is. */
const isSecure = (cpu: CpuInterface): boolean => (cpu.world & (World.Secure | World.EL3)) !== 0;
/** The group that ICC_*1_EL1 registers are of. */
export const ownGroup1 = (cpu: CpuInterface): Group =>
  (cpu.world & World.Secure) !== 0 ? Group.G1S : Group.G1NS;
/** Group 0 goes to EL3: the Non-secure state sees the lower half of the priorities alone. */
export const seesHalf = (cpu: CpuInterface): boolean => !isSecure(cpu) && (cpu.world & World.FIQ) !== 0;

/** What ICC_IAR0_EL1 and ICC_HPPIR0_EL1 show of an interrupt, or (`group1`) ICC_IAR1_EL1 and ICC_HPPIR1_EL1. */
function shown(gic: Gic, index: number, cpu: CpuInterface, id: number, group1: boolean): number {
  if (id === spurious) return spurious;
  const group = groupOf(gic, index, id);
  const secureInterrupt = !single(gic) && group !== Group.G1NS;
  if (secureInterrupt && !isSecure(cpu)) return spurious;
  if (group1) {
    if (group === Group.G0) return spurious;
    const foreign = group === Group.G1NS && isSecure(cpu) && !atEl3(cpu);
    return foreign ? spurious : id;
  }
  if (group === Group.G0) return id;
  if (!atEl3(cpu)) return spurious;
  return secureInterrupt ? forSecureEl1 : forNonSecure;
}

/** The interrupt that a CPU is to be given now, or `spurious`. */
function signalled(gic: Gic, index: number, cpu: CpuInterface): number {
  const id = gic.best[index] ?? spurious;
  if (id === spurious) return spurious;
  return isSufficient(cpu, groupOf(gic, index, id), gic.bestPriority[index] ?? 0) ? id : spurious;
}

/** ICC_HPPIR0_EL1 and ICC_HPPIR1_EL1: whatever the priority mask and the running priority. */
export const highestPending = (gic: Gic, index: number, cpu: CpuInterface, group1: boolean): number =>
  shown(gic, index, cpu, gic.best[index] ?? spurious, group1);

/** Reading ICC_IAR0_EL1 or ICC_IAR1_EL1: the interrupt becomes active, and its group priority the running one. */
export function acknowledge(gic: Gic, index: number, cpu: CpuInterface, group1: boolean): number {
  const id = shown(gic, index, cpu, signalled(gic, index, cpu), group1);
  if (id >= special) return id;
  const group = groupOf(gic, index, id);
  const level = ((gic.bestPriority[index] ?? 0) & preemptionMask(cpu, group)) >>> priorityShift;
  cpu.activePriorities[group] = (cpu.activePriorities[group] ?? 0) | (1 << level);
  activate(gic, index, id);
  return id;
}

/** Ending is split into priority drop and deactivation. */
const splits = (cpu: CpuInterface): boolean =>
  atEl3(cpu) ? cpu.splitEl3 !== 0 : ((cpu.control[copyOf(cpu)] ?? 0) & InterfaceControl.EOImode) !== 0;

/** May the CPU drop the running priority of a group by ICC_EOIR0_EL1, or (`group1`) by ICC_EOIR1_EL1? */
function mayDrop(gic: Gic, cpu: CpuInterface, group: Group, group1: boolean): boolean {
  if (group1 !== (group !== Group.G0)) return false;
  if (atEl3(cpu)) return true;
  if (group === Group.G0 && single(gic)) return true;
  return isSecure(cpu) === (group !== Group.G1NS);
}

/** Writing ICC_EOIR0_EL1 or ICC_EOIR1_EL1: priority drop, and unless EOImode splits them, deactivation. */
export function endInterrupt(
  gic: Gic,
  index: number,
  cpu: CpuInterface,
  value: number,
  group1: boolean,
): void {
  const id = value & 0xff_ffff;
  if (id >= gic.is.interrupts) return;
  const group = runningGroup(cpu);
  if (group < 0 || !mayDrop(gic, cpu, group as Group, group1)) return;
  const active = cpu.activePriorities[group] ?? 0;
  cpu.activePriorities[group] = active & (active - 1);
  if (!splits(cpu)) deactivate(gic, index, id);
}

/** May the CPU deactivate an interrupt of a group? Not what EL3 has for itself, nor another world's (IHI 0069 12.2, ICC_DIR_EL1). */
function mayDeactivate(gic: Gic, cpu: CpuInterface, group: Group): boolean {
  if (atEl3(cpu)) return true;
  const routed = (cpu.world & (group === Group.G0 ? World.FIQ : World.IRQ)) !== 0;
  if (routed) return false;
  return single(gic) || isSecure(cpu) || group === Group.G1NS;
}

/** Writing ICC_DIR_EL1: deactivation alone, where EOImode asks for it. */
export function deactivateInterrupt(gic: Gic, index: number, cpu: CpuInterface, value: number): void {
  const id = value & 0xff_ffff;
  if (id >= gic.is.interrupts || !splits(cpu)) return;
  if (mayDeactivate(gic, cpu, groupOf(gic, index, id))) deactivate(gic, index, id);
}

/** An SGI's group as its sender asks for it. */
export type SgiGroup = 'group0' | 'own' | 'other';

/** Makes an SGI pending on a CPU if it is there of the group asked for, and open to the sender (IHI 0069 4.4; 12.2, ICC_SGI1R_EL1). */
function forward(gic: Gic, to: number, id: number, asked: Group, nonSecure: boolean): void {
  const group = groupOf(gic, to, id);
  // A Secure Group 1 SGI that is configured as Group 0 is sent as that.
  if (group !== asked && !(asked === Group.G1S && group === Group.G0)) return;
  if (nonSecure && !single(gic) && group !== Group.G1NS) {
    const access = gic.nonSecureAccess[32 * to + id] ?? 0;
    if (access < (group === Group.G0 ? 1 : 2)) return;
  }
  setBit(gic, gic.latched, to, id, true);
}

/** Writing ICC_SGI0R_EL1, ICC_SGI1R_EL1 or ICC_ASGI1R_EL1. */
export function sendSgi(
  gic: Gic,
  self: number,
  cpu: CpuInterface,
  lo: number,
  hi: number,
  as: SgiGroup,
): void {
  const nonSecure = !isSecure(cpu);
  const own = nonSecure ? Group.G1NS : Group.G1S;
  const other = nonSecure ? Group.G1S : Group.G1NS;
  const asked = as === 'group0' ? Group.G0 : as === 'own' ? own : other;
  const id = (lo >>> 24) & 15;
  const everybody = (hi & 0x100) !== 0;
  // Aff3.Aff2.Aff1 of the targets; the list has a bit per Aff0.
  const cluster = (((hi >>> 16) & 0xff) << 16) | ((hi & 0xff) << 8) | ((lo >>> 16) & 0xff);
  for (let i = 0; i < gic.is.cpus; i++) {
    const affinity = gic.is.affinities[i] ?? 0;
    const named =
      affinity >>> 8 === cluster && (affinity & 0xff) < 16 && ((lo >>> (affinity & 15)) & 1) !== 0;
    if (everybody ? i !== self : named) forward(gic, i, id, asked, nonSecure);
  }
}

/**
 * Which of the two pins is high. Group 0 comes as FIQ; Group 1 as IRQ to the state that it is of, and as FIQ to the other and
 * to EL3 (IHI 0069 4.6.2).
 */
export function physicalPin(gic: Gic, index: number, cpu: CpuInterface): 'none' | 'irq' | 'fiq' {
  const id = signalled(gic, index, cpu);
  if (id === spurious) return 'none';
  const group = groupOf(gic, index, id);
  if (group === Group.G0) return 'fiq';
  if (single(gic)) return 'irq';
  return !atEl3(cpu) && isSecure(cpu) === (group === Group.G1S) ? 'irq' : 'fiq';
}
