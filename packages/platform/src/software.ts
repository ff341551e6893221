// Privileged software in TypeScript: a hypervisor or kernel that runs at an exception level of a simulated CPU. To the
// machine it is code in a page of memory; everything that it does goes through the port, which counts it.

import type { Pa, Width, Word64 } from './address.ts';
import type { Fault } from './bus.ts';
import type { Plain, StateCodec } from './state.ts';

/** Which of the four vectors in a group, and from where (DDI 0487 D1.4). */
export interface Exception {
  /** Which vector of the group. */
  readonly kind: 'synchronous' | 'irq' | 'fiq' | 'serror';
  /** Which group. */
  readonly from: 'current-sp0' | 'current-spx' | 'lower-a64' | 'lower-a32';
}

/**
 * What the CPU does when the software returns: `eret` is the ERET of its level; `wait` unmasks A, I and F and is a WFI at its level, in
 * a loop in its page; `svc` is an SVC at EL0, which returns to the task entry.
 */
export type Leave = 'eret' | 'wait' | 'svc';

/** Where calls of software begin: offsets in its page. */
export const SoftwareEntry = {
  /** The vectors: 16 of 0x80 bytes. */
  vectors: 0x000,
  /** Power-on and PSCI CPU_ON. */
  boot: 0x800,
  /** A task at EL0. */
  task: 0x900,
  /** The loop of `wait`: WFI, and a branch back. */
  wait: 0xa00,
} as const;

declare const handle: unique symbol;
/** A system register, resolved once from its architectural name. */
export type SystemRegister = number & { readonly [handle]: 'register' };
/** A system operation (TLBI, AT, IC, DC, barriers, HVC, SMC), resolved once from its architectural name. */
export type SystemOperation = number & { readonly [handle]: 'operation' };

/** What the last access that failed was told, as a fixup handler would read it from ESR_ELx and FAR_ELx, which keep what they had. */
export interface FaultDetail {
  /** ESR_ELx of the data abort. */
  readonly esr: number;
  /** FAR_ELx. */
  readonly address: Readonly<Word64>;
  /** The fault status code: ESR_ELx.ISS.DFSC. */
  readonly code: number;
  /** The table level in the fault status code, 0 to 3, where it has one. */
  readonly level: number;
  /** ISS.S1PTW: it was stage 2 that refused a table of stage 1. */
  readonly s1ptw: boolean;
  /** ISS.WnR. */
  readonly write: boolean;
}

/** What an atomic operation makes of what is in memory and its operand. */
export type AtomicKind = 'add' | 'set' | 'clear' | 'xor' | 'swap';

/**
 * Each operation is the instruction that it stands for, executed at the software's level: the same translation, traps,
 * permission checks and faults. Where a higher level intercepts it, that level's software runs before it completes.
 * An instruction that is UNDEFINED there is a mistake of the software and ends the run with an error.
 */
export interface CpuPort {
  /** The CPU's index. Software keeps its per-CPU state by it. */
  readonly index: number;
  /** The exception level that the software runs at in this call. */
  readonly level: number;
  /** The virtual address at which this call found the software's page (ADR). */
  readonly page: Readonly<Word64>;
  /** Of the last access that did not return `Fault.None`. */
  readonly lastFault: FaultDetail;
  /** A general register of the interrupted context; 31 is the zero register. */
  readX(n: number, out: Word64): void;
  /** Writes a general register of the interrupted context; 31 is discarded. */
  writeX(n: number, lo: number, hi: number): void;
  /** The current stack pointer, SP_ELx of the software's level. Those of lower levels are system registers. */
  readSp(out: Word64): void;
  /** Writes it. */
  writeSp(lo: number, hi: number): void;
  /** An FP and SIMD register, 128 bits as four words. Trapped by CPACR and CPTR like any use of them. */
  readV(n: number, out: Uint32Array): void;
  /** Writes an FP and SIMD register. */
  writeV(n: number, value: Uint32Array): void;
  /** MRS; aliases such as SCTLR_EL12 are registers of their own. */
  readSystem(register: SystemRegister, out: Word64): void;
  /** MSR. */
  writeSystem(register: SystemRegister, lo: number, hi: number): void;
  /** A load at a virtual address of the software's current regime. `vmm` supplies a linear map of memory. */
  load(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault;
  /** A store at a virtual address of the software's current regime. */
  store(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault;
  /** LDTR: with the permissions of EL0. */
  loadUnprivileged(at: Readonly<Word64>, width: Width | 8, out: Word64): Fault;
  /** STTR: with the permissions of EL0. */
  storeUnprivileged(at: Readonly<Word64>, width: Width | 8, lo: number, hi: number): Fault;
  /**
   * An atomic compare-and-swap, for tables that other CPUs and walkers change. `expected` becomes what was in memory: it was swapped
   * if that is what was expected.
   */
  compareAndSwap(at: Readonly<Word64>, width: 4 | 8, expected: Word64, desired: Readonly<Word64>): Fault;
  /** An atomic read-modify-write; `old` is what was in memory. */
  atomic(kind: AtomicKind, at: Readonly<Word64>, width: 4 | 8, operand: Readonly<Word64>, old: Word64): Fault;
  /** A loop of loads and stores, counted as such. What was copied before a fault stays. */
  copy(to: Readonly<Word64>, from: Readonly<Word64>, bytes: number): Fault;
  /** A loop of loads into the software's own memory. */
  read(at: Readonly<Word64>, into: Uint8Array): Fault;
  /** A loop of stores from the software's own memory. */
  write(at: Readonly<Word64>, from: Uint8Array): Fault;
  /** A loop of stores of zero. */
  zero(at: Readonly<Word64>, bytes: number): Fault;
  /**
   * TLBI, AT, IC, DC (with the value of Xt), DSB, DMB, ISB, SEV, CLREX; HVC, SMC and SVC (with the immediate), whose arguments and
   * results are in the context's X registers.
   */
  operate(operation: SystemOperation, lo?: number, hi?: number): void;
  /** Instructions that the equivalent machine code would spend on computing, beyond the port's own operations. */
  work(instructions: number): void;
}

/** A hypervisor or kernel in TypeScript. */
export interface PrivilegedSoftware<State extends Plain> {
  /** Power-on, or PSCI CPU_ON, of one CPU. */
  boot(cpu: CpuPort): Leave;
  /** The vector. ELR, SPSR, ESR, FAR and HPFAR are already what the hardware wrote. */
  take(exception: Exception, cpu: CpuPort): Leave;
  /** A task's entry, where it has one. */
  task?(cpu: CpuPort): Leave;
  /** The whole state, as plain data. */
  save(): State;
}

/** What software is told when it is made, as a linker would. */
export interface SoftwareContext {
  /** Its name on the board. */
  readonly name: string;
  /** The physical address of its page. */
  readonly page: Pa;
  /** The pages of all software of the board, by name. */
  readonly pages: Readonly<Record<string, Pa>>;
  /** Number of CPUs. */
  readonly cpus: number;
}

/** How software is made, at power-on and from a saved state. */
export interface SoftwareType<State extends Plain> {
  /** How a saved state is checked. */
  readonly state: StateCodec<State>;
  /** Makes it; with a state, as it was. */
  create(context: SoftwareContext, state?: State): PrivilegedSoftware<State>;
}

/** What a piece of software did through its ports, on all CPUs. */
export interface SoftwareCounts {
  /** Calls by exception: vectors in their order (16), power-on, task. */
  readonly calls: Uint32Array;
  /** Calls that served an operation of a lower level's software, among `calls`. */
  nested: number;
  /** All instructions: those below, `work`, and the one that leaves. */
  instructions: number;
  /** Instructions of `work`. */
  work: number;
  /** Moves of general registers, the stack pointer among them. */
  generalReads: number;
  generalWrites: number;
  /** Moves of FP and SIMD registers. */
  vectorReads: number;
  vectorWrites: number;
  /** MRS and MSR. */
  systemReads: number;
  systemWrites: number;
  /** The same by register: its handle is the index. */
  readonly readsOf: Uint32Array;
  readonly writesOf: Uint32Array;
  /** Load and store instructions, those of copies among them, and their bytes. */
  loads: number;
  stores: number;
  bytesLoaded: number;
  bytesStored: number;
  /** Those of them that went to registers of devices. */
  deviceLoads: number;
  deviceStores: number;
  /** Atomic operations: a loop of exclusives. */
  atomics: number;
  /** TLBI, AT, and IC and DC. */
  tlbMaintenance: number;
  addressTranslations: number;
  cacheMaintenance: number;
  /** DSB, DMB and ISB. */
  barriers: number;
  /** HVC, SMC and SVC. */
  environmentCalls: number;
  /** Accesses that returned a fault. */
  faults: number;
  /** Operations that a higher level's software intercepted. */
  intercepted: number;
  /** How it left. */
  erets: number;
  waits: number;
}
