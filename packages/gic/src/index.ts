// @worldswitch/gic: the Arm Generic Interrupt Controller.

export { distributorV2, distributorV3 } from './distributor.ts';
export type {
  Distributor,
  DistributorV2,
  DistributorV3,
  VirtualInterfaceV2,
  VirtualInterfaceV3,
} from './distributor.ts';
export { HypervisorControl } from './hypervisor-control.ts';
export { maintenanceInterrupt } from './v2/config.ts';
export type { GicV2Config } from './v2/config.ts';
export { gicV2 } from './v2/gicv2.ts';
export type { GicInputs, GicPin, GicV2, GicV2Type } from './v2/gicv2.ts';
export type { CpuInterfaceState, GicV2State } from './v2/state.ts';
export type { GicV3Config } from './v3/config.ts';
export { gicV3 } from './v3/gicv3.ts';
export type { GicV3, GicV3Pin, GicV3Type } from './v3/gicv3.ts';
export type { GicV3CpuState, GicV3State } from './v3/saved-state.ts';
export { gicV2m } from './v2m/v2m.ts';
export type { GicV2mConfig, GicV2mPin, GicV2mState, GicV2mType } from './v2m/v2m.ts';
