// What the saved states of both hypervisors have in common, checked as hostile input: the host's devices, serial line and CPUs, and the
// devices of VMs.

import { bytes, flag, list, nullable, record, StateError, uint } from '@worldswitch/platform';
import type { Plain, Shape } from '@worldswitch/platform';
import {
  consoleShape,
  hostDiskShape,
  hostNicShape,
  hostSerialShape,
  schedulerShape,
  switchShape,
} from '@worldswitch/vmm';
import type {
  ConsoleState,
  HostDiskState,
  HostNicState,
  HostSerialState,
  SchedulerState,
  SwitchState,
} from '@worldswitch/vmm';

import { MOST_TYPED } from './console-hub.ts';
import type { PhysicalCpuState } from './cpu-scheduler.ts';
import { diskBases } from './host-devices.ts';
import type { HypervisorSetup, VmSetup } from './setup.ts';

/** What any of them saves once it has booted. */
export type HostState = Readonly<{
  devices: Readonly<{
    disks: Readonly<Record<string, HostDiskState>>;
    nic: HostNicState | null;
    network: SwitchState;
  }>;
  scheduler: SchedulerState;
  serial: HostSerialState;
  console: ConsoleState;
  /** By VM: what was typed and its serial port has not taken yet. */
  typed: readonly Uint8Array[];
  cpus: readonly PhysicalCpuState[];
  /** When each CPU's slice ends, in ticks. */
  slices: readonly (number | null)[];
}>;

/** The rules of its fields. */
export function hostShapes(setup: HypervisorSetup): { readonly [K in keyof HostState]: Shape<HostState[K]> } {
  const { cpus } = setup.host;
  const vcpus = setup.vms.reduce((sum, { vm }) => sum + vm.board.cpus, 0);
  return {
    devices: record<HostState['devices']>({
      disks: record(Object.fromEntries([...diskBases(setup).keys()].map((name) => [name, hostDiskShape]))),
      nic: nullable(hostNicShape),
      network: switchShape,
    }),
    scheduler: schedulerShape(vcpus, cpus),
    serial: hostSerialShape,
    console: consoleShape(setup.vms.length),
    typed: list(bytes(0, MOST_TYPED), setup.vms.length),
    cpus: list(
      record<PhysicalCpuState>({
        on: flag,
        loaded: nullable(uint(vcpus - 1)),
        running: nullable(uint(vcpus - 1)),
        fresh: flag,
        reschedule: flag,
        since: uint(),
      }),
      cpus,
    ),
    slices: list(nullable(uint()), cpus),
  };
}

/** Saved states of devices: each by its own type's rules. */
export function devicesShape({ vm }: VmSetup): Shape<Readonly<Record<string, Plain>>> {
  return record(
    Object.fromEntries(
      vm.board.devices.map(({ name, kind }) => {
        const { version } = kind.type.state;
        const shape: Shape<Plain> = {
          check(from, path) {
            try {
              return kind.type.state.parse(from ?? null, version) as Plain;
            } catch (thrown) {
              if (!(thrown instanceof StateError)) throw thrown;
              throw new StateError(`${path}.${thrown.field}`, thrown.message.slice(thrown.field.length + 1));
            }
          },
        };
        return [name, shape];
      }),
    ),
  );
}

/** Levels of wires by name: any that there are. */
export const wiresShape: Shape<Readonly<Record<string, boolean>>> = {
  check(from, path) {
    if (typeof from !== 'object' || from === null || Array.isArray(from) || from instanceof Uint8Array)
      throw new StateError(path, 'must be a record');
    return Object.fromEntries(
      Object.entries(from as Readonly<Record<string, Plain>>).map(([name, level]) => [
        name,
        flag.check(level, `${path}.${name}`),
      ]),
    );
  },
};

/** Each element by a rule of its own. */
export function each<T extends Plain>(shapes: readonly Shape<T>[]): Shape<readonly T[]> {
  const any: Shape<Plain> = { check: (from) => from ?? null };
  const length = list(any, shapes.length);
  return {
    check: (from, path) => {
      const all = length.check(from, path);
      return shapes.map((shape, i) => shape.check(all[i], `${path}[${i}]`));
    },
  };
}
