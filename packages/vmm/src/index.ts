// @worldswitch/vmm: what hypervisors share. The table of contents.

export { ConsoleMultiplexer, consoleShape } from './console/multiplexer.ts';
export type { ConsoleEnds, ConsoleState } from './console/multiplexer.ts';
export { Current } from './current.ts';
export type { HostGic } from './drivers/gic.ts';
export { hostGicV2 } from './drivers/gicv2.ts';
export { hostGicV3 } from './drivers/gicv3.ts';
export { HostSerial, hostSerialShape } from './drivers/pl011.ts';
export type { HostSerialState } from './drivers/pl011.ts';
export { DriverError } from './drivers/registers.ts';
export { HostDisk, hostDiskShape } from './drivers/virtio-blk.ts';
export type { HostDiskState } from './drivers/virtio-blk.ts';
export { HostNic, hostNicShape } from './drivers/virtio-net.ts';
export type { HostNicState } from './drivers/virtio-net.ts';
export { NetworkSwitch, switchShape } from './net/switch.ts';
export type { SwitchState } from './net/switch.ts';
export * from './exits/index.ts';
export { difference, Ledger } from './ledger/ledger.ts';
export type { CauseDifference, CauseTotal, ExitCosts, ExitRow } from './ledger/ledger.ts';
export { ledgerColumns, plainLedger, readLedger } from './ledger/file.ts';
export type { PlainLedger } from './ledger/file.ts';
export { perfettoTrace } from './ledger/perfetto.ts';
export type { TraceEvent } from './ledger/perfetto.ts';
export * from './memory/index.ts';
export * from './mmio/index.ts';
export { systemOperation, systemRegister } from './names.ts';
export { Scheduler, schedulerShape } from './schedule/scheduler.ts';
export type { SchedulerState, SchedulerTimes, Weight } from './schedule/scheduler.ts';
export * from './shadow/index.ts';
export * from './stage2/index.ts';
export { checkVms, macOf, TECHNIQUES } from './vm/description.ts';
export type { CheckedVm, HostRoom, Technique, VmDescription } from './vm/description.ts';
export {
  identificationRegisters,
  identifyAs,
  vcpuOfAffinity,
  VirtualId,
  virtualIdShape,
  virtualMpidr,
} from './id/virtual-id.ts';
export type { VirtualIdOptions, VirtualIdState } from './id/virtual-id.ts';
export { virtualPsci } from './psci/psci.ts';
export type { PsciVm } from './psci/psci.ts';
export { HostTimer, hostTimerInterrupt, hostTimerShape } from './vtimer/host-timer.ts';
export type { HostDeadline, HostTimerState } from './vtimer/host-timer.ts';
export {
  physicalTimerInterrupt,
  physicalTimerRegisters,
  trapPhysicalTimer,
  VirtualTimer,
  virtualTimerAsserts,
  virtualTimerInterrupt,
  virtualTimerShape,
} from './vtimer/virtual-timer.ts';
export type { TimerWires, VirtualTimerState } from './vtimer/virtual-timer.ts';
export { VmClock, vmClockShape } from './vtimer/vm-clock.ts';
export type { VmClockState } from './vtimer/vm-clock.ts';
export { Classes, movedBy, registerClasses } from './world-switch/classes.ts';
export type { ClassRegister, Moved, RegisterClass } from './world-switch/classes.ts';
export { Context, contextShape, restoreClasses, saveClasses } from './world-switch/context.ts';
export type { ContextState } from './world-switch/context.ts';
export { LazyFloat, lazyFloatShape } from './world-switch/lazy-float.ts';
export type { LazyFloatState } from './world-switch/lazy-float.ts';
export type { HostInterrupts } from './vgic/delivery.ts';
export { EmulatedGicV2, emulatedGicV2Shape } from './vgic/emulated.ts';
export type { EmulatedGicV2State } from './vgic/emulated.ts';
export { EmulatedGicV3, emulatedGicV3Shape } from './vgic/emulated-v3.ts';
export type { EmulatedGicV3Config, EmulatedGicV3State } from './vgic/emulated-v3.ts';
export { listRegisterCountV2 } from './vgic/gich.ts';
export { listRegisterCountV3 } from './vgic/ich.ts';
export type { InFlightState } from './vgic/in-flight.ts';
export { virtualGicV2, virtualGicV2Shape } from './vgic/vgic-v2.ts';
export type { VirtualGicV2Config } from './vgic/vgic-v2.ts';
export { trappedGicRegisters, VirtualGicV3, virtualGicV3, virtualGicV3Shape } from './vgic/vgic-v3.ts';
export type { VirtualGicV3Config } from './vgic/vgic-v3.ts';
export { VirtualGic } from './vgic/vgic.ts';
export { maintenanceInterrupt } from '@worldswitch/gic';
export type {
  Asserts,
  BlockAccess,
  VirtualGicBlock,
  VirtualGicHost,
  VirtualGicParts,
  VirtualGicState,
} from './vgic/vgic.ts';
