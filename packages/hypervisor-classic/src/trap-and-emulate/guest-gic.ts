// A VM's interrupt controller, emulated whole: of the version that its board names, whatever the host's is.

import type { Shape } from '@worldswitch/platform';
import { EmulatedGicV2, emulatedGicV2Shape, EmulatedGicV3, emulatedGicV3Shape } from '@worldswitch/vmm';
import type { EmulatedGicV2State, EmulatedGicV3State, VirtualGicHost } from '@worldswitch/vmm';

import type { VmSetup } from '../host/setup.ts';

/** Of either version. */
export type GuestGic = EmulatedGicV2 | EmulatedGicV3;

/** What is saved. */
export type GuestGicState = EmulatedGicV2State | EmulatedGicV3State;

/** How it is checked. */
export const guestGicShape = ({ vm }: VmSetup): Shape<GuestGicState> =>
  vm.board.gic.version === 3 ? emulatedGicV3Shape : emulatedGicV2Shape;

/** Makes it; a saved state has been checked by `guestGicShape`. */
export function guestGic({ vm }: VmSetup, host: VirtualGicHost, state?: GuestGicState): GuestGic {
  const { cpus, gic } = vm.board;
  const { version, interrupts } = gic;
  return version === 3
    ? new EmulatedGicV3({ vcpus: cpus, interrupts }, host, state as EmulatedGicV3State | undefined)
    : new EmulatedGicV2(cpus, host, state as EmulatedGicV2State | undefined, interrupts);
}

/** A vCPU comes out of reset: a GICv3's CPU interface is part of it. */
export function resetInterface(gic: GuestGic, vcpu: number): void {
  if (gic instanceof EmulatedGicV3) gic.reset(vcpu);
}
