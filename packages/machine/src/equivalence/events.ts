// The architectural events of a guest, by which its runs on different systems are compared: they exist under every technique of
// virtualisation, and a guest that is executed correctly has the same ones in the same order, whoever executes it.

import type { Machine } from '../machine.ts';
import type { GuestWindow, RewrittenWord } from './guest-memory.ts';
import type { GuestState } from './guest-state.ts';

/** What happened. */
export type GuestEventKind =
  /** The guest's first instruction is next. */
  | 'entry'
  /** A system call was taken to EL1. The guest's state is that at its vector; so it is for the exceptions that follow. */
  | 'svc'
  /** Another synchronous exception was taken to EL1. */
  | 'fault'
  | 'irq'
  | 'fiq'
  | 'serror'
  /** An ERET of EL1 is done; the state is that behind it. */
  | 'eret'
  /** HVC or SMC is executed at EL1; the state is that before it, and so it is for all that follow. */
  | 'hvc'
  | 'smc'
  /** A load or store of a device's registers, once for an instruction. */
  | 'mmio'
  /** WFI or WFE, whether it waits or not, unless it is trapped to EL1. */
  | 'wfi'
  | 'wfe'
  /** The system counter is read, or what a timer says that depends on it: CNTPCT, CNTVCT, CNTx_TVAL, CNTx_CTL; unless that is trapped to EL1. */
  | 'counter'
  /** So many instructions were executed without an event: an interrupt may come here, too, or a loop that waits for one would never end. */
  | 'quiet';

/** Whom a system tells of its guest's events: at the moment at which the guest's state is as the kind says. */
export interface GuestProbe {
  /**
   * An event of the guest's.
   *
   * @param pcLo - the instruction that had it: of a call, the call itself
   * @param pcHi - upper half
   * @param detail - ESR_EL1 of an exception, the lower half of a device access's address; else 0: for reports alone
   */
  event(kind: GuestEventKind, pcLo: number, pcHi: number, detail: number): void;
  /** The CPU has left the guest: an exception was taken to the hypervisor. */
  left(): void;
  /** The CPU is about to execute the guest again, or for the first time. */
  resumed(): void;
}

/** How a guest is seen on the system that it runs on. */
export interface GuestView {
  /** True while the CPU executes the guest, and not a hypervisor. */
  readonly inGuest: boolean;
  /** Fills in the guest's registers. At an event, and while the CPU executes the guest. */
  read(out: GuestState): void;
  /**
   * True where the guest's instructions are executed one for one, by the CPU or by the hypervisor after an exception. Then there are
   * `quiet` events, and a difference is looked for instruction by instruction.
   */
  readonly steps: boolean;
  /** True where that holds up to the next event at least, so that there is a `quiet` one. As `steps` says when absent. */
  readonly counts?: boolean;
}

/** A system with one guest on it, as it is compared. The machine must not have run. */
export interface ObservedGuest {
  /** For reports. */
  readonly system: string;
  readonly machine: Machine;
  /** Where the guest's memory is in the machine's. */
  readonly memory: GuestWindow;
  /**
   * Words of its memory that whoever runs it has changed, by their place in bytes: what the guest had there, and what is there now. They
   * are counted, and compared as what the guest had.
   */
  readonly rewritten?: (() => ReadonlyMap<number, RewrittenWord>) | undefined;
  /** Pages of its memory that whoever runs it keeps elsewhere in the machine's: places in bytes there, by those in the guest's memory. */
  readonly moved?: (() => ReadonlyMap<number, number>) | undefined;
  /** Begins to tell a probe of the guest's events. */
  observe(probe: GuestProbe): GuestView;
}

/** An event as it was noted. */
export interface GuestEvent {
  readonly kind: GuestEventKind;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly detail: number;
  /** The guest's registers, and their hash. */
  readonly state: GuestState;
  readonly hash: readonly [number, number];
}
