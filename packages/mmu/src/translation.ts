// What is asked of the walker and what it answers. Both are made once and used again for every translation.

import { Access, Regime } from './regime.ts';

/** Why a translation failed (DDI 0487 D8.15). */
export const MmuFault = {
  None: 0,
  AddressSize: 1,
  Translation: 2,
  AccessFlag: 3,
  Permission: 4,
  Alignment: 5,
  /** A descriptor fetch got no answer: synchronous External abort on translation table walk. */
  ExternalAbort: 6,
  TlbConflict: 7,
  /** A hardware update of a descriptor in memory that does not support it. */
  UnsupportedUpdate: 8,
} as const;
/** Why a translation failed. */
export type MmuFault = (typeof MmuFault)[keyof typeof MmuFault];

/** One translation to make. */
export interface TranslationRequest {
  /** Virtual address bits 31:0. */
  vaLo: number;
  /** Virtual address bits 63:32. */
  vaHi: number;
  /** The regime of the access. */
  regime: Regime;
  /** What is done. */
  access: Access;
  /** With EL0's permissions: an access at EL0, or LDTR and STTR above it. */
  unprivileged: boolean;
  /** PSTATE.PAN where it applies: not for AT S1E1R and AT S1E1W. */
  pan: boolean;
  /** Not aligned to its size, or DC ZVA: an Alignment fault if the memory is of a Device type. */
  unaligned: boolean;
  /** AT S1E*: the answer is stage 1's output; table walks still go through stage 2. */
  stage1Only: boolean;
  /** AT instructions: leave access flags and dirty state alone. */
  noUpdate: boolean;
}

/** The answer: a translation when `fault` is `MmuFault.None`, else a fault. Only the fields of its case mean anything. */
export interface Translation {
  /** `MmuFault.None`, or why there is no translation. */
  fault: MmuFault;
  /** The physical address of the byte (of stage 1 alone: its output). */
  pa: number;
  /** The intermediate physical address of the byte; for a stage 2 fault also what HPFAR_EL2 reports. */
  ipa: number;
  /** Memory attributes for this access, in MAIR's encoding: 0x00 to 0x0c Device, else outer and inner nibbles. */
  attributes: number;
  /** The same for data accesses: differs from `attributes` only for instruction fetches with stage 1 off. For the TLB. */
  dataAttributes: number;
  /** Shareability: 0 Non-shareable, 2 Outer, 3 Inner. */
  shareability: number;
  /** `Permission` bits of both stages together. */
  permissions: number;
  /** True for the Non-secure physical address space. */
  ns: boolean;
  /** True when the translation holds for every ASID. */
  global: boolean;
  /** The Contiguous bit of the last descriptor of stage 1. */
  contiguous: boolean;
  /** Level of the last descriptor: of stage 1, or of stage 2 when stage 1 is off; for a fault, of `stage`. */
  level: number;
  /** Log2 of the bytes that the last stage 1 descriptor maps; 12 with stage 1 off. */
  stage1Shift: number;
  /** The same of stage 2; 0 where stage 2 took no part. */
  stage2Shift: number;
  /** For a fault: the stage that found it. */
  stage: 1 | 2;
  /** For a stage 2 fault: on a descriptor fetch of stage 1. `ipa` is then the descriptor's. */
  s1ptw: boolean;
  /** For a fault: ESR_ELx.ISS.WnR. */
  write: boolean;
}

/** A request for a privileged read of address 0 in EL1&0; fill in the rest. */
export function createRequest(): TranslationRequest {
  return {
    vaLo: 0,
    vaHi: 0,
    regime: Regime.EL10,
    access: Access.Read,
    unprivileged: false,
    pan: false,
    unaligned: false,
    stage1Only: false,
    noUpdate: false,
  };
}

/** An answer to be filled. */
export function createTranslation(): Translation {
  return {
    fault: MmuFault.None,
    pa: 0,
    ipa: 0,
    attributes: 0,
    dataAttributes: 0,
    shareability: 2,
    permissions: 0,
    ns: true,
    global: true,
    contiguous: false,
    level: 0,
    stage1Shift: 12,
    stage2Shift: 0,
    stage: 1,
    s1ptw: false,
    write: false,
  };
}
