// A GICv2's state: bitmaps and bytes per interrupt, registers per CPU; how it powers up, and how it is saved.
// A bitmap has one word per 32 interrupts; the first, of the private ones, is banked: words 0 to cpus-1 are word 0 of each CPU.

import { bits, list, record, StateError, stateCodec, uint } from '@worldswitch/platform';
import type { Plain, Shape, StateCodec } from '@worldswitch/platform';

import type { Features } from './config.ts';
import { minimumBinaryPoint } from './priority.ts';

/** All of a GICv2's registers and latches. */
export interface Gic {
  readonly is: Features;
  /** Words per bitmap as a CPU sees it. */
  readonly words: number;
  /** GICD_CTLR. */
  distributorControl: number;
  readonly group: Uint32Array;
  readonly enabled: Uint32Array;
  /** Pending by an edge, by a write of GICD_ISPENDR, or as an SGI. */
  readonly latched: Uint32Array;
  readonly active: Uint32Array;
  /** Edge-triggered. */
  readonly edge: Uint32Array;
  /** The wires. They are the outside's and no reset changes them. */
  readonly level: Uint32Array;
  /** Per interrupt, in the order of the bitmaps. */
  readonly priority: Uint8Array;
  /** Per shared interrupt: bit per CPU. The private ones' entries are not used. */
  readonly targets: Uint8Array;
  /** Per CPU and SGI: bit per CPU that sent it. */
  readonly sgiSources: Uint8Array;
  readonly cpu: readonly CpuInterface[];
}

/** The state of one CPU interface, and of the virtual one beside it. */
export interface CpuInterface {
  /** GICC_CTLR, the bits of both views in the Secure view's places. */
  control: number;
  priorityMask: number;
  /** GICC_BPR of Group 0. */
  binaryPoint: number;
  /** GICC_ABPR, which is GICC_BPR of Group 1. */
  aliasedBinaryPoint: number;
  /** GICC_APRn: one bit per preemption level. */
  readonly activePriorities: Uint32Array;
  /** GICC_NSAPRn: the same for Group 1, with the Security Extensions. */
  readonly activePrioritiesNs: Uint32Array;
  /** GICH_HCR. */
  hypervisorControl: number;
  /** GICH_VMCR. */
  virtualControl: number;
  /** GICH_APR. */
  virtualActivePriorities: number;
  /** GICH_LRn. */
  readonly listRegisters: Uint32Array;
}

/** Where word `word` of a bitmap is for a CPU. */
export const slot = (gic: Gic, cpu: number, word: number): number =>
  word === 0 ? cpu : gic.is.cpus + word - 1;

/** Interrupt IDs that a word's bits stand for: fewer than 32 only in the last word of 1020 interrupts. */
export const implemented = (gic: Gic, word: number): number =>
  gic.is.interrupts >= 32 * (word + 1) ? 0xffff_ffff : word < gic.words ? 0x0fff_ffff : 0;

/** Powers one up. */
export function gicState(is: Features): Gic {
  const words = Math.ceil(is.interrupts / 32);
  const banked = is.cpus + words - 1;
  const bitmap = (): Uint32Array => new Uint32Array(banked);
  const gic: Gic = {
    is,
    words,
    distributorControl: 0,
    group: bitmap(),
    enabled: bitmap(),
    latched: bitmap(),
    active: bitmap(),
    edge: bitmap(),
    level: bitmap(),
    priority: new Uint8Array(32 * banked),
    targets: new Uint8Array(32 * banked),
    sgiSources: new Uint8Array(16 * is.cpus),
    cpu: Array.from({ length: is.cpus }, () => ({
      control: 0,
      priorityMask: 0,
      binaryPoint: 0,
      aliasedBinaryPoint: 0,
      activePriorities: new Uint32Array(4),
      activePrioritiesNs: new Uint32Array(4),
      hypervisorControl: 0,
      virtualControl: 0,
      virtualActivePriorities: 0,
      listRegisters: new Uint32Array(is.listRegisters),
    })),
  };
  resetState(gic);
  return gic;
}

/** SGIs are always enabled and edge-triggered. */
export const sgis = 0xffff;

/** Back to power-up, but for the wires. */
export function resetState(gic: Gic): void {
  gic.distributorControl = 0;
  for (const each of [gic.group, gic.enabled, gic.latched, gic.active, gic.edge]) each.fill(0);
  gic.enabled.fill(sgis, 0, gic.is.cpus);
  gic.edge.fill(sgis, 0, gic.is.cpus);
  for (const each of [gic.priority, gic.targets, gic.sgiSources]) each.fill(0);
  const lowest = minimumBinaryPoint(gic.is.priorityBits);
  for (const cpu of gic.cpu) {
    cpu.control = 0;
    cpu.priorityMask = 0;
    cpu.binaryPoint = lowest;
    cpu.aliasedBinaryPoint = lowest + 1;
    cpu.activePriorities.fill(0);
    cpu.activePrioritiesNs.fill(0);
    cpu.hypervisorControl = 0;
    // VMBP and VMABP at their minima for the five bits of a list register's priority.
    cpu.virtualControl = (2 << 21) | (3 << 18);
    cpu.virtualActivePriorities = 0;
    cpu.listRegisters.fill(0);
  }
}

/** A GICv2's saved state. */
export type GicV2State = Readonly<{
  distributorControl: number;
  group: readonly number[];
  enabled: readonly number[];
  latched: readonly number[];
  active: readonly number[];
  edge: readonly number[];
  level: readonly number[];
  priority: readonly number[];
  targets: readonly number[];
  sgiSources: readonly number[];
  cpu: readonly CpuInterfaceState[];
}>;

/** A CPU interface's saved state. */
export type CpuInterfaceState = Readonly<{
  control: number;
  priorityMask: number;
  binaryPoint: number;
  aliasedBinaryPoint: number;
  activePriorities: readonly number[];
  activePrioritiesNs: readonly number[];
  hypervisorControl: number;
  virtualControl: number;
  virtualActivePriorities: number;
  listRegisters: readonly number[];
}>;

const mostWords = 8 + 31;
const bitmapShape = list(bits(), 1, mostWords);
const bytesShape = list(uint(0xff), 1, 32 * mostWords);

const shape: Shape<GicV2State> = record<GicV2State>({
  distributorControl: bits(3),
  group: bitmapShape,
  enabled: bitmapShape,
  latched: bitmapShape,
  active: bitmapShape,
  edge: bitmapShape,
  level: bitmapShape,
  priority: bytesShape,
  targets: bytesShape,
  sgiSources: bytesShape,
  cpu: list(
    record<CpuInterfaceState>({
      control: bits(0x7ff),
      priorityMask: uint(0xff),
      binaryPoint: uint(7),
      aliasedBinaryPoint: uint(7),
      activePriorities: list(bits(), 4),
      activePrioritiesNs: list(bits(), 4),
      hypervisorControl: bits(0xf800_00ff),
      virtualControl: bits(0xf8fc_021f),
      virtualActivePriorities: bits(),
      listRegisters: list(bits(), 0, 64),
    }),
    1,
    8,
  ),
});

/** Checks a saved state; whether it fits a configuration is checked when it is restored. */
export const gicV2Codec: StateCodec<GicV2State> = stateCodec(1, shape);

const bitmaps = ['group', 'enabled', 'latched', 'active', 'edge', 'level'] as const;
const bytes = ['priority', 'targets', 'sgiSources'] as const;
const controls = [
  'control',
  'priorityMask',
  'binaryPoint',
  'aliasedBinaryPoint',
  'hypervisorControl',
  'virtualControl',
  'virtualActivePriorities',
] as const;
const arrays = ['activePriorities', 'activePrioritiesNs', 'listRegisters'] as const;

/** The state as plain data. */
export function saveState(gic: Gic): GicV2State {
  const listed = [...bitmaps, ...bytes].map((name): [string, Plain] => [name, Array.from(gic[name])]);
  return {
    distributorControl: gic.distributorControl,
    ...(Object.fromEntries(listed) as unknown as Omit<GicV2State, 'distributorControl' | 'cpu'>),
    cpu: gic.cpu.map(saveInterface),
  };
}

function saveInterface(cpu: CpuInterface): CpuInterfaceState {
  return Object.fromEntries([
    ...controls.map((name): [string, Plain] => [name, cpu[name] >>> 0]),
    ...arrays.map((name): [string, Plain] => [name, Array.from(cpu[name])]),
  ]) as unknown as CpuInterfaceState;
}

/** Fills `into` with a checked state, or throws a `StateError` where it is of another configuration. */
export function restoreState(into: Gic, from: GicV2State): void {
  const fill = (field: string, to: Uint8Array | Uint32Array, values: readonly number[]): void => {
    if (values.length !== to.length) {
      throw new StateError(field, `must have ${to.length} elements for this GIC, but has ${values.length}`);
    }
    to.set(values);
  };
  for (const name of [...bitmaps, ...bytes]) fill(name, into[name], from[name]);
  if (from.cpu.length !== into.cpu.length) {
    throw new StateError(
      'cpu',
      `must have ${into.cpu.length} elements for this GIC, but has ${from.cpu.length}`,
    );
  }
  into.distributorControl = from.distributorControl;
  from.cpu.forEach((saved, i) => {
    const cpu = into.cpu[i];
    if (cpu === undefined) return;
    for (const name of controls) cpu[name] = saved[name];
    for (const name of arrays) fill(`cpu[${i}].${name}`, cpu[name], saved[name]);
  });
}
