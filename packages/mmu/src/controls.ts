// The registers and features that translation depends on, as the CPU keeps them for the walker (DDI 0487 D8.1, D17.2).

import { Regime } from './regime.ts';

/** What the implementation supports. `level` features beyond Armv8.0 are off in `createControls`. */
export interface MmuFeatures {
  /** Physical address bits, ID_AA64MMFR0_EL1.PARange: 32, 36, 40, 42, 44, 48 or 52 (52 only with FEAT_LPA). */
  paBits: number;
  /** The 4 KiB granule, both stages. */
  granule4k: boolean;
  /** The 16 KiB granule, both stages. */
  granule16k: boolean;
  /** The 64 KiB granule, both stages. */
  granule64k: boolean;
  /** EL2 is implemented: `hcr`, `vtcr` and `vttbr` count in the Non-secure state. */
  el2: boolean;
  /** 16-bit ASIDs, under TCR.AS. */
  asid16: boolean;
  /** FEAT_VMID16: 16-bit VMIDs, under VTCR_EL2.VS. */
  vmid16: boolean;
  /** FEAT_HPDS: TCR.HPD switches hierarchical permissions off. */
  hpds: boolean;
  /** FEAT_HAFDBS: 0 none, 1 access flag, 2 also dirty state. Needs `WalkPort.write64`. */
  hafdbs: 0 | 1 | 2;
  /** FEAT_XNX: stage 2 execute-never apart for EL1 and EL0. */
  xnx: boolean;
  /** FEAT_LVA: 52-bit virtual addresses with the 64 KiB granule. */
  lva: boolean;
  /** FEAT_TTST: TxSZ up to 48 (47 with the 64 KiB granule). */
  ttst: boolean;
  /** FEAT_E0PD: TCR.E0PD0 and E0PD1. */
  e0pd: boolean;
  /** FEAT_S2FWB: HCR_EL2.FWB. */
  s2fwb: boolean;
}

/** The registers of one regime: 64-bit ones as unsigned halves. */
export interface RegimeControls {
  /** SCTLR_ELx bits 31:0; M, C, I, WXN and EE are used. */
  sctlr: number;
  /** TCR_ELx bits 31:0. */
  tcrLo: number;
  /** TCR_ELx bits 63:32. */
  tcrHi: number;
  /** TTBR0_ELx bits 31:0. */
  ttbr0Lo: number;
  /** TTBR0_ELx bits 63:32. */
  ttbr0Hi: number;
  /** TTBR1_ELx bits 31:0. */
  ttbr1Lo: number;
  /** TTBR1_ELx bits 63:32. */
  ttbr1Hi: number;
  /** MAIR_ELx bits 31:0. */
  mairLo: number;
  /** MAIR_ELx bits 63:32. */
  mairHi: number;
}

/** Everything that translation depends on. Plain and mutable: the CPU writes a field when the register changes. */
export interface TranslationControls {
  /** Fixed when the CPU is made. */
  readonly features: MmuFeatures;
  /** The security state of EL1 and EL0: SCR_EL3.NS is 0. EL3 itself is always Secure. */
  secure: boolean;
  /** SCR_EL3.SIF: the Secure state fetches no instructions from Non-secure memory. */
  sif: boolean;
  /** EL1&0. */
  readonly el1: RegimeControls;
  /** EL2, and EL2&0 when HCR_EL2.E2H is set. */
  readonly el2: RegimeControls;
  /** EL3. */
  readonly el3: RegimeControls;
  /** HCR_EL2 bits 31:0; VM, PTW, DC and TGE are used. */
  hcrLo: number;
  /** HCR_EL2 bits 63:32; CD, ID and FWB are used. */
  hcrHi: number;
  /** VTCR_EL2 bits 31:0. */
  vtcr: number;
  /** VTTBR_EL2 bits 31:0. */
  vttbrLo: number;
  /** VTTBR_EL2 bits 63:32. */
  vttbrHi: number;
  /** For the CPU to count changes of all this; the walker does not look at it. */
  version: number;
}

/** SCTLR_ELx fields (DDI 0487 D17.2). */
export const SCTLR = { M: 0x1, C: 0x4, I: 0x1000, WXN: 0x8_0000, EE: 0x200_0000 } as const;
/** HCR_EL2 fields in bits 31:0. */
export const HCR = { VM: 0x1, PTW: 0x4, DC: 0x1000, TGE: 0x800_0000 } as const;
/** HCR_EL2 fields in bits 63:32, at their place in the high half. */
export const HCR_HI = { CD: 0x1, ID: 0x2, E2H: 0x4, FWB: 0x4000 } as const;

const noRegisters = (): RegimeControls => ({
  sctlr: 0,
  tcrLo: 0,
  tcrHi: 0,
  ttbr0Lo: 0,
  ttbr0Hi: 0,
  ttbr1Lo: 0,
  ttbr1Hi: 0,
  mairLo: 0,
  mairHi: 0,
});

/** Controls with every register zero (all translation off), Non-secure, and Armv8.0 features unless given. */
export function createControls(features: Partial<MmuFeatures> = {}): TranslationControls {
  return {
    features: {
      paBits: 44,
      granule4k: true,
      granule16k: true,
      granule64k: true,
      el2: true,
      asid16: true,
      vmid16: false,
      hpds: false,
      hafdbs: 0,
      xnx: false,
      lva: false,
      ttst: false,
      e0pd: false,
      s2fwb: false,
      ...features,
    },
    secure: false,
    sif: false,
    el1: noRegisters(),
    el2: noRegisters(),
    el3: noRegisters(),
    hcrLo: 0,
    hcrHi: 0,
    vtcr: 0,
    vttbrLo: 0,
    vttbrHi: 0,
    version: 0,
  };
}

/** The registers of a regime. */
export function regimeControls(controls: TranslationControls, regime: Regime): RegimeControls {
  if (regime === Regime.EL10) return controls.el1;
  return regime === Regime.EL3 ? controls.el3 : controls.el2;
}

/** True for the regimes with two address ranges, EL0 permissions and ASIDs. */
export function hasTwoRanges(regime: Regime): boolean {
  return regime === Regime.EL10 || regime === Regime.EL20;
}

/** True when EL2 is there for EL1&0: implemented, and the state is Non-secure (no FEAT_SEL2). */
export function el2Enabled(controls: TranslationControls): boolean {
  return controls.features.el2 && !controls.secure;
}

/** True when stage 1 of a regime translates: SCTLR_ELx.M, and for EL1&0 neither HCR_EL2.DC nor TGE. */
export function stage1Enabled(controls: TranslationControls, regime: Regime): boolean {
  if ((regimeControls(controls, regime).sctlr & SCTLR.M) === 0) return false;
  return regime !== Regime.EL10 || !el2Enabled(controls) || (controls.hcrLo & (HCR.DC | HCR.TGE)) === 0;
}

/** True when stage 2 translates: HCR_EL2.VM or DC, for EL1&0 in the Non-secure state. */
export function stage2Enabled(controls: TranslationControls, regime: Regime): boolean {
  return regime === Regime.EL10 && el2Enabled(controls) && (controls.hcrLo & (HCR.VM | HCR.DC)) !== 0;
}

/** The current ASID of a regime: from the TTBR that TCR.A1 names, 8 bits unless TCR.AS; 0 for EL2 and EL3. */
export function currentAsid(controls: TranslationControls, regime: Regime): number {
  if (!hasTwoRanges(regime)) return 0;
  const r = regimeControls(controls, regime);
  const asid = ((r.tcrLo >>> 22) & 1 ? r.ttbr1Hi : r.ttbr0Hi) >>> 16;
  return controls.features.asid16 && (r.tcrHi >>> 4) & 1 ? asid : asid & 0xff;
}

/** The current VMID: 8 bits unless VTCR_EL2.VS; 0 where EL2 is not enabled. */
export function currentVmid(controls: TranslationControls): number {
  if (!el2Enabled(controls)) return 0;
  const vmid = controls.vttbrHi >>> 16;
  return controls.features.vmid16 && (controls.vtcr >>> 19) & 1 ? vmid : vmid & 0xff;
}
