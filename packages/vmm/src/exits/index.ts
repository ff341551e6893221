// Why a guest stopped running, and how it goes on.

export { decodeExit, faultKindOf } from './decode.ts';
export type {
  AccessSyndrome,
  DataAbortExit,
  Exit,
  FaultKind,
  InstructionAbortExit,
  SystemRegisterExit,
} from './exit.ts';
export { injectAbort, injectSynchronous, injectUndefined, skipInstruction } from './inject.ts';
export type { InjectedAbort } from './inject.ts';
