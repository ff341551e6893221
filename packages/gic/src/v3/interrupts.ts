// Interrupts' states: when one is pending, which is the highest for each CPU, and how one is made active or inactive
// (IHI 0069 4.1, 4.5 to 4.8).

import { lowestBit } from '../v2/priority.ts';
import { isSufficient, takesGroup } from './priority.ts';
import { Control, Group, implemented, single, slot } from './state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** No interrupt that may be acknowledged. */
export const spurious = 1023;
/** The first of the special interrupt IDs. */
export const special = 1020;

/** GICD_IROUTER.Interrupt_Routing_Mode: any CPU. */
const anyCpu = -2;

/** Bits of a bitmap for a CPU's view. */
export const bitmap = (gic: Gic, of: Uint32Array, cpu: number, word: number): number =>
  of[slot(gic, cpu, word)] ?? 0;

/** One interrupt's bit. */
export const isSet = (gic: Gic, of: Uint32Array, cpu: number, id: number): boolean =>
  ((bitmap(gic, of, cpu, id >>> 5) >>> (id & 31)) & 1) !== 0;

/** Changes one interrupt's bit. */
export function setBit(gic: Gic, of: Uint32Array, cpu: number, id: number, to: boolean): void {
  const at = slot(gic, cpu, id >>> 5);
  const bit = 1 << (id & 31);
  of[at] = to ? (of[at] ?? 0) | bit : (of[at] ?? 0) & ~bit;
}

/** Pending interrupts of a word: latched, or level-sensitive with the wire high. */
export function pendingWord(gic: Gic, cpu: number, word: number): number {
  const at = slot(gic, cpu, word);
  return (gic.latched[at] ?? 0) | ((gic.level[at] ?? 0) & ~(gic.edge[at] ?? 0));
}

/** An interrupt's group. */
export function groupOf(gic: Gic, cpu: number, id: number): Group {
  if (isSet(gic, gic.group, cpu, id)) return Group.G1NS;
  return !single(gic) && isSet(gic, gic.modifier, cpu, id) ? Group.G1S : Group.G0;
}

/** GICD_CTLR's enables, a bit per group. */
const forwarded = (gic: Gic): number =>
  ((gic.control & Control.EnableGrp0) !== 0 ? 1 << Group.G0 : 0) |
  ((gic.control & Control.EnableGrp1S) !== 0 && !single(gic) ? 1 << Group.G1S : 0) |
  ((gic.control & Control.EnableGrp1NS) !== 0 ? 1 << Group.G1NS : 0);

/** Interrupts of a word that a CPU may be given as far as the word at `at` says: of groups in `groups`, enabled, pending, inactive. */
function candidates(gic: Gic, at: number, groups: number): number {
  const pending = (gic.latched[at] ?? 0) | ((gic.level[at] ?? 0) & ~(gic.edge[at] ?? 0));
  const ready = pending & (gic.enabled[at] ?? 0) & ~(gic.active[at] ?? 0);
  if (ready === 0) return 0;
  const group = gic.group[at] ?? 0;
  const modifier = single(gic) ? 0 : (gic.modifier[at] ?? 0);
  const allowed =
    ((groups & (1 << Group.G0)) !== 0 ? ~group & ~modifier : 0) |
    ((groups & (1 << Group.G1S)) !== 0 ? ~group & modifier : 0) |
    ((groups & (1 << Group.G1NS)) !== 0 ? group : 0);
  return ready & allowed;
}

/** GICR_CTLR.DPG0, DPG1S and DPG1NS: the CPU is not to be chosen for interrupts of a group that any CPU may take. */
const declines = (cpu: CpuInterface, group: Group): boolean =>
  (cpu.redistributorControl & (group === Group.G0 ? 1 << 24 : group === Group.G1NS ? 1 << 25 : 1 << 26)) !==
  0;

/**
 * The CPU for an interrupt that any may take: the first that can be given it now, or the first that has its group enabled; -1
 * where there is none (IHI 0069 1.2.3: the choice is the implementation's).
 */
function oneOfAll(gic: Gic, id: number, priority: number): number {
  const group = groupOf(gic, 0, id);
  let first = -1;
  for (let i = 0; i < gic.cpu.length; i++) {
    const cpu = gic.cpu[i];
    if (cpu?.asleep !== 0 || !takesGroup(cpu, group) || declines(cpu, group)) continue;
    if (isSufficient(cpu, group, priority)) return i;
    if (first < 0) first = i;
  }
  return first;
}

/** Gives a CPU an interrupt if it has none of as high a priority. */
function offer(gic: Gic, to: number, id: number, priority: number): void {
  if (priority >= (gic.bestPriority[to] ?? 0)) return;
  gic.best[to] = id;
  gic.bestPriority[to] = priority;
}

function offerPrivate(gic: Gic, index: number, groups: number): void {
  let left = candidates(gic, index, groups);
  while (left !== 0) {
    const bit = lowestBit(left);
    left &= left - 1;
    offer(gic, index, bit, gic.priority[32 * index + bit] ?? 0);
  }
}

function offerShared(gic: Gic, word: number, groups: number): void {
  const at = slot(gic, 0, word);
  let left = candidates(gic, at, groups);
  while (left !== 0) {
    const bit = lowestBit(left);
    left &= left - 1;
    const id = 32 * word + bit;
    const priority = gic.priority[32 * at + bit] ?? 0;
    const target = gic.target[id - 32] ?? -1;
    const to = target === anyCpu ? oneOfAll(gic, id, priority) : target;
    const cpu = gic.cpu[to];
    if (cpu?.asleep !== 0 || !takesGroup(cpu, groupOf(gic, 0, id))) continue;
    offer(gic, to, id, priority);
  }
}

/**
 * Finds every CPU's pending interrupt of the highest priority, of equal ones the lowest ID: enabled, not active, routed to the
 * CPU, of a group that both the distributor and the CPU interface have enabled. A sleeping CPU has none.
 */
export function chooseHighest(gic: Gic): void {
  const groups = forwarded(gic);
  for (let i = 0; i < gic.cpu.length; i++) {
    gic.best[i] = spurious;
    gic.bestPriority[i] = 0x100;
    const cpu = gic.cpu[i];
    if (cpu?.asleep === 0) offerPrivate(gic, i, groups & cpu.enables);
  }
  if (groups === 0) return;
  for (let word = 1; word < gic.words; word++) offerShared(gic, word, groups);
}

/** Follows a change of GICD_IROUTER of a shared interrupt, counted from 0. */
export function routeChanged(gic: Gic, n: number): void {
  const low = gic.route[n] ?? 0;
  const affinity = (((gic.routeHigh[n] ?? 0) << 24) | (low & 0xff_ffff)) >>> 0;
  gic.target[n] = low >>> 31 !== 0 ? anyCpu : gic.is.affinities.indexOf(affinity);
}

/** Makes a pending interrupt active. */
export function activate(gic: Gic, cpu: number, id: number): void {
  setBit(gic, gic.active, cpu, id, true);
  setBit(gic, gic.latched, cpu, id, false);
}

/** Makes an interrupt inactive. */
export function deactivate(gic: Gic, cpu: number, id: number): void {
  if (id < gic.is.interrupts) setBit(gic, gic.active, cpu, id, false);
}

/** Drives an interrupt's wire. An edge-triggered interrupt becomes pending when it rises. */
export function drive(gic: Gic, cpu: number, id: number, level: boolean): void {
  if (isSet(gic, gic.level, cpu, id) === level) return;
  setBit(gic, gic.level, cpu, id, level);
  if (level && isSet(gic, gic.edge, cpu, id)) setBit(gic, gic.latched, cpu, id, true);
}

/** Interrupts of a word whose GICD_NSACR field is at least `level`. */
export function openToNonSecure(gic: Gic, cpu: number, word: number, level: number): number {
  const base = 32 * slot(gic, cpu, word);
  let open = 0;
  for (let i = 0; i < 32; i++) if ((gic.nonSecureAccess[base + i] ?? 0) >= level) open |= 1 << i;
  return open & implemented(gic, word);
}
