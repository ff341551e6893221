// Exceptions that a hypervisor gives to its guest's EL1, as hardware would take them there (DDI 0487 D1.3), and going on behind
// an instruction.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';

const ELR_EL2 = systemRegister('ELR_EL2');
const SPSR_EL2 = systemRegister('SPSR_EL2');
const ELR_EL1 = systemRegister('ELR_EL1');
const SPSR_EL1 = systemRegister('SPSR_EL1');
const ESR_EL1 = systemRegister('ESR_EL1');
const FAR_EL1 = systemRegister('FAR_EL1');
const VBAR_EL1 = systemRegister('VBAR_EL1');
const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const ID_AA64MMFR1_EL1 = systemRegister('ID_AA64MMFR1_EL1');

/** SPSR_ELx: what an exception leaves of PSTATE (NZCV, PAN), and what it sets (D, A, I, F, EL1h). */
const KEPT = 0xf040_0000;
const MASKED_EL1H = 0x3c5;
const PAN = 1 << 22;
const SS = 1 << 21;
const SPAN = 1 << 23;
const IL = 1 << 25;
const WNR = 1 << 6;
const CM = 1 << 8;

/** Exception classes from a lower level; of the same level they are one more. */
const INSTRUCTION_ABORT = 0x20;
const DATA_ABORT = 0x24;
/** A synchronous external abort. */
export const EXTERNAL_ABORT = 0x10;

const word: Word64 = { lo: 0, hi: 0 };

/** The guest goes on behind the instruction that exited: for traps and emulated accesses, not for HVC, SVC and SMC taken as calls. */
export function skipInstruction(port: CpuPort): void {
  port.readSystem(ELR_EL2, word);
  const lo = (word.lo + 4) >>> 0;
  port.writeSystem(ELR_EL2, lo, lo < 4 ? (word.hi + 1) >>> 0 : word.hi);
  port.readSystem(SPSR_EL2, word);
  // The instruction is done, also for software step.
  if ((word.lo & SS) !== 0) port.writeSystem(SPSR_EL2, (word.lo & ~SS) >>> 0, word.hi);
}

/**
 * Takes a synchronous exception to the guest's EL1: it is at its vector when the hypervisor returns.
 *
 * @param ec - exception class as it is from EL0; `sameLevel` says what it is at EL1
 * @param iss - the syndrome's bits 24:0
 * @param va - FAR_EL1, where the exception sets it
 * @param sameLevel - the class when it comes from EL1; the same unless given
 */
export function injectSynchronous(
  port: CpuPort,
  ec: number,
  iss: number,
  va?: Word64,
  sameLevel: number = ec,
): void {
  port.readSystem(SPSR_EL2, word);
  const spsr = word.lo;
  const mode = spsr & 15;
  const user = mode === 0;
  port.writeSystem(SPSR_EL1, spsr, word.hi);
  port.readSystem(ELR_EL2, word);
  port.writeSystem(ELR_EL1, word.lo, word.hi);
  port.writeSystem(ESR_EL1, (((user ? ec : sameLevel) << 26) | IL | iss) >>> 0, 0);
  if (va !== undefined) port.writeSystem(FAR_EL1, va.lo, va.hi);
  port.readSystem(VBAR_EL1, word);
  const offset = user ? 0x400 : (mode & 1) === 0 ? 0 : 0x200;
  port.writeSystem(ELR_EL2, (word.lo + offset) >>> 0, word.hi);
  port.writeSystem(SPSR_EL2, ((spsr & KEPT) | panOnEntry(port) | MASKED_EL1H) >>> 0, 0);
}

/** PSTATE.PAN is set on entry where the CPU has it and SCTLR_EL1.SPAN does not say to leave it. */
function panOnEntry(port: CpuPort): number {
  port.readSystem(ID_AA64MMFR1_EL1, word);
  if (((word.lo >>> 20) & 15) === 0) return 0;
  port.readSystem(SCTLR_EL1, word);
  return (word.lo & SPAN) === 0 ? PAN : 0;
}

/** How an access of the guest failed. */
export interface InjectedAbort {
  /** Where: FAR_EL1. */
  readonly va: Word64;
  /** An instruction fetch; else a data access. */
  readonly instruction?: boolean;
  readonly write?: boolean;
  /** By a cache maintenance or address translation instruction. */
  readonly maintenance?: boolean;
  /** Fault status; a synchronous external abort unless given. */
  readonly status?: number;
}

/** Gives the guest a data or instruction abort. */
export function injectAbort(port: CpuPort, abort: InjectedAbort): void {
  const { va, instruction, write, maintenance, status } = abort;
  const ec = instruction === true ? INSTRUCTION_ABORT : DATA_ABORT;
  const how = (write === true ? WNR : 0) | (maintenance === true ? CM : 0);
  injectSynchronous(port, ec, (status ?? EXTERNAL_ABORT) | how, va, ec + 1);
}

/** Gives the guest the exception of an UNDEFINED instruction. */
export function injectUndefined(port: CpuPort): void {
  injectSynchronous(port, 0, 0);
}
