// What a walk of stage 1 needs where nothing unusual is on: the 4 KiB granule, Non-secure, no hardware updates, no stage 2
// (DDI 0487 D8.2). Code that walks by itself takes it from here; where there is none, `Walker` has to walk.

import { isDevice, mairAttributes, NORMAL_NC } from './attributes.ts';
import { power } from './bits.ts';
import { SCTLR, stage1Enabled, stage2Enabled } from './controls.ts';
import type { TranslationControls } from './controls.ts';
import { levelShift, maxTxsz, minTxsz, startLevel, tableBase } from './granule.ts';
import { Regime } from './regime.ts';
import { createParameters, stage1Parameters } from './stage1-parameters.ts';

/** One range of addresses. */
export interface SimpleRange {
  /** Bits of an input address that are translated: those above must be as the range has them. */
  readonly inputBits: number;
  /** The top byte is ignored. */
  readonly topByteIgnored: boolean;
  /** HPDn. */
  readonly hierarchyDisabled: boolean;
  /** Physical address of the first table. */
  readonly table: number;
  /** Log2 of what a descriptor there maps. */
  readonly shift: number;
  /** Output addresses have at most so many bits. */
  readonly outputBits: number;
}

/** One regime. */
export interface SimpleWalk {
  readonly twoRanges: boolean;
  /** Of TTBR0 and, with two ranges, TTBR1; undefined where `Walker` has to walk. */
  readonly ranges: readonly (SimpleRange | undefined)[];
  /** SCTLR_ELx.WXN. */
  readonly wxn: boolean;
  /** Attributes of data accesses by the index in a descriptor. */
  readonly attributes: readonly number[];
}

/** How a regime is walked now, or undefined where it is not simple at all. */
export function simpleWalk(controls: TranslationControls, regime: Regime): SimpleWalk | undefined {
  if (controls.secure || regime === Regime.EL3) return undefined;
  if (!stage1Enabled(controls, regime) || stage2Enabled(controls, regime)) return undefined;
  const p = createParameters(controls);
  stage1Parameters(controls, regime, 0, p);
  const { twoRanges } = p;
  const { sctlr, mairLo, mairHi } = p.registers;
  if ((sctlr & SCTLR.EE) !== 0) return undefined;
  const ranges = [rangeOf(controls, regime, 0)];
  if (twoRanges) ranges.push(rangeOf(controls, regime, 1 << 23));
  return {
    twoRanges,
    ranges,
    wxn: (sctlr & SCTLR.WXN) !== 0,
    attributes: Array.from({ length: 8 }, (_, i) => {
      const found = mairAttributes(mairLo, mairHi, i);
      return (sctlr & SCTLR.C) === 0 && !isDevice(found) ? NORMAL_NC : found;
    }),
  };
}

function rangeOf(controls: TranslationControls, regime: Regime, vaHi: number): SimpleRange | undefined {
  const { features } = controls;
  const p = createParameters(controls);
  stage1Parameters(controls, regime, vaHi, p);
  const { granule, txsz } = p;
  if (granule !== 12 || p.hardwareAccessFlag || p.walkDisabled || p.unprivilegedDisabled) return undefined;
  if (txsz > maxTxsz(granule, features) || txsz < minTxsz(granule, features)) return undefined;
  const inputBits = 64 - txsz;
  const shift = levelShift(granule, startLevel(granule, inputBits));
  const table = tableBase(p.ttbrLo, p.ttbrHi, inputBits - shift + 3, false);
  if (table >= power(p.outputBits)) return undefined;
  const { topByteIgnored, hierarchyDisabled, outputBits } = p;
  return { inputBits, topByteIgnored, hierarchyDisabled, table, shift, outputBits };
}
