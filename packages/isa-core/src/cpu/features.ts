// What a CPU implements beyond the base of Armv8.0-A. Exception levels and features are fixed when the CPU is made.

import type { MmuFeatures } from '@worldswitch/mmu';

/** Exception levels and optional features. */
export interface CpuFeatures {
  /** EL2 is implemented. */
  readonly el2: boolean;
  /** EL3 is implemented, and with it the Secure state. */
  readonly el3: boolean;
  /** FEAT_PAN. */
  readonly pan: boolean;
  /** FEAT_UAO. */
  readonly uao: boolean;
  /** FEAT_AES, FEAT_PMULL, FEAT_SHA1 and FEAT_SHA256: the Armv8.0 Cryptographic Extension. */
  readonly crypto: boolean;
  /** What the MMU supports. */
  readonly mmu: Partial<MmuFeatures>;
}

/** Armv8.0-A with EL1 and EL0 only. */
export const armv8: CpuFeatures = { el2: false, el3: false, pan: false, uao: false, crypto: true, mmu: {} };

/** Instruction sets that a CPU may have or not, by `Row.feature`: their bits in `Layout.absent`. */
export const optionalFeatures: Readonly<Record<string, number>> = { crypto: 1 };

/** `Layout.absent`: instructions of these are UNDEFINED. */
export const absentFeatures = ({ crypto }: CpuFeatures): number =>
  crypto ? 0 : (optionalFeatures['crypto'] ?? 0);

/** What stands in for EL3 or EL2 where the board has none: PSCI by SMC or HVC. A convention of the board's. */
export interface Firmware {
  /** Answers a call in X0 to X3. False when it does not know it: the instruction is then UNDEFINED. */
  call(cpu: number, by: 'hvc' | 'smc'): boolean;
}

/** Counts since they were last cleared. */
export interface CpuCounters {
  /** Instructions executed; whoever runs the engine counts them. */
  instructions: number;
  /** Exceptions taken, interrupts among them. */
  exceptions: number;
  /** Interrupts taken. */
  interrupts: number;
  /** ERETs. */
  returns: number;
  /** The same by the level that was left. */
  readonly returned: Uint32Array;
  /** What engines have spent here: instructions, or units of cost. Whoever runs the engine counts them. */
  spent: number;
  /** Accesses to memory-mapped registers. */
  deviceAccesses: number;
  /** TLBI instructions executed here. */
  tlbMaintenance: number;
  /** Exceptions taken by what and to where: see `exceptionSlot`. */
  readonly taken: Uint32Array;
}

/** Kinds of exceptions at each level: 64 classes of ESR_ELx.EC, then IRQ, FIQ and SError. */
const KINDS = 67;

/**
 * Where `CpuCounters.taken` counts an exception.
 *
 * @param el - the target level
 * @param kind - ESR_ELx.EC of a synchronous one; 64 for IRQ, 65 for FIQ, 66 for SError
 */
export function exceptionSlot(el: number, kind: number): number {
  return el * KINDS + kind;
}

/** Counters at zero. */
export function noCounts(): CpuCounters {
  return {
    instructions: 0,
    exceptions: 0,
    interrupts: 0,
    returns: 0,
    returned: new Uint32Array(4),
    spent: 0,
    deviceAccesses: 0,
    tlbMaintenance: 0,
    taken: new Uint32Array(4 * KINDS),
  };
}
