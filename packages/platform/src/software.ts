// Privileged software in TypeScript: a hypervisor or kernel that runs at an exception level of a simulated CPU. To the
// machine it is code in a page of memory; everything that it does goes through the port, which counts it.

import type { Width, Word64 } from './address.ts';
import type { Fault } from './bus.ts';
import type { Plain } from './state.ts';

/** Which of the four vectors in a group, and from where (DDI 0487 D1.4). */
export interface Exception {
  /** Which vector of the group. */
  readonly kind: 'synchronous' | 'irq' | 'fiq' | 'serror';
  /** Which group. */
  readonly from: 'current-sp0' | 'current-spx' | 'lower-a64' | 'lower-a32';
}

/** What the CPU does when the software returns: ERET, or unmask and wait at the software's level for an interrupt. */
export type Leave = 'eret' | 'wait';

declare const handle: unique symbol;
/** A system register, resolved once from its architectural name. */
export type SystemRegister = number & { readonly [handle]: 'register' };
/** A system operation (TLBI, AT, IC, DC, barriers, HVC, SMC), resolved once from its architectural name. */
export type SystemOperation = number & { readonly [handle]: 'operation' };

/**
 * Each operation is the instruction that it stands for, executed at the software's level: the same translation, traps,
 * permission checks and faults. Where a higher level intercepts it, that level's software runs before it completes.
 */
export interface CpuPort {
  /** The CPU's index. Software keeps its per-CPU state by it. */
  readonly index: number;
  /** A general register of the interrupted context; 31 is the zero register. */
  readX(n: number, out: Word64): void;
  /** Writes a general register of the interrupted context; 31 is discarded. */
  writeX(n: number, lo: number, hi: number): void;
  /** An FP and SIMD register, 128 bits as four words. Trapped by CPACR and CPTR like any use of them. */
  readV(n: number, out: Uint32Array): void;
  /** Writes an FP and SIMD register. */
  writeV(n: number, value: Uint32Array): void;
  /** MRS; aliases such as SCTLR_EL12 are registers of their own. */
  readSystem(register: SystemRegister, out: Word64): void;
  /** MSR. */
  writeSystem(register: SystemRegister, lo: number, hi: number): void;
  /** A load at a virtual address of the software's current regime. `vmm` supplies a linear map of memory. */
  load(at: Word64, width: Width | 8, out: Word64): Fault;
  /** A store at a virtual address of the software's current regime. */
  store(at: Word64, width: Width | 8, lo: number, hi: number): Fault;
  /** LDTR: with the permissions of EL0. */
  loadUnprivileged(at: Word64, width: Width | 8, out: Word64): Fault;
  /** STTR: with the permissions of EL0. */
  storeUnprivileged(at: Word64, width: Width | 8, lo: number, hi: number): Fault;
  /** An atomic compare-and-swap, for tables that other CPUs and walkers change. */
  compareAndSwap(at: Word64, width: 4 | 8, expected: Word64, desired: Word64): Fault;
  /** A loop of loads and stores, counted as such. */
  copy(to: Word64, from: Word64, bytes: number): Fault;
  /** TLBI, AT, IC, DC, DSB, ISB, HVC, SMC. */
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
  /** The whole state, as plain data. */
  save(): State;
}
