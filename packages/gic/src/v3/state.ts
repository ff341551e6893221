// A GICv3's state: bitmaps and bytes per interrupt, registers per CPU, and how it powers up (IHI 0069 12).
// A bitmap has one word per 32 interrupts; the first, of the private ones, is each CPU's own: words 0 to cpus-1 are word 0 of
// each CPU.

import type { Features } from './config.ts';

/** Interrupt groups, in the order in which everything per group is kept (IHI 0069 4.6). */
export const Group = { G0: 0, G1S: 1, G1NS: 2 } as const;
/** An interrupt group. With one Security state there is no `G1S`, and `G1NS` is Group 1. */
export type Group = (typeof Group)[keyof typeof Group];

/** Bits of GICD_CTLR as the Secure view has them. */
export const Control = {
  EnableGrp0: 1,
  EnableGrp1NS: 2,
  EnableGrp1S: 4,
  ARE_S: 0x10,
  ARE_NS: 0x20,
  DS: 0x40,
} as const;

/** What a CPU tells its interface: the bits of `CpuInterface.world`. */
export const World = { Secure: 1, EL3: 2, FIQ: 4, IRQ: 8 } as const;

/** All of a GICv3's registers and latches. */
export interface Gic {
  readonly is: Features;
  /** Words per bitmap as a CPU sees it. */
  readonly words: number;
  /** GICD_CTLR: the enables and DS. */
  control: number;
  readonly group: Uint32Array;
  /** GICD_IGRPMODR. */
  readonly modifier: Uint32Array;
  readonly enabled: Uint32Array;
  /** Pending by an edge, by a write of a set-pending register, or as an SGI. */
  readonly latched: Uint32Array;
  readonly active: Uint32Array;
  /** Edge-triggered. */
  readonly edge: Uint32Array;
  /** The wires. They are the outside's and no reset changes them. */
  readonly level: Uint32Array;
  /** Per interrupt, in the order of the bitmaps. */
  readonly priority: Uint8Array;
  /** GICD_NSACR: what the Non-secure state may do with a Secure interrupt, 0 to 3. */
  readonly nonSecureAccess: Uint8Array;
  /** GICD_IROUTER of shared interrupts, from 0: bits 31:0. */
  readonly route: Uint32Array;
  /** GICD_IROUTER: bits 39:32. */
  readonly routeHigh: Uint8Array;
  readonly cpu: readonly CpuInterface[];
  /** Derived from the routes: the CPU, -1 for none, -2 for any. */
  readonly target: Int16Array;
  /** Derived: the highest priority pending interrupt per CPU and its priority. */
  readonly best: Uint16Array;
  readonly bestPriority: Uint16Array;
}

/** The state of one redistributor, CPU interface and virtual CPU interface. */
export interface CpuInterface {
  /** GICR_CTLR: the DPG bits. */
  redistributorControl: number;
  /** GICR_WAKER.ProcessorSleep. */
  asleep: number;
  /** What the CPU says of itself: `World` bits. */
  world: number;
  /** ICC_PMR_EL1. */
  priorityMask: number;
  /** ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1: a bit per `Group`. */
  enables: number;
  /** ICC_CTLR_EL1 of the Secure and the Non-secure state: CBPR (bit 0) and EOImode (bit 1). */
  readonly control: Uint8Array;
  /** ICC_CTLR_EL3.EOImode_EL3. */
  splitEl3: number;
  /** ICC_SRE_EL2.Enable (bit 0), ICC_SRE_EL3.Enable (bit 1). */
  enableSre: number;
  /** ICC_BPR0_EL1, ICC_BPR1_EL1 of both states: by `Group`. */
  readonly binaryPoint: Uint8Array;
  /** ICC_AP0R0_EL1, ICC_AP1R0_EL1 of both states: by `Group`, a bit per priority. */
  readonly activePriorities: Uint32Array;
  /** ICH_HCR_EL2. */
  hypervisorControl: number;
  /** ICH_VMCR_EL2. */
  virtualControl: number;
  /** ICH_AP0R0_EL2, ICH_AP1R0_EL2. */
  readonly virtualActivePriorities: Uint32Array;
  /** ICH_LRn_EL2: bits 31:0 and 63:32. */
  readonly listLow: Uint32Array;
  readonly listHigh: Uint32Array;
}

/** Where word `word` of a bitmap is for a CPU. */
export const slot = (gic: Gic, cpu: number, word: number): number =>
  word === 0 ? cpu : gic.is.cpus + word - 1;

/** Interrupt IDs that a word's bits stand for: fewer than 32 only in the last word of 1020 interrupts. */
export const implemented = (gic: Gic, word: number): number =>
  gic.is.interrupts >= 32 * (word + 1) ? 0xffff_ffff : word < gic.words ? 0x0fff_ffff : 0;

/** True with one Security state. */
export const single = (gic: Gic): boolean => (gic.control & Control.DS) !== 0;

/** The five priority bits. */
export const priorityBits = 0xf8;
/** The least ICC_BPR0_EL1 for five bits; the Non-secure ICC_BPR1_EL1 has one more. */
export const minimumBinaryPoint = 2;
/** SGIs are edge-triggered. */
const sgis = 0xffff;
/** ICH_VMCR_EL2's bits that are always one: VFIQEn, as Group 0 comes as FIQ. */
export const alwaysVfiq = 8;

/** Powers one up. */
export function gicState(is: Features): Gic {
  const words = Math.ceil(is.interrupts / 32);
  const banked = is.cpus + words - 1;
  const bitmap = (): Uint32Array => new Uint32Array(banked);
  const shared = 32 * (words - 1);
  const gic: Gic = {
    is,
    words,
    control: 0,
    group: bitmap(),
    modifier: bitmap(),
    enabled: bitmap(),
    latched: bitmap(),
    active: bitmap(),
    edge: bitmap(),
    level: bitmap(),
    priority: new Uint8Array(32 * banked),
    nonSecureAccess: new Uint8Array(32 * banked),
    route: new Uint32Array(shared),
    routeHigh: new Uint8Array(shared),
    cpu: Array.from({ length: is.cpus }, () => newInterface(is.listRegisters)),
    target: new Int16Array(shared),
    best: new Uint16Array(is.cpus),
    bestPriority: new Uint16Array(is.cpus),
  };
  resetState(gic);
  return gic;
}

const newInterface = (listRegisters: number): CpuInterface => ({
  redistributorControl: 0,
  asleep: 1,
  world: 0,
  priorityMask: 0,
  enables: 0,
  control: new Uint8Array(2),
  splitEl3: 0,
  enableSre: 3,
  binaryPoint: new Uint8Array(3),
  activePriorities: new Uint32Array(3),
  hypervisorControl: 0,
  virtualControl: 0,
  virtualActivePriorities: new Uint32Array(2),
  listLow: new Uint32Array(listRegisters),
  listHigh: new Uint32Array(listRegisters),
});

/** Back to power-up, but for the wires and what the CPUs say of themselves. */
export function resetState(gic: Gic): void {
  gic.control = gic.is.security ? 0 : Control.DS;
  for (const each of [gic.group, gic.modifier, gic.enabled, gic.latched, gic.active, gic.edge]) each.fill(0);
  gic.edge.fill(sgis, 0, gic.is.cpus);
  for (const each of [gic.priority, gic.nonSecureAccess, gic.route, gic.routeHigh]) each.fill(0);
  for (const cpu of gic.cpu) {
    cpu.redistributorControl = 0;
    // With one Security state there is no firmware in a higher one to wake it: as if it had.
    cpu.asleep = gic.is.security ? 1 : 0;
    resetInterface(cpu);
  }
}

/** A CPU interface as after a reset of its CPU. */
export function resetInterface(cpu: CpuInterface): void {
  cpu.priorityMask = 0;
  cpu.enables = 0;
  cpu.control.fill(0);
  cpu.splitEl3 = 0;
  cpu.enableSre = 3;
  cpu.binaryPoint.set([minimumBinaryPoint, minimumBinaryPoint, minimumBinaryPoint + 1]);
  cpu.activePriorities.fill(0);
  cpu.hypervisorControl = 0;
  cpu.virtualControl = (minimumBinaryPoint << 21) | ((minimumBinaryPoint + 1) << 18) | alwaysVfiq;
  cpu.virtualActivePriorities.fill(0);
  cpu.listLow.fill(0);
  cpu.listHigh.fill(0);
}
