// @worldswitch/machine: parts assembled into a board that runs.

export { buildBoard } from './board/board.ts';
export type { Board, PartStates } from './board/board.ts';
export { buildDevices } from './board/devices.ts';
export type { BoardDevice, DeviceSurroundings } from './board/devices.ts';
export { Wire } from './board/wire.ts';
export type { BoardSoftware } from './board/software.ts';
export { checkConfig, configurationSchema, defineMachine } from './config/config.ts';
export type {
  AddressInput,
  CheckedConfig,
  CheckedDevice,
  DeviceConfig,
  GicConfig,
  MachineConfig,
} from './config/config.ts';
export { engineNames, fastTlbSizes } from './config/engine-options.ts';
export type { EngineName, EngineOptions } from './config/engine-options.ts';
export { deviceKinds } from './config/devices.ts';
export type { AnyDeviceType, DeviceKind } from './config/devices.ts';
export type { DeviceHost } from './config/device-host.ts';
export { attachSoftware } from './config/software.ts';
export type { AnySoftwareType, CheckedSoftware, SoftwareConfig } from './config/software.ts';
export { virt } from './config/virt.ts';
export type { VirtioSlot, VirtOptions } from './config/virt.ts';
export { cpuCosts, costProfileNames, costProfiles } from './cost/profiles.ts';
export type { CostProfileName } from './cost/profiles.ts';
export type { CycleCounts } from './cost/cycles.ts';
export * from './equivalence/index.ts';
export { countsOf } from './counts.ts';
export type { CpuCounts, ExceptionCount, MachineCounts } from './counts.ts';
export { ConfigurationError } from './errors.ts';
export { psciCall } from './firmware/psci.ts';
export type { PsciHost } from './firmware/psci.ts';
export { cpuModels } from './id/models.ts';
export type { CpuModelName } from './id/models.ts';
export type { InputRecord } from './input.ts';
export { deviceTree } from './load/boot.ts';
export type { BootImages, BootModule, ChosenAdditions, ModulePlace, Placed } from './load/boot.ts';
export type { CodeRange, KernelCode } from './load/code.ts';
export { codeByElf, rawKernel, readKernel, unpacked } from './load/image.ts';
export type { LoadedKernel, Segment } from './load/image.ts';
export { planBoot } from './load/plan.ts';
export { MachineGroup } from './group.ts';
export type { GroupEnd, GroupOptions } from './group.ts';
export { LockStep } from './lock-step/lock-step.ts';
export type { Difference, LockStepOptions } from './lock-step/lock-step.ts';
export { createMachine, Machine, restoreMachine } from './machine.ts';
export type { MachineOptions, RunEnd } from './machine.ts';
export { decodeSnapshot, encodeSnapshot } from './snapshot/file.ts';
export type { MachineState, RamState } from './snapshot/snapshot.ts';
export { unflatten } from './tree/read.ts';
export { flatten } from './tree/write.ts';
