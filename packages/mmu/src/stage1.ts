// The stage 1 walk: virtual to (intermediate) physical (DDI 0487 D8.2, D8.3, D8.4.1).

import { Fault } from '@worldswitch/platform';

import { isDevice, mairAttributes, NORMAL_NC } from './attributes.ts';
import { allBits, bits, lowBits, power } from './bits.ts';
import { HCR, SCTLR, stage2Enabled } from './controls.ts';
import type { TranslationControls } from './controls.ts';
import {
  blockAllowed,
  levelShift,
  maxTxsz,
  minTxsz,
  outputAddress,
  startLevel,
  tableBase,
} from './granule.ts';
import type { WalkContext } from './port.ts';
import { Access, Permission, permits, Regime } from './regime.ts';
import type { Stage1Parameters } from './stage1-parameters.ts';
import { swapDescriptor, updateDescriptor, walkStage2 } from './stage2.ts';
import type { Stage2Output } from './stage2.ts';
import { MmuFault } from './translation.ts';
import type { Translation, TranslationRequest } from './translation.ts';

/** Table attributes that accumulate down the walk, at their place in bits 63:59 of a descriptor, in the high half. */
const NS_TABLE = 1 << 31;
const AP_TABLE_READ_ONLY = 1 << 30;
const AP_TABLE_NO_EL0 = 1 << 29;
const XN_TABLE = 1 << 28;
const PXN_TABLE = 1 << 27;

/** Bits of the high half of a block or page descriptor. */
const DBM = 1 << 19;
const CONTIGUOUS = 1 << 20;
const PXN = 1 << 21;
const UXN = 1 << 22;

/** Bits of the low half. */
const AP_EL0 = 1 << 6;
const AP_READ_ONLY = 1 << 7;
const AF = 1 << 10;
const NG = 1 << 11;

const EXECUTE = Permission.PrivilegedExecute | Permission.UnprivilegedExecute;

/** Ends a walk in a fault of stage 1. */
export function failStage1(out: Translation, fault: MmuFault, level: number): false {
  out.fault = fault;
  out.stage = 1;
  out.s1ptw = false;
  out.level = level;
  return false;
}

/** Ends a walk in a fault of stage 2 on a descriptor fetch or update at `ipa`. */
function failTableWalk(out: Translation, fault: MmuFault, level: number, ipa: number): false {
  out.fault = fault;
  out.stage = 2;
  out.s1ptw = true;
  out.level = level;
  out.ipa = ipa;
  return false;
}

/**
 * Walks stage 1. On success `out.ipa`, attributes, shareability, permissions, size and the rest are stage 1's alone.
 *
 * @param p - the parameters of the address
 * @param tables - holds stage 2's answer for the last descriptor
 */
export function walkStage1(
  context: WalkContext,
  request: TranslationRequest,
  p: Stage1Parameters,
  tables: Stage2Output,
  out: Translation,
): boolean {
  const { controls, word } = context;
  const { features } = controls;
  const { vaLo, vaHi } = request;
  const { granule, txsz } = p;
  const inputBits = 64 - txsz;
  if (txsz > maxTxsz(granule, features) || txsz < minTxsz(granule, features)) {
    return failStage1(out, MmuFault.Translation, 0);
  }
  if (!allBits(vaLo, vaHi, p.topByteIgnored ? 55 : 63, inputBits, p.upper) || p.walkDisabled) {
    return failStage1(out, MmuFault.Translation, 0);
  }
  if (p.unprivilegedDisabled && request.unprivileged) return failStage1(out, MmuFault.Translation, 0);
  const wide = p.outputBits === 52;
  const limit = power(p.outputBits);
  const start = startLevel(granule, inputBits);
  let shift = levelShift(granule, start);
  let width = inputBits - shift;
  let table = tableBase(p.ttbrLo, p.ttbrHi, width + 3, wide);
  if (table >= limit) return failStage1(out, MmuFault.AddressSize, 0);
  // Secure state: the tables are Non-secure after the first NSTable.
  let inherited = isSecure(controls, request.regime) ? 0 : NS_TABLE;
  for (let level = start; ; level++) {
    const ipa = table + bits(vaLo, vaHi, shift, width) * 8;
    if (!fetch(context, request, p, ipa, level, inherited >= 0, tables, out)) return false;
    const { lo, hi } = word;
    const kind = lo & 3;
    if ((kind & 1) === 0 || (kind === 1 && (level === 3 || !blockAllowed(granule, level, features)))) {
      return failStage1(out, MmuFault.Translation, level);
    }
    if (kind === 1 || level === 3) {
      const base = outputAddress(lo, hi, shift, wide);
      if (base >= limit) return failStage1(out, MmuFault.AddressSize, level);
      out.level = level;
      out.stage1Shift = shift;
      out.ipa = base + lowBits(vaLo, vaHi, shift);
      return leaf(context, request, p, ipa, inherited, tables, out);
    }
    table = outputAddress(lo, hi, granule, wide);
    if (table >= limit) return failStage1(out, MmuFault.AddressSize, level);
    inherited |= p.hierarchyDisabled ? hi & NS_TABLE : hi;
    shift -= granule - 3;
    width = granule - 3;
  }
}

/** Fetches the descriptor at `ipa` into `context.word`, through stage 2 where there is one. */
function fetch(
  context: WalkContext,
  request: TranslationRequest,
  p: Stage1Parameters,
  ipa: number,
  level: number,
  secure: boolean,
  tables: Stage2Output,
  out: Translation,
): boolean {
  const { controls, word } = context;
  let address = ipa;
  if (stage2Enabled(controls, request.regime)) {
    if (!walkStage2(context, ipa, false, !request.noUpdate, tables)) {
      return failTableWalk(out, tables.fault, tables.level, ipa);
    }
    // A walk is checked as a read, whatever the access; PTW refuses walks of what stage 2 calls Device.
    const device = (controls.hcrLo & HCR.PTW) !== 0 && isDevice(tables.attributes);
    if (device || (tables.permissions & Permission.PrivilegedRead) === 0) {
      return failTableWalk(out, MmuFault.Permission, tables.level, ipa);
    }
    address = tables.pa;
  }
  if (context.port.read64(address, word, secure) !== Fault.None) {
    return failStage1(out, MmuFault.ExternalAbort, level);
  }
  if (p.registers.sctlr & SCTLR.EE) swapDescriptor(context);
  context.counters.stage1References++;
  context.observer?.fetched(1, level, address, word.lo, word.hi);
  return true;
}

/** Access flag, dirty state, permissions and attributes of a block or page descriptor. */
function leaf(
  context: WalkContext,
  request: TranslationRequest,
  p: Stage1Parameters,
  ipa: number,
  inherited: number,
  tables: Stage2Output,
  out: Translation,
): boolean {
  const { controls, word } = context;
  const before = word.lo;
  if ((word.lo & AF) === 0) {
    if (!p.hardwareAccessFlag) return failStage1(out, MmuFault.AccessFlag, out.level);
    word.lo = (word.lo | AF) >>> 0;
  }
  const writes = request.access === Access.Write || request.access === Access.ReadWrite;
  if (p.hardwareDirty && writes && word.hi & DBM && word.lo & AP_READ_ONLY) {
    const clean = word.lo & ~AP_READ_ONLY;
    const dirtied = stage1Permissions(clean, word.hi, inherited, p);
    if (permits(dirtied, request.access, request.unprivileged, request.pan)) word.lo = clean >>> 0;
  }
  if (word.lo !== before && !request.noUpdate && !update(context, request, p, ipa, inherited, tables, out)) {
    return false;
  }
  const { lo, hi } = word;
  out.permissions = stage1Permissions(lo, hi, inherited, p);
  const attributes = mairAttributes(p.registers.mairLo, p.registers.mairHi, (lo >>> 2) & 7);
  const fetched = request.access === Access.Execute;
  out.attributes = whereCached(attributes, p.registers.sctlr & (fetched ? SCTLR.I : SCTLR.C));
  out.dataAttributes = whereCached(attributes, p.registers.sctlr & SCTLR.C);
  const sh = (lo >>> 8) & 3;
  out.shareability = sh === 1 ? 0 : sh;
  // In the Secure state the descriptor's NS bit chooses, unless a table was Non-secure.
  out.ns = inherited < 0 || (lo & (1 << 5)) !== 0;
  out.global = !p.twoRanges || (lo & NG) === 0;
  // SCR_EL3.SIF: the Secure state executes nothing from Non-secure memory.
  if (out.ns && controls.sif && isSecure(controls, request.regime)) out.permissions &= ~EXECUTE;
  // Entries of Secure EL1&0 that came through Non-secure tables are never global.
  if (inherited < 0 && controls.secure && request.regime === Regime.EL10) out.global = false;
  out.contiguous = (hi & CONTIGUOUS) !== 0;
  out.fault = MmuFault.None;
  return true;
}

/** True where a regime's descriptors choose the physical address space: Secure EL1&0, and EL3. */
function isSecure(controls: TranslationControls, regime: Regime): boolean {
  return regime === Regime.EL3 || (controls.secure && regime === Regime.EL10);
}

/** SCTLR_ELx.C and I: without them Normal memory is Non-cacheable, for data and for fetches. */
function whereCached(attributes: number, enabled: number): number {
  return enabled === 0 && !isDevice(attributes) ? NORMAL_NC : attributes;
}

/** Writes the access flag or dirty state back (FEAT_HAFDBS), for which stage 2 must allow writes. */
function update(
  context: WalkContext,
  request: TranslationRequest,
  p: Stage1Parameters,
  ipa: number,
  inherited: number,
  tables: Stage2Output,
  out: Translation,
): boolean {
  let address = ipa;
  if (stage2Enabled(context.controls, request.regime)) {
    const { lo, hi } = context.word;
    const walked = walkStage2(context, ipa, true, true, tables);
    context.word.lo = lo;
    context.word.hi = hi;
    if (!walked) return failTableWalk(out, tables.fault, tables.level, ipa);
    if ((tables.permissions & Permission.PrivilegedWrite) === 0) {
      out.write = true;
      return failTableWalk(out, MmuFault.Permission, tables.level, ipa);
    }
    address = tables.pa;
  }
  const fault = updateDescriptor(context, address, (p.registers.sctlr & SCTLR.EE) !== 0, inherited >= 0);
  return fault === MmuFault.None || failStage1(out, fault, out.level);
}

/** AP, XN and what the tables above took away, WXN, and the rule that what EL0 writes EL1 does not execute. */
function stage1Permissions(lo: number, hi: number, inherited: number, p: Stage1Parameters): number {
  const readOnly = (lo & AP_READ_ONLY) !== 0 || (inherited & AP_TABLE_READ_ONLY) !== 0;
  const wxn = (p.registers.sctlr & SCTLR.WXN) !== 0;
  const xn = (hi & UXN) !== 0 || (inherited & XN_TABLE) !== 0;
  let permissions: number = Permission.PrivilegedRead;
  if (!readOnly) permissions |= Permission.PrivilegedWrite;
  if (!p.twoRanges) {
    if (!xn && (readOnly || !wxn)) permissions |= Permission.PrivilegedExecute;
    return permissions;
  }
  const el0 = (lo & AP_EL0) !== 0 && (inherited & AP_TABLE_NO_EL0) === 0;
  if (el0) {
    permissions |= Permission.UnprivilegedRead | Permission.PanDenies;
    if (!readOnly) permissions |= Permission.UnprivilegedWrite;
  }
  const el0Writes = el0 && !readOnly;
  if (!xn && !(wxn && el0Writes)) permissions |= Permission.UnprivilegedExecute;
  const pxn = (hi & PXN) !== 0 || (inherited & PXN_TABLE) !== 0;
  if (!pxn && !el0Writes && (readOnly || !wxn)) permissions |= Permission.PrivilegedExecute;
  return permissions;
}
