// Loads and stores of the guest's kernel that are called out, as they would only fault: translated by the guest's tables, and done in its
// memory or on its devices (DDI 0487 C6.2, LDR and STR (immediate), unsigned and unscaled).

import { Access, createTranslation } from '@worldswitch/mmu';
import type { Word64 } from '@worldswitch/platform';

import type { Emulation } from '../trap-and-emulate/emulation.ts';

const SP = 31;
const va: Word64 = { lo: 0, hi: 0 };
const answer = createTranslation();

/** Called-out accesses: a register, a base that is not SP, and an offset. */
export const isPlainAccess = (word: number): boolean => {
  const unsigned = (word & 0x3f00_0000) === 0x3900_0000;
  if (!unsigned && (word & 0x3f20_0c00) !== 0x3800_0000) return false;
  const [size, opc] = [word >>> 30, (word >>> 22) & 3];
  // PRFM, and what is unallocated.
  if ((size === 3 && opc >= 2) || (size === 2 && opc === 3)) return false;
  return ((word >>> 5) & 31) !== SP;
};

/** What came of one. */
export interface AccessDone {
  /** For the ledger. */
  readonly cause: string;
  readonly handler: string;
  /** Number of the page that it went to, and its halves as TLBI has them. */
  readonly page: number;
  readonly lo: number;
  readonly hi: number;
  /** It was to a device. */
  readonly device: boolean;
  /** It was to a table that is traced. */
  readonly traced: boolean;
}

/** Does one; undefined, with nothing done, where the guest's own tables refuse it. */
export function accessCalledOut(e: Emulation, word: number): AccessDone | undefined {
  const { port, vcpu, vm } = e;
  const write = ((word >>> 22) & 3) === 0;
  const size = word >>> 30;
  const unsigned = (word & 0x3f00_0000) === 0x3900_0000;
  const offset = unsigned ? ((word >>> 10) & 0xfff) << size : (word << 11) >> 23;
  port.readX((word >>> 5) & 31, va);
  const sum = va.lo + offset;
  va.hi = (va.hi + Math.floor(sum / 2 ** 32)) >>> 0;
  va.lo = sum >>> 0;
  const { memory, mmio } = vm;
  const kind = write ? Access.Write : Access.Read;
  if (!memory.shadow.translate(port, vcpu.index, 'kernel', va, kind, answer, true)) return undefined;
  const { ipa } = answer;
  const device = memory.shadow.hostOf(ipa) < 0;
  const traced = memory.shadow.isTraced(ipa, write);
  const page = (va.hi | 0) * 2 ** 20 + (va.lo >>> 12);
  const [lo, hi] = [((va.lo >>> 12) | (va.hi << 20)) >>> 0, (va.hi >>> 12) & 0xfff];
  const handler = mmio.emulate(e, word, va, ipa, write, !device);
  return { cause: device ? 'mmio' : 'called out', handler, page, lo, hi, device, traced };
}
