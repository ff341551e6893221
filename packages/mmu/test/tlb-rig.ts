// Entries of a TLB that its tests tell apart, and how they get there.

import { createControls, createTranslation, Regime, tlbContext } from '../src/index.ts';
import type { TranslationControls, Tlb } from '../src/index.ts';

export const PAGE = 0x1234_5000;
export const HI = 0xffff_8000;

/** Registers with VMID 7, ASID 5, everything on. */
export function registers(): TranslationControls {
  const c = createControls();
  c.el1.sctlr = c.el2.sctlr = c.el3.sctlr = 1;
  c.hcrLo = 1;
  c.vttbrHi = 7 << 16;
  c.el1.ttbr0Hi = 5 << 16;
  return c;
}

export interface Entry {
  readonly name: string;
  readonly regime: Regime;
  readonly vmid?: number;
  readonly asid?: number;
  readonly global?: boolean;
  readonly va?: number;
  readonly vaHi?: number;
  readonly shift?: number;
  readonly ipa?: number;
  readonly ipaShift?: number;
  readonly secure?: boolean;
}

/** One of each kind of entry that an operation may have to tell apart. */
export const ENTRIES: readonly Entry[] = [
  { name: 'page', regime: Regime.EL10 },
  { name: 'global', regime: Regime.EL10, global: true, vaHi: HI + 1 },
  { name: 'other asid', regime: Regime.EL10, asid: 6 },
  { name: 'other vmid', regime: Regime.EL10, vmid: 8 },
  { name: 'other vmid, global', regime: Regime.EL10, vmid: 8, global: true, vaHi: HI + 1 },
  { name: 'other va', regime: Regime.EL10, va: PAGE + 0x1000 },
  { name: 'block', regime: Regime.EL10, va: 0x5555_6000, shift: 21 },
  { name: 'ipa', regime: Regime.EL10, va: 0x7777_7000, ipa: 0x9_8765_4000 },
  { name: 'ipa block', regime: Regime.EL10, va: 0x8888_8000, ipa: 0x9_4000_0000, ipaShift: 30 },
  { name: 'secure', regime: Regime.EL10, secure: true, vmid: 0 },
  { name: 'EL2', regime: Regime.EL2 },
  { name: 'EL2 other va', regime: Regime.EL2, va: PAGE + 0x1000 },
  { name: 'EL3', regime: Regime.EL3 },
];

export function enter(tlb: Tlb, e: Entry): number {
  const c = registers();
  c.vttbrHi = (e.vmid ?? 7) << 16;
  c.secure = e.secure ?? false;
  const t = createTranslation();
  const el1 = e.regime === Regime.EL10;
  t.global = e.global ?? !el1;
  t.stage1Shift = e.shift ?? 12;
  t.stage2Shift = el1 && !c.secure ? (e.ipaShift ?? 12) : 0;
  t.ipa = e.ipa ?? 0x1000;
  return tlb.fill(tlbContext(c, e.regime), e.va ?? PAGE, e.vaHi ?? HI, el1 ? (e.asid ?? 5) : 0, t);
}

/** The operand of an operation by address. */
export const xt = (vaLo: number, vaHi: number, asid: number): readonly [number, number] => [
  ((vaLo >>> 12) | (vaHi << 20)) >>> 0,
  (((vaHi >>> 12) & 0xfff) | (asid << 16)) >>> 0,
];
