// The driver for the interrupt controller that the board has.

import type { CheckedConfig } from '@worldswitch/machine';
import type { CpuPort } from '@worldswitch/platform';
import { hostGicV2, hostGicV3, listRegisterCountV2, listRegisterCountV3 } from '@worldswitch/vmm';
import type { HostGic } from '@worldswitch/vmm';

/** The performance monitors' interrupt, a PPI, on all boards of Arm's. */
export const MONITORS = 23;

/** Drives the board's GIC. */
export function hostGicOf({ gic, el2 }: CheckedConfig): HostGic {
  const [distributor = 0, second = 0] = gic.bases;
  return gic.version === 3
    ? hostGicV3(distributor, second, el2 ? 'EL2' : 'EL1')
    : hostGicV2(distributor, second);
}

/** A GICv2's virtual CPU interface, GICV, for guests. */
export const virtualCpuInterfaceOf = ({ gic }: CheckedConfig): number | undefined =>
  gic.version === 3 ? undefined : gic.bases[3];

/** A GICv2's virtual interface control, GICH, for the hypervisor. */
export const virtualInterfaceControlOf = ({ gic }: CheckedConfig): number | undefined =>
  gic.version === 3 ? undefined : gic.bases[2];

/** How many list registers a CPU of the host has. */
export function listRegistersOf(host: CheckedConfig, port: CpuPort): number {
  const control = virtualInterfaceControlOf(host);
  return control === undefined ? listRegisterCountV3(port) : listRegisterCountV2(port, control);
}
