// The TLB as state: which entries it holds decides when the next walk happens, so a restored machine needs them.

import { bytes, record, StateError, stateCodec } from '@worldswitch/platform';
import type { StateCodec } from '@worldswitch/platform';

import { isBlockShift } from './block-filter.ts';
import type { TlbPlace } from './tlb-layout.ts';
import { GLOBAL, Tlb } from './tlb.ts';
import type { TlbShape } from './tlb.ts';

/** The arrays of a TLB, little-endian. Fields of invalid entries are zero. */
// An interface would lack the index signature that plain data has.
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type TlbState = {
  readonly tagLo: Uint8Array;
  readonly tagHi: Uint8Array;
  readonly tagContext: Uint8Array;
  readonly tagAsid: Uint8Array;
  readonly pa: Uint8Array;
  readonly ipa: Uint8Array;
  readonly permissions: Uint8Array;
  readonly attributes: Uint8Array;
  readonly shareability: Uint8Array;
  readonly level: Uint8Array;
  readonly stage1Shift: Uint8Array;
  readonly stage2Shift: Uint8Array;
  readonly ns: Uint8Array;
  readonly nextWay: Uint8Array;
};

/** The per-entry arrays, by name. */
const ENTRY_FIELDS = [
  'tagLo',
  'tagHi',
  'tagContext',
  'tagAsid',
  'pa',
  'ipa',
  'permissions',
  'attributes',
  'shareability',
  'level',
  'stage1Shift',
  'stage2Shift',
  'ns',
] as const;

/** Limits of the one-byte fields of a valid entry. */
const ENTRY_LIMITS = { permissions: 127, shareability: 3, level: 3, ns: 1 } as const;

/** The state of a TLB. */
export function saveTlb(tlb: Tlb): TlbState {
  const saved: Record<string, Uint8Array> = { nextWay: tlb.nextWay.slice() };
  for (const field of ENTRY_FIELDS) {
    const copy = tlb[field].slice();
    for (let i = 0; i < tlb.size; i++) if (tlb.tagLo[i] === 0) copy[i] = 0;
    saved[field] = new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
  }
  return saved as TlbState;
}

/** How the state of a TLB of a shape is checked: all of it, so that a hostile state is refused and never half-loaded. */
export function tlbCodec(shape: TlbShape): StateCodec<TlbState> {
  const size = shape.sets * shape.ways;
  const sizes = stateCodec<TlbState>(
    1,
    record<TlbState>({
      tagLo: bytes(size * 4),
      tagHi: bytes(size * 4),
      tagContext: bytes(size * 4),
      tagAsid: bytes(size * 4),
      pa: bytes(size * 8),
      ipa: bytes(size * 8),
      permissions: bytes(size),
      attributes: bytes(size),
      shareability: bytes(size),
      level: bytes(size),
      stage1Shift: bytes(size),
      stage2Shift: bytes(size),
      ns: bytes(size),
      nextWay: bytes(shape.sets),
    }),
  );
  return {
    version: 1,
    parse(from, version) {
      const state = sizes.parse(from, version);
      check(load(shape, state));
      return state;
    },
  };
}

/**
 * Makes a TLB with the entries of a state.
 *
 * @param place - for its arrays
 * @throws StateError that names the field, where the state is none that `saveTlb` gives
 */
export function restoreTlb(shape: TlbShape, state: TlbState, place?: TlbPlace): Tlb {
  const tlb = load(shape, tlbCodec(shape).parse(state, 1), place);
  tlb.recount();
  return tlb;
}

/** Copies the arrays; the sizes have been checked. */
function load(shape: TlbShape, state: TlbState, place?: TlbPlace): Tlb {
  const tlb = new Tlb(shape, place);
  for (const field of ENTRY_FIELDS) {
    const to = tlb[field];
    new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(state[field]);
  }
  tlb.nextWay.set(state.nextWay);
  return tlb;
}

function check(tlb: Tlb): void {
  for (let set = 0; set < tlb.sets; set++) {
    const way = tlb.nextWay[set] ?? 0;
    if (way >= tlb.ways) throw new StateError(`nextWay[${set}]`, `must be below ${tlb.ways}, but is ${way}`);
  }
  for (let i = 0; i < tlb.size; i++) {
    if (tlb.tagLo[i] === 0) checkEmpty(tlb, i);
    else checkEntry(tlb, i);
  }
}

function checkEmpty(tlb: Tlb, i: number): void {
  for (const field of ENTRY_FIELDS) {
    if (!Object.is(tlb[field][i], 0))
      throw new StateError(`${field}[${i}]`, 'must be 0, as the entry is invalid');
  }
}

function checkEntry(tlb: Tlb, i: number): void {
  const lo = tlb.tagLo[i] ?? 0;
  if ((lo & 0xfff) !== 1) throw new StateError(`tagLo[${i}]`, 'must be a page address with bit 0 set');
  const first = tlb.firstOfSet(lo);
  if (i < first || i >= first + tlb.ways)
    throw new StateError(`tagLo[${i}]`, 'must be in the set of its page');
  const context = tlb.tagContext[i] ?? 0;
  if ((context & ~0xffff3f) !== 0) throw new StateError(`tagContext[${i}]`, 'must be a context');
  const asid = tlb.tagAsid[i] ?? 0;
  if (asid < GLOBAL || asid > 0xffff) throw new StateError(`tagAsid[${i}]`, 'must be an ASID or -1');
  checkPage(tlb.pa[i] ?? 0, `pa[${i}]`);
  checkPage(tlb.ipa[i] ?? 0, `ipa[${i}]`);
  for (const [field, limit] of Object.entries(ENTRY_LIMITS)) {
    const value = tlb[field as keyof typeof ENTRY_LIMITS][i] ?? 0;
    if (value > limit) throw new StateError(`${field}[${i}]`, `must be at most ${limit}, but is ${value}`);
  }
  if (!isBlockShift(tlb.stage1Shift[i] ?? 0))
    throw new StateError(`stage1Shift[${i}]`, 'must be a size of blocks');
  const stage2 = tlb.stage2Shift[i] ?? 0;
  if (stage2 !== 0 && !isBlockShift(stage2)) {
    throw new StateError(`stage2Shift[${i}]`, 'must be 0 or a size of blocks');
  }
  for (let j = first; j < i; j++) {
    const same = tlb.tagLo[j] === lo && tlb.tagHi[j] === tlb.tagHi[i] && tlb.tagContext[j] === context;
    if (same && tlb.tagAsid[j] === asid)
      throw new StateError(`tagLo[${i}]`, `must differ from that of entry ${j}`);
  }
}

function checkPage(address: number, path: string): void {
  const good = Number.isInteger(address) && address >= 0 && address < 2 ** 52 && address % 4096 === 0;
  if (!good || Object.is(address, -0)) throw new StateError(path, 'must be the address of a page below 2^52');
}
