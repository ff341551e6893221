// List registers as the delivery of virtual interrupts sees them: one interface over GICH (IHI 0048B 5.3) and ICH (IHI 0069 12.4).
// What was last written or read is kept, so that nothing is written that is there already.

import type { CpuPort } from '@worldswitch/platform';

/** States of a list register: bit 0 pending, bit 1 active. */
export const ListState = { Free: 0, Pending: 1, Active: 2, Both: 3 } as const;

/** What a list register is to hold. */
export interface ListEntry {
  id: number;
  /** `ListState` bits. */
  state: number;
  priority: number;
  group1: boolean;
  /** The host's interrupt that the guest's end of interrupt deactivates, or -1. */
  physical: number;
  /** A maintenance interrupt when it ends; only without `physical`. */
  notice: boolean;
  /** The sender of an SGI of a GICv2. */
  source: number;
}

/** The virtual CPU interface of the CPU that a port is of, for the vCPU that is on it. */
export interface ListRegisters {
  /** How many there are. */
  readonly count: number;
  /** Moved by `load` or `unload` besides list registers. */
  readonly control: { readonly registers: number; readonly bytes: number };
  /** Bytes of a list register. */
  readonly listBytes: number;
  /** A bit per list register that holds nothing any more. */
  readFree(port: CpuPort): number;
  /** Reads a list register and returns its state. */
  readState(port: CpuPort, vcpu: number, index: number): number;
  /** A list register is known to hold nothing any more. */
  ended(vcpu: number, index: number): void;
  /** Writes a list register, unless it holds this. */
  write(port: CpuPort, vcpu: number, index: number, entry: ListEntry): void;
  /** Makes a list register hold nothing, and ask for no maintenance. */
  clear(port: CpuPort, vcpu: number, index: number): void;
  /** How many interrupts have ended that no list register held, since it was last asked. */
  takeEndCount(port: CpuPort): number;
  /** Writes the control register, unless it is this; `split` traps deactivation where that can be. */
  setControl(port: CpuPort, vcpu: number, value: number, split: boolean): void;
  /** Reads which groups the guest has enabled (bits 0 and 1). */
  readGroups(port: CpuPort, vcpu: number): number;
  /** The same of a vCPU that is not on a CPU, or as it was last read. */
  groups(vcpu: number): number;
  /** The guest's priority mask, likewise. */
  mask(vcpu: number): number;
  /** Puts a vCPU's interface on the CPU, without list registers. */
  load(port: CpuPort, vcpu: number): void;
  /** Takes it off the CPU, and switches it off there. List registers have been cleared. */
  unload(port: CpuPort, vcpu: number): void;
}
