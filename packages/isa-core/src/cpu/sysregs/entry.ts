// What the system-register table says of one register. The table alone decides which register is a plain cell, which is
// checked and which has a handler (DDI 0487 D17, D18).

import type { Cpu } from '../cpu.ts';

/** Where an access is trapped to, and with which exception class; undefined where it is not. */
export interface Trap {
  /** The target exception level. */
  readonly el: number;
  /** ESR_ELx.EC; the system-register class unless given. */
  readonly ec?: number;
}

/** A trap control: asked after the exception level has been found sufficient. */
export type TrapControl = (cpu: Cpu, write: boolean) => Trap | undefined;

/** How engines may access a cell directly, wherever the level suffices and no trap control applies. */
export interface Checked {
  /** MSR too: it writes the cell and has no other effect. */
  readonly write?: true;
  /** The cell's value is the CPU's identification value of this name. */
  readonly identification?: true;
  /** A further condition: true where the cell is the value. It may look at what `traps` may. */
  readonly when?: (cpu: Cpu) => boolean;
}

/** One register. */
export interface SystemRegisterEntry {
  /** Architectural name, upper case. */
  readonly name: string;
  /** op0:op1:CRn:CRm:op2 as in the instruction: `op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2`. */
  readonly id: number;
  /** `cell`: nothing but 64 bits at `minRead` and `minWrite` or above; engines access it directly. */
  readonly kind: 'cell' | 'handler';
  /** Index of the cell that holds the value; -1 where there is none. */
  readonly cell: number;
  /** Lowest exception level that may read; 4 where nobody may. */
  readonly minRead: number;
  /** Lowest exception level that may write; 4 where nobody may. */
  readonly minWrite: number;
  /** Bits that MSR changes; the others keep their value. */
  readonly writable: bigint;
  /** The value after reset. */
  readonly reset: bigint;
  /** Trap controls in the order of the pseudocode. */
  readonly traps: readonly TrapControl[];
  /** Direct accesses where nothing traps. `traps` may look at the level and at registers whose writes are told to `contextChanged`. */
  readonly checked?: Checked;
  /** MRS, where the value is not the cell's. */
  readonly read?: (cpu: Cpu) => bigint;
  /** MSR, where it does more than write the cell. It gets the value with unwritable bits as they were. */
  readonly write?: (cpu: Cpu, value: bigint) => void;
  /** False where the part that has the register is not there: accesses are UNDEFINED. */
  readonly present?: (cpu: Cpu) => boolean;
  /** The register of a bank that stands behind an access, where that is not always the one of this name. */
  readonly bank?: (cpu: Cpu) => string;
  /** Reading it has an effect: `Cpu.register` does not. */
  readonly acknowledges?: true;
}

/** How a register is written down: fields that have a default may be left out. */
export interface Definition {
  readonly name: string;
  /** `S3_0_C1_C0_0` as an array of op0, op1, CRn, CRm, op2. */
  readonly at: readonly [number, number, number, number, number];
  /** True for a register that engines may access without asking. */
  readonly plain?: true;
  /** `SystemRegisterEntry.checked`. */
  readonly checked?: Checked;
  readonly minRead?: number;
  readonly minWrite?: number;
  readonly writable?: bigint;
  readonly reset?: bigint;
  readonly traps?: readonly TrapControl[];
  readonly read?: (cpu: Cpu) => bigint;
  readonly write?: (cpu: Cpu, value: bigint) => void;
  /** `SystemRegisterEntry.present`. */
  readonly present?: (cpu: Cpu) => boolean;
  /** `SystemRegisterEntry.bank`. */
  readonly bank?: (cpu: Cpu) => string;
  /** `SystemRegisterEntry.acknowledges`. */
  readonly acknowledges?: true;
}

/** The id of an encoding. */
export const systemId = (op0: number, op1: number, crn: number, crm: number, op2: number): number =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

/** The lowest exception level of an encoding by its op1 (DDI 0487 C5.1.2). */
export function levelOfOp1(op1: number): number {
  if (op1 === 3) return 0;
  if (op1 < 3) return 1;
  return op1 === 6 || op1 === 7 ? 3 : 2;
}

/** All 64 bits. */
export const ALL = 0xffff_ffff_ffff_ffffn;
/** The low 32 bits. */
export const LOW32 = 0xffff_ffffn;
