// Numbers of system registers and instructions, as handlers get them: op0:op1:CRn:CRm:op2, 16 bits.

import { systemId } from '../../cpu/sysregs/entry.ts';

/** The fields of MRS, MSR, SYS and SYSL, but op0. */
export interface SystemFields {
  readonly o0: number;
  readonly op1: number;
  readonly CRn: number;
  readonly CRm: number;
  readonly op2: number;
}

/** The id of an encoding. */
export const idOf = (op0: number, f: Omit<SystemFields, 'o0'>): number =>
  systemId(op0, f.op1, f.CRn, f.CRm, f.op2);

/** Registers with rows of their own. */
export const SystemId: { readonly DAIF: number } = { DAIF: systemId(3, 3, 4, 2, 1) };
