// A GICv3's saved state, and how an untrusted one is checked.

import { bits, list, record, StateError, stateCodec, uint } from '@worldswitch/platform';
import type { Plain, Shape, StateCodec } from '@worldswitch/platform';

import { mostCpus } from './config.ts';
import { alwaysVfiq, Control, minimumBinaryPoint, priorityBits } from './state.ts';
import type { CpuInterface, Gic } from './state.ts';

/** A GICv3's saved state. */
export type GicV3State = Readonly<{
  control: number;
  group: readonly number[];
  modifier: readonly number[];
  enabled: readonly number[];
  latched: readonly number[];
  active: readonly number[];
  edge: readonly number[];
  level: readonly number[];
  priority: readonly number[];
  nonSecureAccess: readonly number[];
  route: readonly number[];
  routeHigh: readonly number[];
  cpu: readonly GicV3CpuState[];
}>;

/** The saved state of one CPU's redistributor and interfaces. */
export type GicV3CpuState = Readonly<{
  redistributorControl: number;
  asleep: number;
  world: number;
  priorityMask: number;
  enables: number;
  splitEl3: number;
  enableSre: number;
  hypervisorControl: number;
  virtualControl: number;
  control: readonly number[];
  binaryPoint: readonly number[];
  activePriorities: readonly number[];
  virtualActivePriorities: readonly number[];
  listLow: readonly number[];
  listHigh: readonly number[];
}>;

/** ICH_HCR_EL2's bits that are kept. */
export const hypervisorControlBits = 0xf800_7cff;
/** ICH_VMCR_EL2's. */
export const virtualControlBits = 0xf8fc_021b;
/** ICH_LRn_EL2's, bits 31:0: 16 bits of INTID. */
export const listLowBits = 0xffff;
/** ICH_LRn_EL2's, bits 63:32: State, HW, Group, Priority, pINTID. */
export const listHighBits = 0xf0f8_1fff;
/** GICD_IROUTER's, bits 31:0. */
export const routeBits = 0x80ff_ffff;
/** GICR_CTLR's: DPG1S, DPG1NS, DPG0. */
export const redistributorControlBits = 0x0700_0000;

const mostWords = mostCpus + 31;
const bitmap = list(bits(), 1, mostWords);
const shared = 32 * 31;

/** An unsigned integer of at least `min`, of which only bits of `mask` may be set. */
const atLeast = (min: number, mask: number): Shape<number> => ({
  check(from, path) {
    const value = bits(mask).check(from, path);
    if (value < min) throw new StateError(path, `must be at least ${min}, but is ${value}`);
    return value;
  },
});

const shape: Shape<GicV3State> = record<GicV3State>({
  control: bits(Control.DS | 7),
  group: bitmap,
  modifier: bitmap,
  enabled: bitmap,
  latched: bitmap,
  active: bitmap,
  edge: bitmap,
  level: bitmap,
  priority: list(bits(priorityBits), 1, 32 * mostWords),
  nonSecureAccess: list(uint(3), 1, 32 * mostWords),
  route: list(bits(routeBits), 0, shared),
  routeHigh: list(uint(0xff), 0, shared),
  cpu: list(
    record<GicV3CpuState>({
      redistributorControl: bits(redistributorControlBits),
      asleep: uint(1),
      world: uint(15),
      priorityMask: bits(priorityBits),
      enables: uint(7),
      splitEl3: uint(1),
      enableSre: uint(3),
      hypervisorControl: bits(hypervisorControlBits),
      virtualControl: bits(virtualControlBits),
      control: list(uint(3), 2),
      binaryPoint: list(atLeast(minimumBinaryPoint, 7), 3),
      activePriorities: list(bits(), 3),
      virtualActivePriorities: list(bits(), 2),
      listLow: list(bits(listLowBits), 0, 16),
      listHigh: list(bits(listHighBits), 0, 16),
    }),
    1,
    mostCpus,
  ),
});

/** Checks a saved state; whether it fits a configuration is checked when it is restored. */
export const gicV3Codec: StateCodec<GicV3State> = stateCodec(1, shape);

const arrays = [
  'group',
  'modifier',
  'enabled',
  'latched',
  'active',
  'edge',
  'level',
  'priority',
  'nonSecureAccess',
  'route',
  'routeHigh',
] as const;
const cpuNumbers = [
  'redistributorControl',
  'asleep',
  'world',
  'priorityMask',
  'enables',
  'splitEl3',
  'enableSre',
  'hypervisorControl',
  'virtualControl',
] as const;
const cpuArrays = [
  'control',
  'binaryPoint',
  'activePriorities',
  'virtualActivePriorities',
  'listLow',
  'listHigh',
] as const;

/** The state as plain data. */
export function saveState(gic: Gic): GicV3State {
  const listed = arrays.map((name): [string, Plain] => [name, Array.from(gic[name])]);
  return {
    control: gic.control,
    ...(Object.fromEntries(listed) as unknown as Omit<GicV3State, 'control' | 'cpu'>),
    cpu: gic.cpu.map(saveInterface),
  };
}

function saveInterface(cpu: CpuInterface): GicV3CpuState {
  return Object.fromEntries([
    ...cpuNumbers.map((name): [string, Plain] => [name, cpu[name] >>> 0]),
    ...cpuArrays.map((name): [string, Plain] => [name, Array.from(cpu[name])]),
  ]) as unknown as GicV3CpuState;
}

/** Fills `into` with a checked state, or throws a `StateError` where it is of another configuration. */
export function restoreState(into: Gic, from: GicV3State): void {
  const mustHave = (field: string, length: number, given: number): void => {
    if (given === length) return;
    throw new StateError(field, `must have ${length} elements for this GIC, but has ${given}`);
  };
  const fill = (field: string, to: Uint8Array | Uint32Array, values: readonly number[]): void => {
    mustHave(field, to.length, values.length);
    to.set(values);
  };
  if (!into.is.security && from.control < Control.DS) {
    throw new StateError('control', 'must have DS set for this GIC, which has one Security state');
  }
  // What CPUs say of themselves is of EL3 and the Secure state.
  const elsewhere = into.is.security ? -1 : from.cpu.findIndex(({ world }) => world !== 0);
  if (elsewhere >= 0)
    throw new StateError(`cpu[${elsewhere}].world`, 'must be 0 for this GIC, which has one Security state');
  for (const name of arrays) fill(name, into[name], from[name]);
  mustHave('cpu', into.cpu.length, from.cpu.length);
  into.control = from.control;
  from.cpu.forEach((saved, i) => {
    const cpu = into.cpu[i];
    if (cpu === undefined) return;
    for (const name of cpuNumbers) cpu[name] = saved[name];
    for (const name of cpuArrays) fill(`cpu[${i}].${name}`, cpu[name], saved[name]);
    cpu.virtualControl |= alwaysVfiq;
  });
}
