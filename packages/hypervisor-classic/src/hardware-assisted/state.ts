// The hypervisor's saved state, checked as hostile input.

import {
  bytes,
  deadline,
  flag,
  list,
  nullable,
  record,
  StateError,
  stateCodec,
  uint,
} from '@worldswitch/platform';
import type { Plain, Shape, StateCodec } from '@worldswitch/platform';
import {
  consoleShape,
  hostDiskShape,
  hostNicShape,
  hostSerialShape,
  hostTimerShape,
  lazyFloatShape,
  mmioShape,
  pageAllocatorShape,
  schedulerShape,
  switchShape,
  stage2Shape,
  virtualGicV2Shape,
  virtualGicV3Shape,
  virtualIdShape,
  vmClockShape,
} from '@worldswitch/vmm';
import type {
  ConsoleState,
  HostDiskState,
  HostNicState,
  HostSerialState,
  HostTimerState,
  LazyFloatState,
  PageAllocatorState,
  SchedulerState,
  SwitchState,
} from '@worldswitch/vmm';

import { MOST_TYPED } from './console-hub.ts';
import type { PhysicalCpuState } from './cpu-scheduler.ts';
import { diskBases } from './host-devices.ts';
import { levelsShape } from './levels.ts';
import type { LevelsState } from './levels.ts';
import type { HypervisorSetup, VmSetup } from './setup.ts';
import { checkWhole } from './state-check.ts';
import { vcpuShape } from './vcpu.ts';
import type { VmState } from './virtual-machine.ts';

/** What is saved once it has booted. */
export type BootedState = Readonly<{
  pages: PageAllocatorState;
  map: readonly number[];
  timer: HostTimerState;
  listRegisters: number;
  /** When each CPU looks at its vCPU's wires, in ticks. */
  levels: LevelsState;
  devices: Readonly<{
    disks: Readonly<Record<string, HostDiskState>>;
    nic: HostNicState | null;
    network: SwitchState;
  }>;
  float: LazyFloatState;
  /** By CPU and VM: which of the VM's vCPUs was there last, from 1. */
  ran: readonly number[];
  scheduler: SchedulerState;
  serial: HostSerialState;
  console: ConsoleState;
  /** By VM: what was typed and its serial port has not taken yet. */
  typed: readonly Uint8Array[];
  show: number | null;
  cpus: readonly PhysicalCpuState[];
  /** When each CPU's slice ends, in ticks. */
  slices: readonly (number | null)[];
  vms: readonly VmState[];
}>;

/** Nothing before it has booted. */
export type HypervisorState = BootedState | null;

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

const vmShape = (setup: VmSetup): Shape<VmState> =>
  record<VmState>({
    stage2: stage2Shape,
    clock: vmClockShape,
    id: virtualIdShape,
    gic: setup.vm.board.gic.version === 3 ? virtualGicV3Shape : virtualGicV2Shape,
    mmio: mmioShape,
    devices: devicesShape(setup),
    wires: wiresShape,
    vcpus: list(vcpuShape, setup.vm.board.cpus),
  });

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

/** How a saved hypervisor is checked, which depends on what it was built with. */
export function hypervisorCodec(setup: HypervisorSetup): StateCodec<HypervisorState> {
  const { cpus } = setup.host;
  const vcpus = setup.vms.reduce((sum, { vm }) => sum + vm.board.cpus, 0);
  const parts = record<BootedState>({
    pages: pageAllocatorShape,
    map: list(uint(0xffff_ffff), 6),
    timer: hostTimerShape,
    listRegisters: uint(64),
    levels: levelsShape(cpus),
    devices: record<BootedState['devices']>({
      disks: record(Object.fromEntries([...diskBases(setup).keys()].map((name) => [name, hostDiskShape]))),
      nic: nullable(hostNicShape),
      network: switchShape,
    }),
    float: lazyFloatShape,
    ran: list(uint(0xffff), cpus * setup.vms.length),
    scheduler: schedulerShape(vcpus, cpus),
    serial: hostSerialShape,
    console: consoleShape(setup.vms.length),
    typed: list(bytes(0, MOST_TYPED), setup.vms.length),
    show: deadline,
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
    vms: each(setup.vms.map(vmShape)),
  });
  const whole: Shape<BootedState> = {
    check(from, path) {
      const state = parts.check(from, path);
      checkWhole(setup, state, path);
      return state;
    },
  };
  return stateCodec<HypervisorState>(1, nullable(whole));
}
