// The stage 2 walk: intermediate physical to physical (DDI 0487 D8.2, D8.4.4, D8.6).

import { Fault } from '@worldswitch/platform';

import { stage2Attributes } from './attributes.ts';
import { bits, lowBits, power, swap32, WORD } from './bits.ts';
import { HCR_HI, SCTLR } from './controls.ts';
import {
  blockAllowed,
  granuleOfTg0,
  levelShift,
  maxTxsz,
  minTxsz,
  outputAddress,
  outputBits,
  tableBase,
} from './granule.ts';
import type { GranuleShift } from './granule.ts';
import type { WalkContext } from './port.ts';
import { Permission } from './regime.ts';
import { MmuFault } from './translation.ts';

/** What stage 2 says of an address. */
export interface Stage2Output {
  /** `MmuFault.None` or why not; `level` goes with it. */
  fault: MmuFault;
  level: number;
  pa: number;
  /** The MemAttr field. */
  memAttr: number;
  /** Its meaning in MAIR's encoding (without FWB). */
  attributes: number;
  shareability: number;
  /** `Permission` bits. */
  permissions: number;
  /** Log2 of the bytes that the descriptor maps. */
  shift: number;
}

/** An answer to be filled. */
export function createStage2Output(): Stage2Output {
  return {
    fault: MmuFault.None,
    level: 0,
    pa: 0,
    memAttr: 0,
    attributes: 0,
    shareability: 0,
    permissions: 0,
    shift: 12,
  };
}

const { PrivilegedRead, PrivilegedWrite, PrivilegedExecute } = Permission;
const { UnprivilegedRead, UnprivilegedWrite, UnprivilegedExecute } = Permission;

function fail(out: Stage2Output, fault: MmuFault, level: number): false {
  out.fault = fault;
  out.level = level;
  return false;
}

/**
 * Level of the first lookup that VTCR_EL2.SL0 selects, or -1 where SL0, the granule, the input size and the implemented
 * physical address size do not fit together.
 */
function stage2StartLevel(context: WalkContext, granule: GranuleShift, inputBits: number): number {
  const { features, vtcr } = context.controls;
  const sl0 = (vtcr >>> 6) & 3;
  if (sl0 === 3 && (granule !== 12 || !features.ttst)) return -1;
  const level = granule === 12 ? (sl0 === 3 ? 3 : 2 - sl0) : 3 - sl0;
  const { paBits } = features;
  if (granule === 12 ? level === 0 && paBits < 44 : level === 1 && paBits < (granule === 14 ? 42 : 44))
    return -1;
  const least = levelShift(granule, level) + 1;
  // One table, and up to sixteen concatenated.
  return inputBits < least || inputBits > least + (granule - 4) + 4 ? -1 : level;
}

/**
 * Translates an IPA. Checks no permission: that is the caller's, who knows what is done there.
 *
 * @param write - the access will write, for the dirty state (FEAT_HAFDBS)
 * @param update - false where descriptors must be left alone
 */
export function walkStage2(
  context: WalkContext,
  ipa: number,
  write: boolean,
  update: boolean,
  out: Stage2Output,
): boolean {
  const { controls, word } = context;
  const { features, vtcr } = controls;
  const granule = granuleOfTg0((vtcr >>> 14) & 3, features);
  const t0sz = vtcr & 63;
  const inputBits = 64 - t0sz;
  const start = stage2StartLevel(context, granule, inputBits);
  if (
    start < 0 ||
    inputBits > features.paBits ||
    t0sz > maxTxsz(granule, features) ||
    t0sz < minTxsz(granule, features)
  ) {
    return fail(out, MmuFault.Translation, 0);
  }
  if (ipa >= power(inputBits)) return fail(out, MmuFault.Translation, 0);
  const outBits = outputBits((vtcr >>> 16) & 7, granule, features);
  const wide = outBits === 52;
  const limit = power(outBits);
  const ipaLo = ipa >>> 0;
  const ipaHi = Math.floor(ipa / WORD);
  let shift = levelShift(granule, start);
  let table = tableBase(controls.vttbrLo, controls.vttbrHi, inputBits - shift + 3, wide);
  if (table >= limit) return fail(out, MmuFault.AddressSize, 0);
  let width = inputBits - shift;
  for (let level = start; ; level++) {
    const address = table + bits(ipaLo, ipaHi, shift, width) * 8;
    if (context.port.read64(address, word, false) !== Fault.None)
      return fail(out, MmuFault.ExternalAbort, level);
    if (controls.el2.sctlr & SCTLR.EE) swapDescriptor(context);
    context.counters.stage2References++;
    context.observer?.fetched(2, level, address, word.lo, word.hi);
    const kind = word.lo & 3;
    if ((kind & 1) === 0 || (kind === 1 && (level === 3 || !blockAllowed(granule, level, features)))) {
      return fail(out, MmuFault.Translation, level);
    }
    if (kind === 1 || level === 3) {
      const base = outputAddress(word.lo, word.hi, shift, wide);
      if (base >= limit) return fail(out, MmuFault.AddressSize, level);
      out.level = level;
      out.shift = shift;
      out.pa = base + lowBits(ipaLo, ipaHi, shift);
      return leaf(context, address, write, update, out);
    }
    table = outputAddress(word.lo, word.hi, granule, wide);
    if (table >= limit) return fail(out, MmuFault.AddressSize, level);
    shift -= granule - 3;
    width = granule - 3;
  }
}

/** SCTLR_ELx.EE: the descriptor just fetched is big-endian. */
export function swapDescriptor(context: WalkContext): void {
  const { word } = context;
  const lo = swap32(word.hi);
  word.hi = swap32(word.lo);
  word.lo = lo;
}

/** Writes the descriptor in `context.word` back. */
export function updateDescriptor(
  context: WalkContext,
  address: number,
  bigEndian: boolean,
  secure: boolean,
): MmuFault {
  const { port, word } = context;
  if (port.write64 === undefined) return MmuFault.UnsupportedUpdate;
  const lo = bigEndian ? swap32(word.hi) : word.lo;
  const hi = bigEndian ? swap32(word.lo) : word.hi;
  return port.write64(address, lo, hi, secure) === Fault.None ? MmuFault.None : MmuFault.ExternalAbort;
}

/** Access flag, permissions and attributes of a block or page descriptor. */
function leaf(
  context: WalkContext,
  address: number,
  write: boolean,
  update: boolean,
  out: Stage2Output,
): boolean {
  const { controls, word } = context;
  const { features, vtcr } = controls;
  const ha = features.hafdbs >= 1 && (vtcr & (1 << 21)) !== 0;
  const hd = ha && features.hafdbs === 2 && (vtcr & (1 << 22)) !== 0;
  const before = word.lo;
  if ((word.lo & (1 << 10)) === 0) {
    if (!ha) return fail(out, MmuFault.AccessFlag, out.level);
    word.lo = (word.lo | (1 << 10)) >>> 0;
  }
  if (hd && write && word.hi & (1 << 19)) word.lo = (word.lo | (1 << 7)) >>> 0;
  if (update && word.lo !== before) {
    const fault = updateDescriptor(context, address, (controls.el2.sctlr & SCTLR.EE) !== 0, false);
    if (fault !== MmuFault.None) return fail(out, fault, out.level);
  }
  out.fault = MmuFault.None;
  out.memAttr = (word.lo >>> 2) & 15;
  out.attributes = stage2Attributes(out.memAttr);
  if (features.s2fwb && controls.hcrHi & HCR_HI.FWB)
    out.attributes = out.memAttr & 4 ? 0xff : (out.memAttr & 3) << 2;
  const sh = (word.lo >>> 8) & 3;
  out.shareability = sh === 1 ? 0 : sh;
  out.permissions = stage2Permissions(word.lo, word.hi, features.xnx);
  return true;
}

/** S2AP and XN. Execution needs no read permission. */
function stage2Permissions(lo: number, hi: number, xnx: boolean): number {
  let permissions = 0;
  if (lo & (1 << 6)) permissions |= PrivilegedRead | UnprivilegedRead;
  if (lo & (1 << 7)) permissions |= PrivilegedWrite | UnprivilegedWrite;
  const xn = (hi >>> 21) & 3;
  if (!xnx) return xn & 2 ? permissions : permissions | PrivilegedExecute | UnprivilegedExecute;
  if (xn === 0 || xn === 3) permissions |= PrivilegedExecute;
  if (xn < 2) permissions |= UnprivilegedExecute;
  return permissions;
}
