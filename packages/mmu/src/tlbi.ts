// TLBI operations by their architectural names, with their exact scope (DDI 0487 D8.17, C5.5).

import { currentVmid, el2Enabled, regimeControls } from './controls.ts';
import type { TranslationControls } from './controls.ts';
import { Regime } from './regime.ts';
import { ANY_ASID } from './tlb.ts';
import type { Tlb } from './tlb.ts';

/** One operation on one TLB, with the halves of Xt. */
export type TlbiOperation = (tlb: Tlb, controls: TranslationControls, lo: number, hi: number) => void;

/** With HCR_EL2.E2H and TGE set, the EL1 operations work on EL2&0. */
function el1Regime(controls: TranslationControls): Regime {
  const host = el2Enabled(controls) && (controls.hcrHi & 4) !== 0 && (controls.hcrLo & 0x800_0000) !== 0;
  return host ? Regime.EL20 : Regime.EL10;
}

/** The EL2 operations work on EL2&0 when HCR_EL2.E2H is set. */
function el2Regime(controls: TranslationControls): Regime {
  return (controls.hcrHi & 4) !== 0 ? Regime.EL20 : Regime.EL2;
}

function vmidOf(controls: TranslationControls, regime: Regime): number {
  return regime === Regime.EL10 ? currentVmid(controls) : 0;
}

/** The ASID in Xt: 8 bits where the regime uses 8. */
function asidOf(controls: TranslationControls, regime: Regime, hi: number): number {
  const wide = controls.features.asid16 && ((regimeControls(controls, regime).tcrHi >>> 4) & 1) !== 0;
  return wide ? hi >>> 16 : (hi >>> 16) & 0xff;
}

/** By address: Xt has VA[55:12] in bits 43:0. */
function byVa(
  tlb: Tlb,
  controls: TranslationControls,
  regime: Regime,
  lo: number,
  hi: number,
  asid: number,
): void {
  const vaHi = ((hi & 0xfff) << 12) | (lo >>> 20);
  tlb.invalidateVa(regime, controls.secure, vmidOf(controls, regime), (lo << 12) >>> 0, vaHi, asid);
}

const vmalle1: TlbiOperation = (tlb, controls) => {
  const regime = el1Regime(controls);
  tlb.invalidateAll(regime, controls.secure, vmidOf(controls, regime));
};
const vae1: TlbiOperation = (tlb, controls, lo, hi) => {
  const regime = el1Regime(controls);
  byVa(tlb, controls, regime, lo, hi, asidOf(controls, regime, hi));
};
const vaae1: TlbiOperation = (tlb, controls, lo, hi) => {
  byVa(tlb, controls, el1Regime(controls), lo, hi, ANY_ASID);
};
const vae2: TlbiOperation = (tlb, controls, lo, hi) => {
  const regime = el2Regime(controls);
  byVa(tlb, controls, regime, lo, hi, regime === Regime.EL2 ? ANY_ASID : asidOf(controls, regime, hi));
};
const vae3: TlbiOperation = (tlb, controls, lo, hi) => {
  byVa(tlb, controls, Regime.EL3, lo, hi, ANY_ASID);
};
/** Xt has IPA[51:12] in bits 39:0. Entries hold both stages together, so those of the IPA go whole. */
const ipas2e1: TlbiOperation = (tlb, controls, lo, hi) => {
  if (!el2Enabled(controls)) return;
  tlb.invalidateIpa(
    controls.secure,
    currentVmid(controls),
    ((hi & 0xff) * 0x1_0000_0000 + (lo >>> 0)) * 4096,
  );
};

/** Operations without their scope suffix. Leaf-only forms do what the others do, as no table descriptors are cached. */
const OPERATIONS: ReadonlyMap<string, TlbiOperation> = new Map<string, TlbiOperation>([
  [
    'ALLE1',
    (tlb, controls) => {
      tlb.invalidateAll(Regime.EL10, controls.secure, -1);
    },
  ],
  [
    'ALLE2',
    (tlb, controls) => {
      tlb.invalidateAll(el2Regime(controls), controls.secure, 0);
    },
  ],
  [
    'ALLE3',
    (tlb) => {
      tlb.invalidateAll(Regime.EL3, true, 0);
    },
  ],
  ['VMALLE1', vmalle1],
  [
    'VMALLS12E1',
    (tlb, controls) => {
      tlb.invalidateAll(Regime.EL10, controls.secure, currentVmid(controls));
    },
  ],
  [
    'ASIDE1',
    (tlb, controls, _lo, hi) => {
      const regime = el1Regime(controls);
      tlb.invalidateAsid(regime, controls.secure, vmidOf(controls, regime), asidOf(controls, regime, hi));
    },
  ],
  ['VAE1', vae1],
  ['VALE1', vae1],
  ['VAAE1', vaae1],
  ['VAALE1', vaae1],
  ['VAE2', vae2],
  ['VALE2', vae2],
  ['VAE3', vae3],
  ['VALE3', vae3],
  ['IPAS2E1', ipas2e1],
  ['IPAS2LE1', ipas2e1],
]);

/**
 * The operation of a name such as `VAE1`, `vaale1is` or `IPAS2E1OS`, or `undefined` where it is not modelled (ranges). An IS or OS
 * operation is done on one TLB at a time: the caller does it for every CPU.
 */
export function tlbiOperation(name: string): TlbiOperation | undefined {
  return OPERATIONS.get(name.toUpperCase().replace(/(IS|OS)$/, ''));
}

/** All names, without IS and OS. */
export const TLBI_OPERATIONS: readonly string[] = [...OPERATIONS.keys()];
