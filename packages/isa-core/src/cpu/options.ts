// What a CPU is made of, and who is told what happens to it.

import type { TlbListener, TlbShape } from '@worldswitch/mmu';
import type { Bus, SystemRegisterBank } from '@worldswitch/platform';

import type { TakenException } from './exceptions.ts';
import type { CpuFeatures, Firmware } from './features.ts';
import type { CpuCosts } from './slice.ts';

/** What a CPU is made of. */
export interface CpuOptions {
  /** The machine's shared memory. */
  readonly memory: WebAssembly.Memory;
  /** Byte offset of this CPU's block of `Layout.size` bytes. */
  readonly base: number;
  /** Index of the CPU, from 0. */
  readonly index: number;
  /** Its physical address space. */
  readonly bus: Bus;
  /** What it implements. */
  readonly features: CpuFeatures;
  /** Values of identification registers by name; those not given are zero. CCSIDR_EL1 is `cacheSizes` by CSSELR_EL1. */
  readonly id: Readonly<Record<string, bigint>>;
  /** CCSIDR_EL1 by CSSELR_EL1 (0: L1 data, 1: L1 instruction, 2: L2). */
  readonly cacheSizes?: readonly bigint[];
  /** Registers of the board's parts. */
  readonly banks?: readonly SystemRegisterBank[];
  /** What answers HVC or SMC where the architecture has nobody. */
  readonly firmware?: Firmware;
  /** What instructions and other things cost; unless given, an instruction costs 1 and all else nothing. */
  readonly costs?: CpuCosts | undefined;
  /** Geometry of the TLB. */
  readonly tlb?: TlbShape;
}

/** Is told of what changes behind an engine's back. */
export interface CpuListener extends TlbListener {
  /** The translation context (level, regime, ASID, permissions that depend on PSTATE) is another. */
  contextChanged(): void;
  /** The complete path stored into RAM. */
  stored(pa: number, bytes: number): void;
}

/** Watches for traces and reports. */
export interface CpuObserver {
  /** An exception was taken from a level; the PC is at its vector. */
  exceptionTaken(e: TakenException, from: number): void;
  /** An encoding that this CPU does not model was executed; it takes the UNDEFINED path. */
  unimplemented(id: number, write: boolean): void;
}

/**
 * Is told of the events by which runs of one guest on different systems are compared. Called in the middle of an instruction:
 * nothing may be changed, but an engine may be asked to stop.
 */
export interface ArchitecturalObserver {
  /** An exception was taken from a level; the PC is at its vector. */
  exceptionTaken(e: TakenException, from: number): void;
  /** An exception return has left a level. */
  returned(from: number): void;
  /** HVC or SMC is executed, wherever it goes. */
  called(by: 'hvc' | 'smc'): void;
  /** WFI or WFE is executed, whether it waits or not. */
  waits(event: boolean): void;
  /** MRS is executed, by the number of the register, whether it traps or not. */
  registerRead(id: number): void;
  /** Registers of a device are accessed at an address of the program's. More than once for an instruction of several accesses. */
  deviceAccess(vaLo: number, vaHi: number, write: boolean): void;
}

/** What stands behind a register that is a part's of the board. */
export interface Backing {
  read(): bigint;
  write(value: bigint): void;
}
