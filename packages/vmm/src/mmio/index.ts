// Devices that exist in software only.

export { VmBus } from './bus.ts';
export type { VmRegion } from './bus.ts';
export { MmioEmulator, mmioShape } from './emulate.ts';
export type { MmioOutcome, MmioState } from './emulate.ts';
export { InstructionEmulator } from './instruction.ts';
export type { Circumstances, GuestReach, InstructionEnd } from './instruction.ts';
