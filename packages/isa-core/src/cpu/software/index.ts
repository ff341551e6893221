// Privileged software in TypeScript, on a CPU.

export { noSoftwareCounts } from './counts.ts';
export { SoftwareError } from './errors.ts';
export { systemOperation, systemRegister } from './handles.ts';
export type { SystemOperationName } from './operation-names.ts';
export { attachSoftware } from './unit.ts';
export type { AttachedSoftware, SoftwareSurroundings } from './unit.ts';
