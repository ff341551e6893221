// The CPU: state, exceptions, system registers.

export { Cpu } from './cpu.ts';
export type { ExceptionRecord, TakenException } from './exceptions.ts';
export { Vector } from './exceptions.ts';
export { interruptsGoAbove } from './interrupts.ts';
export { armv8, exceptionSlot, optionalFeatures } from './features.ts';
export type { CpuCounters, CpuFeatures, Firmware } from './features.ts';
export { Layout as CpuLayout } from './layout.ts';
export type { ArchitecturalObserver, CpuListener, CpuObserver, CpuOptions } from './options.ts';
export { cpuCodec } from './saved-state.ts';
export type { CpuSavedState } from './saved-state.ts';
export { Slice } from './slice.ts';
export type { CpuCosts, PortKind, SoftwareUnits } from './slice.ts';
export * from './software/index.ts';
export { CpuState } from './state.ts';
export { describeClass, describeFaultStatus, describeSyndrome, EC, syndrome } from './syndrome.ts';
export type { SystemRegisterEntry } from './sysregs/entry.ts';
export { systemRegisterNames } from './sysregs/names.ts';
export type { SystemRegisterName } from './sysregs/names.ts';
export {
  lookup as systemRegisterAt,
  registerById,
  registerByName,
  systemRegisters,
} from './sysregs/table.ts';
