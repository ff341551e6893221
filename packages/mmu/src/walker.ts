// The whole translation: stage 1 or its absence, permissions, stage 2, and attributes combined (DDI 0487 D8.1 to D8.6).

import {
  combineAttributes,
  combineForced,
  combineShareability,
  DEVICE_nGnRnE,
  effectiveShareability,
  isDevice,
  NORMAL_NC,
  NORMAL_WB,
  NORMAL_WT,
} from './attributes.ts';
import { allBits, lowBits } from './bits.ts';
import { el2Enabled, HCR, HCR_HI, SCTLR, stage1Enabled, stage2Enabled } from './controls.ts';
import type { TranslationControls } from './controls.ts';
import type { WalkContext, WalkCounters, WalkObserver, WalkPort } from './port.ts';
import { Access, ALL_PERMISSIONS, Permission, permits, Regime } from './regime.ts';
import { createParameters, stage1Parameters } from './stage1-parameters.ts';
import type { Stage1Parameters } from './stage1-parameters.ts';
import { failStage1, walkStage1 } from './stage1.ts';
import { createStage2Output, walkStage2 } from './stage2.ts';
import type { Stage2Output } from './stage2.ts';
import { createRequest, MmuFault } from './translation.ts';
import type { Translation, TranslationRequest } from './translation.ts';

/** Translates addresses by walking tables. Holds no translation: that is the `Tlb`'s business. */
export interface Walker {
  /**
   * Translates one address and checks the access. Total: whatever the registers and tables hold, it fills `out` and
   * returns, after at most 4 fetches of stage 1 and 20 of stage 2. True when `out.fault` is `MmuFault.None`.
   */
  translate(request: TranslationRequest, out: Translation): boolean;
  /** Translates an IPA by stage 2 alone, for hypervisors and debuggers; stage 2 off gives the address itself. */
  translateIpa(ipa: number, access: Access, out: Translation): boolean;
  /** Walks and references, which the owner may clear. */
  readonly counters: WalkCounters;
  /** Is told of every descriptor. */
  observer: WalkObserver | undefined;
}

/** What `translate` passes along. */
interface Workspace {
  readonly context: WalkContext;
  readonly parameters: Stage1Parameters;
  /** Stage 2 of stage 1's tables. */
  readonly tables: Stage2Output;
  /** Stage 2 of the address itself. */
  readonly final: Stage2Output;
}

/**
 * Makes a walker.
 *
 * @param controls - the registers, read at every walk
 * @param port - where descriptors are fetched
 */
export function createWalker(controls: TranslationControls, port: WalkPort): Walker {
  const counters: WalkCounters = { walks: 0, stage1References: 0, stage2References: 0, faults: 0 };
  const context: WalkContext = { controls, port, counters, observer: undefined, word: { lo: 0, hi: 0 } };
  const work: Workspace = {
    context,
    parameters: createParameters(controls),
    tables: createStage2Output(),
    final: createStage2Output(),
  };
  const stage2Request = createRequest();
  const counted = (good: boolean): boolean => {
    counters.walks++;
    if (!good) counters.faults++;
    return good;
  };
  return {
    counters,
    get observer() {
      return context.observer;
    },
    set observer(observer) {
      context.observer = observer;
    },
    translate: (request, out) => counted(translate(work, request, out)),
    translateIpa(ipa, access, out) {
      stage2Request.access = access;
      startTranslation(stage2Request, out);
      stage1Identity(out, ipa, NORMAL_WB, 3);
      const good = secondStage(work, stage2Request, out);
      if (good && out.stage2Shift !== 0) out.level = work.final.level;
      return counted(good);
    },
  };
}

function translate(work: Workspace, request: TranslationRequest, out: Translation): boolean {
  const { context, parameters } = work;
  const { controls } = context;
  const { regime, access } = request;
  startTranslation(request, out);
  stage1Parameters(controls, regime, request.vaHi, parameters);
  if (stage1Enabled(controls, regime)) {
    if (!walkStage1(context, request, parameters, work.tables, out)) return false;
    if (request.unaligned && access !== Access.Execute && isDevice(out.attributes)) {
      return failStage1(out, MmuFault.Alignment, out.level);
    }
    if (!permits(out.permissions, access, request.unprivileged, request.pan)) {
      // An atomic that may read but not write fails as a write.
      if (access === Access.ReadWrite) {
        out.write = permits(out.permissions, Access.Read, request.unprivileged, request.pan);
      }
      return failStage1(out, MmuFault.Permission, out.level);
    }
  } else if (!stage1Off(controls, request, parameters, out)) {
    return false;
  }
  if (!request.stage1Only) return secondStage(work, request, out);
  out.pa = out.ipa;
  out.shareability = effectiveShareability(out.attributes, out.shareability);
  return true;
}

/** Fields that no later step need set. */
function startTranslation(request: TranslationRequest, out: Translation): void {
  out.write = request.access === Access.Write || request.access === Access.Maintenance;
  out.s1ptw = false;
  out.stage = 1;
  out.stage2Shift = 0;
  out.pa = 0;
  out.ipa = 0;
}

/** The answer of a stage 1 that maps an address to itself. */
function stage1Identity(out: Translation, address: number, attributes: number, shareability: number): void {
  out.fault = MmuFault.None;
  out.ipa = address;
  out.attributes = attributes;
  out.dataAttributes = attributes;
  out.shareability = shareability;
  out.permissions = ALL_PERMISSIONS;
  out.ns = true;
  out.global = true;
  out.contiguous = false;
  out.level = 0;
  out.stage1Shift = 12;
}

/** Stage 1 disabled: flat, with fixed attributes (DDI 0487 D8.2.10). */
function stage1Off(
  controls: TranslationControls,
  request: TranslationRequest,
  p: Stage1Parameters,
  out: Translation,
): boolean {
  const { vaLo, vaHi, regime } = request;
  const { paBits } = controls.features;
  if (!allBits(vaLo, vaHi, p.topByteIgnored ? 55 : 63, paBits, false)) {
    return failStage1(out, MmuFault.AddressSize, 0);
  }
  const address = lowBits(vaLo, vaHi, paBits);
  const defaultCacheable = regime === Regime.EL10 && el2Enabled(controls) && (controls.hcrLo & HCR.DC) !== 0;
  if (defaultCacheable) {
    stage1Identity(out, address, NORMAL_WB, 0);
  } else {
    stage1Identity(out, address, DEVICE_nGnRnE, 2);
    if (request.access === Access.Execute) {
      out.attributes = p.registers.sctlr & SCTLR.I ? NORMAL_WT : NORMAL_NC;
    } else if (request.unaligned) {
      return failStage1(out, MmuFault.Alignment, 0);
    }
  }
  out.ns = regime !== Regime.EL3 && !(controls.secure && regime === Regime.EL10);
  return true;
}

/** Takes stage 1's answer in `out` through stage 2, where there is one. */
function secondStage(work: Workspace, request: TranslationRequest, out: Translation): boolean {
  const { context, final } = work;
  const { controls } = context;
  if (!stage2Enabled(controls, request.regime)) {
    out.pa = out.ipa;
    out.shareability = effectiveShareability(out.attributes, out.shareability);
    return true;
  }
  const { access } = request;
  const writes = access === Access.Write || access === Access.ReadWrite;
  if (!walkStage2(context, out.ipa, writes, !request.noUpdate, final)) {
    return failStage2(out, final.fault, final.level);
  }
  const permitted = permitsStage2(final.permissions, request);
  combine(controls, request, final, out);
  // As at stage 1, the memory's type comes before permissions.
  if (request.unaligned && access !== Access.Execute && isDevice(out.attributes)) {
    return failStage2(out, MmuFault.Alignment, final.level);
  }
  if (permitted) return true;
  if (access === Access.ReadWrite) out.write = (final.permissions & Permission.PrivilegedRead) !== 0;
  return failStage2(out, MmuFault.Permission, final.level);
}

/** Operations by address do not need stage 2's permission above EL0, nor does PAN matter there. */
function permitsStage2(permissions: number, request: TranslationRequest): boolean {
  return permits(permissions, request.access, request.unprivileged, false);
}

function failStage2(out: Translation, fault: MmuFault, level: number): false {
  out.fault = fault;
  out.stage = 2;
  out.level = level;
  return false;
}

/** Both stages together. */
function combine(
  controls: TranslationControls,
  request: TranslationRequest,
  final: Stage2Output,
  out: Translation,
): void {
  out.pa = final.pa;
  out.stage2Shift = final.shift;
  if (!stage1Enabled(controls, request.regime)) out.level = final.level;
  out.permissions &= final.permissions | Permission.PanDenies;
  const fetch = request.access === Access.Execute;
  out.attributes = combined(controls, out.attributes, final, fetch);
  out.dataAttributes = fetch ? combined(controls, out.dataAttributes, final, false) : out.attributes;
  const shareability = combineShareability(out.shareability, final.shareability);
  out.shareability = effectiveShareability(out.attributes, shareability);
}

function combined(
  controls: TranslationControls,
  stage1: number,
  final: Stage2Output,
  fetch: boolean,
): number {
  const forced = controls.features.s2fwb && (controls.hcrHi & HCR_HI.FWB) !== 0;
  if (forced) return combineForced(stage1, final.memAttr);
  // HCR_EL2.CD and ID make stage 2 Non-cacheable, which leaves Device what it is.
  const uncached = (controls.hcrHi & (fetch ? HCR_HI.ID : HCR_HI.CD)) !== 0;
  const stage2 = uncached && !isDevice(final.attributes) ? NORMAL_NC : final.attributes;
  return combineAttributes(stage1, stage2);
}
