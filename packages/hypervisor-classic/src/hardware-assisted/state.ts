// The hypervisor's saved state, checked as hostile input.

import { deadline, list, nullable, record, stateCodec, uint } from '@worldswitch/platform';
import type { Shape, StateCodec } from '@worldswitch/platform';
import {
  hostTimerShape,
  lazyFloatShape,
  mmioShape,
  pageAllocatorShape,
  stage2Shape,
  virtualGicV2Shape,
  virtualGicV3Shape,
  virtualIdShape,
  vmClockShape,
} from '@worldswitch/vmm';
import type { HostTimerState, LazyFloatState, PageAllocatorState } from '@worldswitch/vmm';

import type { HypervisorSetup, VmSetup } from '../host/setup.ts';
import { devicesShape, each, hostShapes, wiresShape } from '../host/state.ts';
import type { HostState } from '../host/state.ts';
import { levelsShape } from './levels.ts';
import type { LevelsState } from './levels.ts';
import { checkWhole } from './state-check.ts';
import { vcpuShape } from './vcpu.ts';
import type { VmState } from './virtual-machine.ts';

/** What is saved once it has booted. */
export type BootedState = HostState &
  Readonly<{
    pages: PageAllocatorState;
    map: readonly number[];
    timer: HostTimerState;
    listRegisters: number;
    /** When each CPU looks at its vCPU's wires, in ticks. */
    levels: LevelsState;
    float: LazyFloatState;
    /** By CPU and VM: which of the VM's vCPUs was there last, from 1. */
    ran: readonly number[];
    show: number | null;
    vms: readonly VmState[];
  }>;

/** Nothing before it has booted. */
export type HypervisorState = BootedState | null;

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

/** How a saved hypervisor is checked, which depends on what it was built with. */
export function hypervisorCodec(setup: HypervisorSetup): StateCodec<HypervisorState> {
  const { cpus } = setup.host;
  const parts = record<BootedState>({
    ...hostShapes(setup),
    pages: pageAllocatorShape,
    map: list(uint(0xffff_ffff), 6),
    timer: hostTimerShape,
    listRegisters: uint(64),
    levels: levelsShape(cpus),
    float: lazyFloatShape,
    ran: list(uint(0xffff), cpus * setup.vms.length),
    show: deadline,
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
