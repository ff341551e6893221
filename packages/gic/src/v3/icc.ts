// The physical CPU interface's system registers, ICC_* (IHI 0069 12.2).

import {
  acknowledge,
  deactivateInterrupt,
  endInterrupt,
  highestPending,
  ownGroup1,
  seesHalf,
  sendSgi,
} from './physical.ts';
import type { SgiGroup } from './physical.ts';
import { copyOf, idlePriority, InterfaceControl, runningPriority } from './priority.ts';
import { Group, minimumBinaryPoint, priorityBits, single, World } from './state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** What a system register's handler acts on. */
export interface Context {
  readonly gic: Gic;
  readonly index: number;
  readonly cpu: CpuInterface;
}

/** A system register; without `write` writes do nothing, without `read` it reads as zero. */
export interface SystemRegister {
  readonly name: string;
  /** Bits 31:0. */
  readonly read?: (on: Context) => number;
  /** Bits 63:32; zero when absent. */
  readonly readHigh?: (on: Context) => number;
  readonly write?: (on: Context, lo: number, hi: number) => void;
  /** Reading it changes something. */
  readonly acknowledges?: true;
}

/** PRIbits is 4 (five bits), IDbits 0 (16 bits), A3V 1. */
export const interfaceFeatures: number = (4 << 8) | (1 << 15);

/** A priority as a Non-secure access shows it where Group 0 is EL3's: none of the upper half; the lower shifted up. */
const shownPriority = (cpu: CpuInterface, priority: number): number => {
  if (!seesHalf(cpu) || priority === idlePriority) return priority;
  return priority < 0x80 ? 0 : (priority << 1) & 0xff;
};

function writeMask({ cpu }: Context, lo: number): void {
  const value = lo & 0xff;
  if (!seesHalf(cpu)) cpu.priorityMask = value & priorityBits;
  else if (cpu.priorityMask >= 0x80) cpu.priorityMask = (0x80 | (value >>> 1)) & priorityBits;
}

/** ICC_CTLR_EL1.CBPR of the accessing state stands for EL1 and EL2; EL3 has its own view of the binary points. */
const sharesBinaryPoint = (cpu: CpuInterface): boolean =>
  (cpu.world & World.EL3) === 0 && ((cpu.control[copyOf(cpu)] ?? 0) & InterfaceControl.CBPR) !== 0;

function readBinaryPoint1({ cpu }: Context): number {
  const group = ownGroup1(cpu);
  if (!sharesBinaryPoint(cpu)) return cpu.binaryPoint[group] ?? 0;
  const common = cpu.binaryPoint[Group.G0] ?? 0;
  return group === Group.G1NS ? Math.min(common + 1, 7) : common;
}

function writeBinaryPoint1({ cpu }: Context, lo: number): void {
  const group = ownGroup1(cpu);
  if (!sharesBinaryPoint(cpu)) writeBinaryPoint(cpu, group, lo);
  else if (group === Group.G1S) writeBinaryPoint(cpu, Group.G0, lo);
}

function writeBinaryPoint(cpu: CpuInterface, group: Group, lo: number): void {
  const lowest = group === Group.G1NS ? minimumBinaryPoint + 1 : minimumBinaryPoint;
  cpu.binaryPoint[group] = Math.max(lo & 7, lowest);
}

function writeControl({ gic, cpu }: Context, lo: number): void {
  const copy = copyOf(cpu);
  // With two Security states CBPR is EL3's to write.
  const writable = single(gic) ? 3 : InterfaceControl.EOImode;
  cpu.control[copy] = ((cpu.control[copy] ?? 0) & ~writable) | (lo & writable);
}

/** ICC_CTLR_EL3: CBPR_EL1S, CBPR_EL1NS, EOImode_EL3, EOImode_EL1S, EOImode_EL1NS; nDS where DS cannot be set. */
function readControlEl3({ cpu }: Context): number {
  const [secure = 0, nonSecure = 0] = cpu.control;
  return (
    (secure & 1) |
    ((nonSecure & 1) << 1) |
    (cpu.splitEl3 << 2) |
    ((secure & 2) << 2) |
    ((nonSecure & 2) << 3) |
    interfaceFeatures
  );
}

function writeControlEl3({ cpu }: Context, lo: number): void {
  cpu.control[0] = (lo & 1) | ((lo >>> 2) & 2);
  cpu.control[1] = ((lo >>> 1) & 1) | ((lo >>> 3) & 2);
  cpu.splitEl3 = (lo >>> 2) & 1;
}

function enable(cpu: CpuInterface, group: Group, lo: number): void {
  cpu.enables = (cpu.enables & ~(1 << group)) | ((lo & 1) << group);
}

const isEnabled = (cpu: CpuInterface, group: Group): number => (cpu.enables >>> group) & 1;

/** SRE, DFB and DIB are always one; `bit` is the place of Enable in what is kept. */
const sre = (name: string, bit: 0 | 1): SystemRegister => ({
  name,
  read: ({ cpu }) => 7 | (((cpu.enableSre >>> bit) & 1) << 3),
  write: ({ cpu }, lo) => {
    cpu.enableSre = (cpu.enableSre & ~(1 << bit)) | (((lo >>> 3) & 1) << bit);
  },
});

const sgi = (name: string, as: SgiGroup): SystemRegister => ({
  name,
  write: ({ gic, index, cpu }, lo, hi) => {
    sendSgi(gic, index, cpu, lo, hi, as);
  },
});

/** Registers that exist for Group 0 and for Group 1. */
const perGroup = (group1: boolean): readonly SystemRegister[] => {
  const n = group1 ? 1 : 0;
  const groupOf = (cpu: CpuInterface): Group => (group1 ? ownGroup1(cpu) : Group.G0);
  return [
    {
      name: `ICC_IAR${n}_EL1`,
      acknowledges: true,
      read: ({ gic, index, cpu }) => acknowledge(gic, index, cpu, group1),
    },
    {
      name: `ICC_EOIR${n}_EL1`,
      write: ({ gic, index, cpu }, lo) => {
        endInterrupt(gic, index, cpu, lo, group1);
      },
    },
    { name: `ICC_HPPIR${n}_EL1`, read: ({ gic, index, cpu }) => highestPending(gic, index, cpu, group1) },
    {
      name: `ICC_AP${n}R0_EL1`,
      read: ({ cpu }) => cpu.activePriorities[groupOf(cpu)] ?? 0,
      write: ({ cpu }, lo) => {
        cpu.activePriorities[groupOf(cpu)] = lo;
      },
    },
    {
      name: `ICC_IGRPEN${n}_EL1`,
      read: ({ cpu }) => isEnabled(cpu, groupOf(cpu)),
      write: ({ cpu }, lo) => {
        enable(cpu, groupOf(cpu), lo);
      },
    },
  ];
};

/** All of them. */
export const icc: readonly SystemRegister[] = [
  ...perGroup(false),
  ...perGroup(true),
  {
    name: 'ICC_BPR0_EL1',
    read: ({ cpu }) => cpu.binaryPoint[Group.G0] ?? 0,
    write: ({ cpu }, lo) => {
      writeBinaryPoint(cpu, Group.G0, lo);
    },
  },
  { name: 'ICC_BPR1_EL1', read: readBinaryPoint1, write: writeBinaryPoint1 },
  {
    name: 'ICC_PMR_EL1',
    read: ({ cpu }) => shownPriority(cpu, cpu.priorityMask),
    write: writeMask,
  },
  { name: 'ICC_RPR_EL1', read: ({ cpu }) => shownPriority(cpu, runningPriority(cpu)) },
  {
    name: 'ICC_DIR_EL1',
    write: ({ gic, index, cpu }, lo) => {
      deactivateInterrupt(gic, index, cpu, lo);
    },
  },
  sgi('ICC_SGI0R_EL1', 'group0'),
  sgi('ICC_SGI1R_EL1', 'own'),
  sgi('ICC_ASGI1R_EL1', 'other'),
  {
    name: 'ICC_CTLR_EL1',
    read: ({ cpu }) => (cpu.control[copyOf(cpu)] ?? 0) | interfaceFeatures,
    write: writeControl,
  },
  { name: 'ICC_SRE_EL1', read: () => 7 },
  sre('ICC_SRE_EL2', 0),
  sre('ICC_SRE_EL3', 1),
  { name: 'ICC_CTLR_EL3', read: readControlEl3, write: writeControlEl3 },
  {
    name: 'ICC_IGRPEN1_EL3',
    read: ({ cpu }) => isEnabled(cpu, Group.G1NS) | (isEnabled(cpu, Group.G1S) << 1),
    write: ({ cpu }, lo) => {
      enable(cpu, Group.G1NS, lo);
      enable(cpu, Group.G1S, lo >>> 1);
    },
  },
  {
    // No register of the architecture: the wires by which a core tells its CPU interface where it is (`World`).
    name: 'ICC_PE_STATE',
    read: ({ cpu }) => cpu.world,
    write: ({ gic, cpu }, lo) => {
      if (gic.is.security) cpu.world = lo & 15;
    },
  },
];
