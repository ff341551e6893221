// Interrupts' states: when one is pending, which is the highest for a CPU, and how one is made active or inactive
// (IHI 0048B 3.2, 3.3, 4.3.7).

import { lowestBit } from './priority.ts';
import { implemented, sgis, slot } from './state.ts';
import type { Gic } from './state.ts';

/** No interrupt that may be acknowledged. */
export const spurious = 1023;
/** A Group 1 interrupt pends, and this access cannot acknowledge it. */
export const spuriousGroup1 = 1022;

/** Where an interrupt's byte is in `priority` and `targets`. */
const byteSlot = (gic: Gic, cpu: number, id: number): number => 32 * slot(gic, cpu, id >>> 5) + (id & 31);

/** Bits of a bitmap for a CPU's view. */
export const bitmap = (gic: Gic, of: Uint32Array, cpu: number, word: number): number =>
  of[slot(gic, cpu, word)] ?? 0;

/** One interrupt's bit. */
export const isSet = (gic: Gic, of: Uint32Array, cpu: number, id: number): boolean =>
  ((bitmap(gic, of, cpu, id >>> 5) >>> (id & 31)) & 1) !== 0;

/** Changes one interrupt's bit. */
function setBit(gic: Gic, of: Uint32Array, cpu: number, id: number, to: boolean): void {
  const at = slot(gic, cpu, id >>> 5);
  const bit = 1 << (id & 31);
  of[at] = to ? (of[at] ?? 0) | bit : (of[at] ?? 0) & ~bit;
}

/** Pending interrupts of a word: latched, or level-sensitive with the wire high. */
export function pendingWord(gic: Gic, cpu: number, word: number): number {
  const at = slot(gic, cpu, word);
  return (gic.latched[at] ?? 0) | ((gic.level[at] ?? 0) & ~(gic.edge[at] ?? 0));
}

/** An interrupt's priority. */
export const priorityOf = (gic: Gic, cpu: number, id: number): number =>
  gic.priority[byteSlot(gic, cpu, id)] ?? 0;

/** True for Group 1. */
export const inGroup1 = (gic: Gic, cpu: number, id: number): boolean => isSet(gic, gic.group, cpu, id);

/**
 * Interrupts of a word that a CPU may be given: pending, enabled, not active anywhere, and of a group that both the distributor
 * and the CPU interface have enabled.
 */
function candidates(gic: Gic, cpu: number, word: number): number {
  const pending = pendingWord(gic, cpu, word);
  if (pending === 0) return 0;
  const at = slot(gic, cpu, word);
  const groups = gic.distributorControl & (gic.cpu[cpu]?.control ?? 0);
  const group = gic.group[at] ?? 0;
  const allowed = ((groups & 1) !== 0 ? ~group : 0) | ((groups & 2) !== 0 ? group : 0);
  return pending & allowed & (gic.enabled[at] ?? 0) & ~(gic.active[at] ?? 0) & implemented(gic, word);
}

/** The pending interrupt of the highest priority for a CPU, of equal ones the lowest ID; `spurious` where there is none. */
export function highestPending(gic: Gic, cpu: number): number {
  let best = spurious;
  let bestPriority = 0x100;
  const self = 1 << cpu;
  for (let word = 0; word < gic.words; word++) {
    let left = candidates(gic, cpu, word);
    const base = 32 * slot(gic, cpu, word);
    while (left !== 0) {
      const bit = lowestBit(left);
      left &= left - 1;
      const priority = gic.priority[base + bit] ?? 0;
      if (priority >= bestPriority) continue;
      // With one CPU there is no choice of target (IHI 0048B 4.3.12).
      if (word > 0 && gic.is.cpus > 1 && ((gic.targets[base + bit] ?? 0) & self) === 0) continue;
      best = 32 * word + bit;
      bestPriority = priority;
    }
  }
  return best;
}

/** What an acknowledge register shows of an interrupt: its ID, and for an SGI the sender, of several the lowest. */
export function withSource(gic: Gic, cpu: number, id: number): number {
  if (id >= 16) return id;
  const sources = gic.sgiSources[16 * cpu + id] ?? 0;
  return id | ((sources === 0 ? 0 : lowestBit(sources)) << 10);
}

/** Makes a pending interrupt active, as reading an acknowledge register does; returns what that shows. */
export function acknowledge(gic: Gic, cpu: number, id: number): number {
  const shown = withSource(gic, cpu, id);
  setBit(gic, gic.active, cpu, id, true);
  if (id < 16) {
    const at = 16 * cpu + id;
    const left = (gic.sgiSources[at] ?? 0) & ~(1 << (shown >>> 10));
    gic.sgiSources[at] = left;
    setBit(gic, gic.latched, cpu, id, left !== 0);
  } else setBit(gic, gic.latched, cpu, id, false);
  return shown;
}

/** Makes an interrupt inactive. */
export function deactivate(gic: Gic, cpu: number, id: number): void {
  if (id < gic.is.interrupts) setBit(gic, gic.active, cpu, id, false);
}

/** Drives an interrupt's wire. An edge-triggered interrupt becomes pending when it rises. */
export function drive(gic: Gic, cpu: number, id: number, level: boolean): void {
  const was = isSet(gic, gic.level, cpu, id);
  if (was === level) return;
  setBit(gic, gic.level, cpu, id, level);
  if (level && isSet(gic, gic.edge, cpu, id)) setBit(gic, gic.latched, cpu, id, true);
}

/** Makes an SGI pending on a CPU, from `sources`. */
export function raiseSgi(gic: Gic, cpu: number, id: number, sources: number): void {
  const at = 16 * cpu + id;
  gic.sgiSources[at] = (gic.sgiSources[at] ?? 0) | sources;
  setBit(gic, gic.latched, cpu, id, gic.sgiSources[at] !== 0);
}

/** Takes an SGI's pending state from some senders back. */
export function clearSgi(gic: Gic, cpu: number, id: number, sources: number): void {
  const at = 16 * cpu + id;
  gic.sgiSources[at] = (gic.sgiSources[at] ?? 0) & ~sources;
  setBit(gic, gic.latched, cpu, id, gic.sgiSources[at] !== 0);
}

/** SGIs are made pending by GICD_SGIR and GICD_SPENDSGIR alone. */
export const notSgis = (word: number): number => (word === 0 ? ~sgis : 0xffff_ffff);
