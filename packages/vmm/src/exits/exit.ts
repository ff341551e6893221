// Exits as typed values: what the syndrome registers of EL2 say (DDI 0487 D17.2.37 ESR_EL2, D17.2.61 HPFAR_EL2).

import type { Ipa, Word64 } from '@worldswitch/platform';

/** Why a translation or access failed: what a fault status code says. */
export type FaultKind =
  | 'address-size'
  | 'translation'
  | 'access-flag'
  | 'permission'
  | 'external'
  | 'external-on-walk'
  | 'alignment'
  | 'tlb-conflict'
  | 'other';

/** The access of one general register, as the syndrome has it (ISV). */
export interface AccessSyndrome {
  /** Bytes. */
  readonly size: 1 | 2 | 4 | 8;
  /** A load extends the sign. */
  readonly signed: boolean;
  /** 0 to 30, or 31 for the zero register. */
  readonly register: number;
  /** The register is an X; else a W, whose upper half a load clears. */
  readonly wide: boolean;
  /** Acquire or release. */
  readonly ordered: boolean;
}

/** What data and instruction aborts have in common. */
interface AbortExit {
  readonly esr: number;
  /** FAR_EL2. */
  readonly va: Word64;
  /**
   * What stage 2 was asked: of an access its very address, of a stage 1 table walk its page. -1 where the registers do not say and
   * the guest's tables do not any more: try again.
   */
  readonly ipa: Ipa | -1;
  /** DFSC or IFSC. */
  readonly status: number;
  readonly fault: FaultKind;
  /** Level of the lookup that failed, where the kind has one. */
  readonly level: number;
  /** The fault was on a stage 1 table walk. */
  readonly s1ptw: boolean;
}

/** A data abort that came to EL2. */
export interface DataAbortExit extends AbortExit {
  readonly kind: 'data-abort';
  readonly write: boolean;
  /** A cache maintenance or address translation instruction. */
  readonly maintenance: boolean;
  /** Undefined where ISV is 0. */
  readonly access: AccessSyndrome | undefined;
}

/** An instruction abort that came to EL2. */
export interface InstructionAbortExit extends AbortExit {
  readonly kind: 'instruction-abort';
}

/** A trapped MRS, MSR or system instruction. */
export interface SystemRegisterExit {
  readonly kind: 'system-register';
  readonly esr: number;
  /** `op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2`. */
  readonly id: number;
  /** The architectural name, where it is a register that the CPU has. */
  readonly name: string | undefined;
  /** The general register; 31 is the zero register. */
  readonly register: number;
  /** MSR or SYS; else MRS or SYSL. */
  readonly write: boolean;
}

/** Why a guest stopped running. */
export type Exit =
  | DataAbortExit
  | InstructionAbortExit
  | SystemRegisterExit
  | { readonly kind: 'wfx'; readonly esr: number; readonly event: boolean }
  | { readonly kind: 'svc' | 'hvc' | 'smc' | 'brk'; readonly esr: number; readonly immediate: number }
  | {
      readonly kind:
        'undefined' | 'fp' | 'sve' | 'illegal-state' | 'sp-alignment' | 'fp-exception' | 'eret' | 'serror';
      readonly esr: number;
    }
  | {
      readonly kind: 'pc-alignment' | 'breakpoint' | 'software-step' | 'watchpoint';
      readonly esr: number;
      readonly va: Word64;
    }
  /** A fault of the hypervisor's own. */
  | { readonly kind: 'host-fault'; readonly esr: number; readonly va: Word64 }
  | { readonly kind: 'irq' | 'fiq'; readonly esr: 0 }
  /** A class that this decoder does not know: `ec` is ESR_EL2.EC. */
  | { readonly kind: 'unknown'; readonly esr: number; readonly ec: number };
