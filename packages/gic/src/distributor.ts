// A distributor without CPU interfaces: what a hypervisor has for each VM, which delivers by list registers (IHI 0048B 4.3, 5.2;
// IHI 0069 6, 12.9). The register tables and the rules of pending, routing and SGIs are those of the hardware models.

import type { Mmio, Trace } from '@worldswitch/platform';

import { features as featuresV2 } from './v2/config.ts';
import type { GicV2Config } from './v2/config.ts';
import { gicd as gicdV2 } from './v2/gicd.ts';
import { drive as driveV2, pendingWord as pendingV2 } from './v2/interrupts.ts';
import * as v2 from './v2/state.ts';
import type { CpuInterface as InterfaceV2, GicV2State } from './v2/state.ts';
import { features as featuresV3 } from './v3/config.ts';
import type { GicV3Config } from './v3/config.ts';
import { distributor } from './v3/gicd.ts';
import { redistributors } from './v3/gicr.ts';
import { drive as driveV3, pendingWord as pendingV3, routeChanged } from './v3/interrupts.ts';
import { sendSgi } from './v3/physical.ts';
import { restoreState as restoreV3, saveState as saveV3 } from './v3/saved-state.ts';
import type { GicV3State } from './v3/saved-state.ts';
import * as v3 from './v3/state.ts';
import type { CpuInterface as InterfaceV3 } from './v3/state.ts';

/** A distributor's interrupts. Bitmaps have a word per 32 interrupts; where a CPU's words are, `slot` says. */
export interface Distributor {
  /** Register blocks: of a GICv2 GICD, of a GICv3 GICD and the redistributors. */
  readonly mmio: readonly Mmio[];
  readonly cpus: number;
  /** Interrupt IDs, the private ones included. */
  readonly interrupts: number;
  /** Words of a bitmap as a CPU sees it. */
  readonly words: number;
  /** Group 1. */
  readonly group: Uint32Array;
  readonly enabled: Uint32Array;
  /** Pending by an edge, by a write, or as an SGI. */
  readonly latched: Uint32Array;
  readonly active: Uint32Array;
  /** Edge-triggered. */
  readonly edge: Uint32Array;
  /** The wires. */
  readonly level: Uint32Array;
  /** A byte per interrupt, in the order of the bitmaps. */
  readonly priority: Uint8Array;
  /** Of a GICv2, by CPU and SGI: a bit per sender. */
  readonly sgiSources: Uint8Array | undefined;
  /** GICD_CTLR: bit 0 forwards Group 0, bit 1 Group 1. */
  readonly groups: number;
  /** Where word `word` of a bitmap is for a CPU. */
  slot(cpu: number, word: number): number;
  /** Interrupts that a word's bits stand for. */
  implemented(word: number): number;
  /** Pending interrupts of a word. */
  pending(cpu: number, word: number): number;
  /** The CPU of a shared interrupt, of several the first; -1 for none. */
  target(id: number): number;
  /** GICR_WAKER does not say that the CPU sleeps. */
  isAwake(cpu: number): boolean;
  /** Drives an interrupt's wire. */
  drive(cpu: number, id: number, level: boolean): void;
}

/** The virtual CPU interface of a GICv2 while its vCPU is not on a CPU, and what its list registers were last written with. */
export type VirtualInterfaceV2 = Pick<
  InterfaceV2,
  'hypervisorControl' | 'virtualControl' | 'virtualActivePriorities' | 'listRegisters'
>;

/** The same of a GICv3. */
export type VirtualInterfaceV3 = Pick<
  InterfaceV3,
  'hypervisorControl' | 'virtualControl' | 'virtualActivePriorities' | 'listLow' | 'listHigh'
>;

/** A GICv2's distributor. */
export interface DistributorV2 extends Distributor {
  readonly interfaces: readonly VirtualInterfaceV2[];
  save(): GicV2State;
}

/** A GICv3's distributor and redistributors. */
export interface DistributorV3 extends Distributor {
  readonly interfaces: readonly VirtualInterfaceV3[];
  /** Writing ICC_SGI1R_EL1, or (`group0`) ICC_SGI0R_EL1. */
  sendSgi(cpu: number, lo: number, hi: number, group0: boolean): void;
  save(): GicV3State;
}

const none = new Uint32Array(0);
const lowestBit = (word: number): number => (word === 0 ? -1 : 31 - Math.clz32(word & -word));

/**
 * A GICv2's distributor.
 *
 * @param config - as of a whole GICv2; without the Security Extensions
 * @param changed - called after each write that may have changed what is to be delivered
 * @param trace - where register accesses go
 * @param state - as it was saved; checked by the codec of `gicV2`
 */
export function distributorV2(
  config: Omit<GicV2Config, 'security'>,
  changed: () => void,
  trace: Trace,
  state?: GicV2State,
): DistributorV2 {
  const gic = v2.gicState(featuresV2(config));
  if (state !== undefined) v2.restoreState(gic, state);
  const { cpus, interrupts } = gic.is;
  return {
    ...bitmapsOf(gic),
    mmio: [gicdV2.mmio({ gic, update: changed }, none, trace)],
    cpus,
    interrupts,
    sgiSources: gic.sgiSources,
    interfaces: gic.cpu,
    get groups() {
      return gic.distributorControl & 3;
    },
    slot: (cpu, word) => v2.slot(gic, cpu, word),
    implemented: (word) => v2.implemented(gic, word),
    pending: (cpu, word) => pendingV2(gic, cpu, word),
    // With one CPU there is no choice of target (IHI 0048B 4.3.12).
    target: (id) =>
      cpus === 1 ? 0 : lowestBit(gic.targets[32 * v2.slot(gic, 0, id >>> 5) + (id & 31)] ?? 0),
    isAwake: () => true,
    drive: (cpu, id, level) => {
      driveV2(gic, cpu, id, level);
    },
    save: () => v2.saveState(gic),
  };
}

/**
 * A GICv3's distributor and redistributors, with one Security state.
 *
 * @param config - as of a whole GICv3
 * @param changed - called after each write that may have changed what is to be delivered
 * @param trace - where register accesses go
 * @param state - as it was saved; checked by the codec of `gicV3`
 */
export function distributorV3(
  config: Omit<GicV3Config, 'security'>,
  changed: () => void,
  trace: Trace,
  state?: GicV3State,
): DistributorV3 {
  const gic = v3.gicState(featuresV3(config));
  if (state !== undefined) restoreV3(gic, state);
  for (let n = 0; n < gic.route.length; n++) routeChanged(gic, n);
  return {
    ...bitmapsOf(gic),
    mmio: [distributor(gic, changed, trace), redistributors(gic, changed, trace)],
    cpus: gic.is.cpus,
    interrupts: gic.is.interrupts,
    sgiSources: undefined,
    interfaces: gic.cpu,
    get groups() {
      return gic.control & 3;
    },
    slot: (cpu, word) => v3.slot(gic, cpu, word),
    implemented: (word) => v3.implemented(gic, word),
    pending: (cpu, word) => pendingV3(gic, cpu, word),
    // Of one that any CPU may take the choice is the implementation's: the first.
    target: (id) => {
      const target = gic.target[id - 32] ?? -1;
      return target === -2 ? 0 : target;
    },
    isAwake: (cpu) => gic.cpu[cpu]?.asleep === 0,
    drive: (cpu, id, level) => {
      driveV3(gic, cpu, id, level);
    },
    sendSgi(cpu, lo, hi, group0) {
      const from = gic.cpu[cpu];
      if (from !== undefined) sendSgi(gic, cpu, from, lo, hi, group0 ? 'group0' : 'own');
      changed();
    },
    save: () => saveV3(gic),
  };
}

type Bitmaps = Pick<
  Distributor,
  'words' | 'group' | 'enabled' | 'latched' | 'active' | 'edge' | 'level' | 'priority'
>;

const bitmapsOf = ({ words, group, enabled, latched, active, edge, level, priority }: Bitmaps): Bitmaps => ({
  words,
  group,
  enabled,
  latched,
  active,
  edge,
  level,
  priority,
});
