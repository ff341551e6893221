// Faults as registers report them: ESR_ELx fault status codes, HPFAR_EL2 and PAR_EL1 (DDI 0487 D17.2).

import type { Word64 } from '@worldswitch/platform';

import { WORD } from './bits.ts';
import { MmuFault } from './translation.ts';
import type { Translation } from './translation.ts';

/** DFSC or IFSC: the 6-bit fault status code. */
export function faultStatusCode(fault: Translation): number {
  const level = fault.level & 3;
  switch (fault.fault) {
    case MmuFault.AddressSize:
      return level;
    case MmuFault.Translation:
      return 0x04 | level;
    case MmuFault.AccessFlag:
      return 0x08 | level;
    case MmuFault.Permission:
      return 0x0c | level;
    case MmuFault.ExternalAbort:
      return 0x14 | level;
    case MmuFault.Alignment:
      return 0x21;
    case MmuFault.TlbConflict:
      return 0x30;
    case MmuFault.UnsupportedUpdate:
      return 0x31;
    case MmuFault.None:
      return 0;
  }
}

/** HPFAR_EL2 of a stage 2 fault: FIPA holds the address from bit 12 up. */
export function hpfarFromFault(fault: Translation, out: Word64): void {
  const page = Math.floor(fault.ipa / 4096);
  out.lo = (page * 16) >>> 0;
  out.hi = Math.floor((page * 16) / WORD) >>> 0;
}

/** PAR_EL1 after an address translation instruction. */
export function parFromResult(result: Translation, out: Word64): void {
  if (result.fault !== MmuFault.None) {
    const ptw = result.s1ptw ? 1 << 8 : 0;
    const s = result.stage === 2 ? 1 << 9 : 0;
    out.lo = (1 << 11) | s | ptw | (faultStatusCode(result) << 1) | 1;
    out.hi = 0;
    return;
  }
  const ns = result.ns ? 1 << 9 : 0;
  out.lo = ((result.pa & ~0xfff) | (1 << 11) | ns | (result.shareability << 7)) >>> 0;
  out.hi = ((result.attributes << 24) | (Math.floor(result.pa / WORD) & 0xfffff)) >>> 0;
}
