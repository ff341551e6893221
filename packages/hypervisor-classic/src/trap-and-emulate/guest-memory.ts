// What trap-and-emulate needs of whoever virtualises the guest's translation: the hardware's roots for a virtual level, what a fault
// means, the guest's own walk, and its TLB maintenance.

import type { CpuPort, Word64 } from '@worldswitch/platform';

import type { VirtualCpu } from './virtual-cpu.ts';

/** What an access is. */
export const AccessKind = { Read: 0, Write: 1, Fetch: 2 } as const;
/** What an access is. */
export type AccessKind = (typeof AccessKind)[keyof typeof AccessKind];

/** What a fault was. */
export const Answer = {
  /** Mended: the guest tries again. */
  Retry: 0,
  /** The guest's own: `status` is the fault status code. */
  Abort: 1,
  /** No memory is there: a device's, or nothing; `ipa` says where. */
  Device: 2,
  /** A store to memory that the hypervisor must do itself: the page is traced. `ipa` says where. */
  Traced: 3,
} as const;
/** What a fault was. */
export type Answer = (typeof Answer)[keyof typeof Answer];

/** The TLB maintenance that a guest asks for, by the architecture's names. */
export type TlbMaintenance = 'VMALLE1' | 'VAE1' | 'ASIDE1' | 'VAAE1' | 'VALE1' | 'VAALE1';

/** Translation of one VM. */
export interface GuestMemory {
  /** The fault status code of the last `Abort`. */
  readonly status: number;
  /** The guest physical address of the last `Device`, `Traced` or successful `translate`. */
  readonly ipa: number;
  /** The last `Retry` of `fault` was for a use alone: nothing was missing. */
  readonly touched: boolean;
  /** A translation register of a vCPU has been written: its new value is in the vCPU. */
  written(port: CpuPort, vcpu: VirtualCpu): void;
  /** Before the guest goes on at its virtual level: the hardware's roots are right. */
  enter(port: CpuPort, vcpu: VirtualCpu): void;
  /** The guest's access ended in a fault of translation or permission. */
  fault(port: CpuPort, vcpu: VirtualCpu, va: Readonly<Word64>, kind: AccessKind): Answer;
  /** The guest's own translation of an access, without an effect: `Retry` where it may be made, and `ipa` is memory. */
  translate(
    port: CpuPort,
    vcpu: VirtualCpu,
    va: Readonly<Word64>,
    kind: AccessKind,
    privileged: boolean,
  ): Answer;
  /** AT: what PAR_EL1 becomes. */
  addressTranslation(
    port: CpuPort,
    vcpu: VirtualCpu,
    va: Readonly<Word64>,
    write: boolean,
    privileged: boolean,
    par: Word64,
  ): void;
  /** TLBI with its operand. */
  invalidate(port: CpuPort, vcpu: VirtualCpu, what: TlbMaintenance, lo: number, hi: number): void;
}
