// The hypervisor's saved state, checked as hostile input.

import { list, nullable, record, stateCodec, StateError, uint } from '@worldswitch/platform';
import type { Shape, StateCodec } from '@worldswitch/platform';
import {
  hostSpaceShape,
  hostTimerShape,
  pageAllocatorShape,
  shadowShape,
  virtualIdShape,
  vmClockShape,
} from '@worldswitch/vmm';
import type { HostSpaceState, HostTimerState, PageAllocatorState } from '@worldswitch/vmm';

import { translatedKernelShape } from '../binary-translation/kernel.ts';
import type { TranslatedKernelState } from '../binary-translation/kernel.ts';
import { address } from '../binary-translation/saved-cache.ts';
import type { HypervisorSetup, VmSetup } from '../host/setup.ts';
import { devicesShape, each, hostShapes, wiresShape } from '../host/state.ts';
import type { HostState } from '../host/state.ts';
import { rewrittenShape } from '../impure/state.ts';
import type { RewrittenState } from '../impure/state.ts';
import { guestGicShape } from './guest-gic.ts';
import { checkTrapped } from './state-check.ts';
import { guestTimersShape } from './timers.ts';
import { virtualCpuShape } from './virtual-cpu.ts';
import type { VmState } from './virtual-machine.ts';

/** What is saved once it has booted. */
export type BootedState = HostState &
  Readonly<{
    pages: PageAllocatorState;
    space: HostSpaceState;
    /** The kernel of each vCPU, where they are translated. */
    kernels: readonly TranslatedKernelState[];
    /** The one VM's kernel, where it was rewritten. */
    rewritten: RewrittenState | null;
    timer: HostTimerState;
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
    gic: guestGicShape(setup),
    devices: devicesShape(setup),
    wires: wiresShape,
    vcpus: list(virtualCpuShape, setup.vm.board.cpus),
    timers: list(guestTimersShape, setup.vm.board.cpus),
  });

/** A translated kernel for each vCPU, where there is to be one, whose places are pages of the hypervisor's. */
const kernelsShape = (setup: HypervisorSetup): Shape<readonly TranslatedKernelState[]> => {
  const vcpus = setup.translation ? setup.vms.reduce((sum, { vm }) => sum + vm.board.cpus, 0) : 0;
  const shape = list(translatedKernelShape, vcpus);
  const { base, size } = setup.memory;
  return {
    check(from, path) {
      const kernels = shape.check(from, path);
      kernels.forEach(({ places, cache }, i) => {
        if (cache && address(cache.next) - address(cache.base) > (places[1] ?? 0))
          throw new StateError(`${path}[${i}].cache.next`, 'must be in the cache');
        for (const at of [0, 2]) {
          const [pa = 0, bytes = 0] = places.slice(at);
          if (pa < base || pa + bytes > base + size)
            throw new StateError(`${path}[${i}].places`, "must be in the hypervisor's memory");
        }
      });
      return kernels;
    },
  };
};

/** How a saved hypervisor is checked, which depends on what it was built with. */
export function trapCodec(setup: HypervisorSetup): StateCodec<TrapState> {
  const parts = record<BootedState>({
    ...hostShapes(setup),
    pages: pageAllocatorShape,
    space: hostSpaceShape,
    kernels: kernelsShape(setup),
    rewritten: rewrittenShape(setup),
    timer: hostTimerShape,
    hardware: list(list(uint(2 ** 32), 5), setup.host.cpus),
    vms: each(setup.vms.map(vmShape)),
  });
  const whole: Shape<BootedState> = {
    check(from, path) {
      const state = parts.check(from, path);
      checkTrapped(setup, state, path);
      return state;
    },
  };
  return stateCodec<TrapState>(1, nullable(whole));
}
