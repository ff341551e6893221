// The hypervisor's saved state, checked as hostile input.

import { bytes, flag, list, nullable, record, stateCodec, StateError, uint } from '@worldswitch/platform';
import type { Shape, StateCodec } from '@worldswitch/platform';
import {
  consoleShape,
  emulatedGicV2Shape,
  hostDiskShape,
  hostNicShape,
  hostSerialShape,
  hostSpaceShape,
  hostTimerShape,
  pageAllocatorShape,
  schedulerShape,
  shadowShape,
  switchShape,
  virtualIdShape,
  vmClockShape,
} from '@worldswitch/vmm';
import type {
  ConsoleState,
  HostSerialState,
  HostSpaceState,
  HostTimerState,
  PageAllocatorState,
  SchedulerState,
} from '@worldswitch/vmm';

import { translatedKernelShape } from '../binary-translation/kernel.ts';
import type { TranslatedKernelState } from '../binary-translation/kernel.ts';
import type { PhysicalCpuState } from '../hardware-assisted/cpu-scheduler.ts';
import { diskBases } from '../hardware-assisted/host-devices.ts';
import type { HypervisorSetup, VmSetup } from '../hardware-assisted/setup.ts';
import { devicesShape, each, wiresShape } from '../hardware-assisted/state.ts';
import type { BootedState as AssistedState } from '../hardware-assisted/state.ts';
import { guestTimersShape } from './timers.ts';
import { virtualCpuShape } from './virtual-cpu.ts';
import type { VmState } from './virtual-machine.ts';

/** What is saved once it has booted. */
export type BootedState = Readonly<{
  pages: PageAllocatorState;
  space: HostSpaceState;
  /** The one VM's kernel, where it is translated. */
  kernel: TranslatedKernelState | null;
  timer: HostTimerState;
  devices: AssistedState['devices'];
  scheduler: SchedulerState;
  serial: HostSerialState;
  console: ConsoleState;
  /** By VM: what was typed and its serial port has not taken yet. */
  typed: readonly Uint8Array[];
  cpus: readonly PhysicalCpuState[];
  /** When each CPU's slice ends, in ticks. */
  slices: readonly (number | null)[];
  /** Of each CPU: SCTLR_EL1, FPEN and MDSCR_EL1 of the hardware, whose they are, and whether that must be looked at; each plus one. */
  hardware: readonly (readonly number[])[];
  vms: readonly VmState[];
}>;

/** Nothing before it has booted. */
export type TrapState = BootedState | null;

const vmShape = (setup: VmSetup): Shape<VmState> =>
  record<VmState>({
    shadow: shadowShape,
    clock: vmClockShape,
    id: virtualIdShape,
    gic: emulatedGicV2Shape,
    devices: devicesShape(setup),
    wires: wiresShape,
    vcpus: list(virtualCpuShape, setup.vm.board.cpus),
    timers: list(guestTimersShape, setup.vm.board.cpus),
  });

/** A translated kernel, where there is to be one, whose places are pages of the hypervisor's. */
const kernelShape = (setup: HypervisorSetup): Shape<TranslatedKernelState | null> => {
  const shape = nullable(translatedKernelShape);
  const { base, size } = setup.memory;
  return {
    check(from, path) {
      const state = shape.check(from, path);
      if ((state === null) !== (setup.translation === undefined))
        throw new StateError(path, 'must be there with binary translation, and only then');
      for (const at of [0, 2]) {
        const [pa = 0, bytes = 0] = state?.places.slice(at) ?? [base];
        if (pa < base || pa + bytes > base + size)
          throw new StateError(`${path}.places`, "must be in the hypervisor's memory");
      }
      return state;
    },
  };
};

/** How a saved hypervisor is checked, which depends on what it was built with. */
export function trapCodec(setup: HypervisorSetup): StateCodec<TrapState> {
  const { cpus } = setup.host;
  const vcpus = setup.vms.reduce((sum, { vm }) => sum + vm.board.cpus, 0);
  return stateCodec<TrapState>(
    1,
    nullable(
      record<BootedState>({
        pages: pageAllocatorShape,
        space: hostSpaceShape,
        kernel: kernelShape(setup),
        timer: hostTimerShape,
        devices: record<BootedState['devices']>({
          disks: record(
            Object.fromEntries([...diskBases(setup).keys()].map((name) => [name, hostDiskShape])),
          ),
          nic: nullable(hostNicShape),
          network: switchShape,
        }),
        scheduler: schedulerShape(vcpus, cpus),
        serial: hostSerialShape,
        console: consoleShape(setup.vms.length),
        typed: list(bytes(0, 1 << 20), setup.vms.length),
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
        hardware: list(list(uint(2 ** 32), 5), cpus),
        vms: each(setup.vms.map(vmShape)),
      }),
    ),
  );
}
