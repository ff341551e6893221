// The register fields that go with a set of tables (DDI 0487 D17.2 TCR_EL1, TCR_EL2, VTCR_EL2).

import type { TranslationControls } from './controls.ts';
import { regimeControls } from './controls.ts';
import { Regime } from './regime.ts';
import type { Tables } from './table-builder.ts';

/** Encodings of granules in TG0 and VTCR_EL2.TG0, and in TG1. */
const TG0: Readonly<Record<number, number>> = { 12: 0, 14: 2, 16: 1 };
const TG1: Readonly<Record<number, number>> = { 12: 2, 14: 1, 16: 3 };
/** Encodings of physical address sizes. */
const PS: Readonly<Record<number, number>> = { 32: 0, 36: 1, 40: 2, 42: 3, 44: 4, 48: 5, 52: 6 };

/** VTCR_EL2 for stage 2 tables: size, start level, granule, output size; Write-Back Inner Shareable walks; bit 31 is RES1. */
export function vtcrFor(tables: Tables, paBits: number): number {
  const sl0 = tables.granule === 12 ? (tables.start === 3 ? 3 : 2 - tables.start) : 3 - tables.start;
  const walks = (1 << 8) | (1 << 10) | (3 << 12);
  const fields = (64 - tables.inputBits) | (sl0 << 6) | ((TG0[tables.granule] ?? 0) << 14);
  return (fields | walks | ((PS[paBits] ?? 5) << 16) | (1 << 31)) >>> 0;
}

/** Points VTTBR_EL2 and VTCR_EL2 to stage 2 tables and switches stage 2 on. */
export function installStage2(controls: TranslationControls, tables: Tables, vmid = 0): void {
  controls.vtcr = vtcrFor(tables, controls.features.paBits);
  const [lo, hi] = ttbr(tables, vmid, controls.features.paBits);
  controls.vttbrLo = lo;
  controls.vttbrHi = hi;
  controls.hcrLo = (controls.hcrLo | 1) >>> 0;
}

/**
 * Points a regime to stage 1 tables: TTBR, its half of TCR, and the output size. SCTLR.M is left alone.
 *
 * @param upper - TTBR1_ELx
 */
export function installStage1(
  controls: TranslationControls,
  regime: Regime,
  tables: Tables,
  upper = false,
  asid = 0,
): void {
  const r = regimeControls(controls, regime);
  const { paBits } = controls.features;
  const [lo, hi] = ttbr(tables, asid, paBits);
  const txsz = 64 - tables.inputBits;
  if (upper) {
    r.ttbr1Lo = lo;
    r.ttbr1Hi = hi;
    r.tcrLo = ((r.tcrLo & ~0xc0bf0000) | (txsz << 16) | ((TG1[tables.granule] ?? 0) << 30)) >>> 0;
  } else {
    r.ttbr0Lo = lo;
    r.ttbr0Hi = hi;
    r.tcrLo = ((r.tcrLo & ~0xc0bf) | txsz | ((TG0[tables.granule] ?? 0) << 14)) >>> 0;
  }
  const ps = PS[paBits] ?? 5;
  if (regime === Regime.EL10 || regime === Regime.EL20) r.tcrHi = ((r.tcrHi & ~7) | ps) >>> 0;
  else r.tcrLo = ((r.tcrLo & ~0x70000) | (ps << 16)) >>> 0;
}

/** Table base and ASID or VMID; with 52 bits of address, bits 51:48 at 5:2. */
function ttbr(tables: Tables, id: number, paBits: number): readonly [number, number] {
  const base = tables.root % 2 ** 48;
  const top = paBits === 52 ? Math.floor(tables.root / 2 ** 48) << 2 : 0;
  return [((base % 2 ** 32) | top) >>> 0, (Math.floor(base / 2 ** 32) | (id << 16)) >>> 0];
}
