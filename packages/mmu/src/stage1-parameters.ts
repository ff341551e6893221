// What TCR_ELx, TTBRn_ELx and SCTLR_ELx say about one address (DDI 0487 D8.2.1, D17.2 TCR_EL1, TCR_EL2).

import type { RegimeControls, TranslationControls } from './controls.ts';
import { hasTwoRanges, regimeControls } from './controls.ts';
import { granuleOfTg0, granuleOfTg1, outputBits } from './granule.ts';
import type { GranuleShift } from './granule.ts';
import type { Regime } from './regime.ts';

/** The parameters of a stage 1 walk. */
export interface Stage1Parameters {
  registers: RegimeControls;
  twoRanges: boolean;
  /** The address is in the upper range: TTBR1_ELx. */
  upper: boolean;
  granule: GranuleShift;
  txsz: number;
  /** The top byte of the address is ignored. */
  topByteIgnored: boolean;
  /** EPDn: no walk. */
  walkDisabled: boolean;
  /** E0PDn: EL0 has no access to the range. */
  unprivilegedDisabled: boolean;
  /** HPDn: hierarchical permissions are ignored. */
  hierarchyDisabled: boolean;
  outputBits: number;
  /** HA: the access flag is managed by hardware. */
  hardwareAccessFlag: boolean;
  /** HD: the dirty state too. */
  hardwareDirty: boolean;
  ttbrLo: number;
  ttbrHi: number;
}

/** Parameters to be filled. */
export function createParameters(controls: TranslationControls): Stage1Parameters {
  return {
    registers: controls.el1,
    twoRanges: true,
    upper: false,
    granule: 12,
    txsz: 16,
    topByteIgnored: false,
    walkDisabled: false,
    unprivilegedDisabled: false,
    hierarchyDisabled: false,
    outputBits: 32,
    hardwareAccessFlag: false,
    hardwareDirty: false,
    ttbrLo: 0,
    ttbrHi: 0,
  };
}

/** Fills the parameters for an address with the given bits 63:32. */
export function stage1Parameters(
  controls: TranslationControls,
  regime: Regime,
  vaHi: number,
  p: Stage1Parameters,
): void {
  p.registers = regimeControls(controls, regime);
  p.twoRanges = hasTwoRanges(regime);
  if (p.twoRanges) twoRanges(controls, vaHi, p);
  else oneRange(controls, p);
}

/** EL1&0 and EL2&0: the format of TCR_EL1. Bit 55 of the address selects the range. */
function twoRanges(controls: TranslationControls, vaHi: number, p: Stage1Parameters): void {
  const { features } = controls;
  const { tcrLo, tcrHi } = p.registers;
  const upper = (vaHi & (1 << 23)) !== 0;
  p.upper = upper;
  p.granule = upper ? granuleOfTg1(tcrLo >>> 30, features) : granuleOfTg0((tcrLo >>> 14) & 3, features);
  p.txsz = (upper ? tcrLo >>> 16 : tcrLo) & 63;
  p.walkDisabled = (tcrLo & (upper ? 1 << 23 : 1 << 7)) !== 0;
  p.topByteIgnored = (tcrHi & (upper ? 1 << 6 : 1 << 5)) !== 0;
  p.hierarchyDisabled = features.hpds && (tcrHi & (upper ? 1 << 10 : 1 << 9)) !== 0;
  p.unprivilegedDisabled = features.e0pd && (tcrHi & (upper ? 1 << 24 : 1 << 23)) !== 0;
  p.outputBits = outputBits(tcrHi & 7, p.granule, features);
  p.hardwareAccessFlag = features.hafdbs >= 1 && (tcrHi & (1 << 7)) !== 0;
  p.hardwareDirty = p.hardwareAccessFlag && features.hafdbs === 2 && (tcrHi & (1 << 8)) !== 0;
  p.ttbrLo = upper ? p.registers.ttbr1Lo : p.registers.ttbr0Lo;
  p.ttbrHi = upper ? p.registers.ttbr1Hi : p.registers.ttbr0Hi;
}

/** EL2 and EL3: the format of TCR_EL2 and TCR_EL3. */
function oneRange(controls: TranslationControls, p: Stage1Parameters): void {
  const { features } = controls;
  const { tcrLo } = p.registers;
  p.upper = false;
  p.granule = granuleOfTg0((tcrLo >>> 14) & 3, features);
  p.txsz = tcrLo & 63;
  p.walkDisabled = false;
  p.topByteIgnored = (tcrLo & (1 << 20)) !== 0;
  p.hierarchyDisabled = features.hpds && (tcrLo & (1 << 24)) !== 0;
  p.unprivilegedDisabled = false;
  p.outputBits = outputBits((tcrLo >>> 16) & 7, p.granule, features);
  p.hardwareAccessFlag = features.hafdbs >= 1 && (tcrLo & (1 << 21)) !== 0;
  p.hardwareDirty = p.hardwareAccessFlag && features.hafdbs === 2 && (tcrLo & (1 << 22)) !== 0;
  p.ttbrLo = p.registers.ttbr0Lo;
  p.ttbrHi = p.registers.ttbr0Hi;
}
