// What hardware would tell a guest whose translation tables lie where nothing answers: an external abort on a table walk with the
// level of stage 1, which stage 2's fault does not say (DDI 0487 D8.15, D17.2.37).

import {
  Access,
  createControls,
  createRequest,
  createTranslation,
  createWalker,
  faultStatusCode,
  MmuFault,
} from '@worldswitch/mmu';
import { Fault } from '@worldswitch/platform';
import type { CpuPort, Ipa, Word64 } from '@worldswitch/platform';

import { systemRegister } from '../names.ts';
import type { GuestAccess } from './guest-access.ts';

const ID_AA64MMFR0_EL1 = systemRegister('ID_AA64MMFR0_EL1');
const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const TCR_EL1 = systemRegister('TCR_EL1');
const TTBR0_EL1 = systemRegister('TTBR0_EL1');
const TTBR1_EL1 = systemRegister('TTBR1_EL1');

/** Instructions of a walk in software. */
const WORK = 100;

/**
 * Walks the guest's stage 1 in software.
 *
 * @param va - the address whose translation ended in a stage 2 fault on a table
 * @returns the fault status code of the external abort; -1 where the walk does not end in one any more
 */
export function walkAbort(port: CpuPort, access: GuestAccess, va: Word64): number {
  const word: Word64 = { lo: 0, hi: 0 };
  const read = (register: typeof TCR_EL1): Word64 => {
    const out = { lo: 0, hi: 0 };
    port.readSystem(register, out);
    return out;
  };
  const granules = read(ID_AA64MMFR0_EL1).lo;
  const controls = createControls({
    paBits: 48,
    granule4k: granules >>> 28 === 0,
    granule16k: ((granules >>> 20) & 15) !== 0,
    granule64k: ((granules >>> 24) & 15) === 0,
  });
  const { el1 } = controls;
  el1.sctlr = read(SCTLR_EL1).lo;
  ({ lo: el1.tcrLo, hi: el1.tcrHi } = read(TCR_EL1));
  ({ lo: el1.ttbr0Lo, hi: el1.ttbr0Hi } = read(TTBR0_EL1));
  ({ lo: el1.ttbr1Lo, hi: el1.ttbr1Hi } = read(TTBR1_EL1));
  const walker = createWalker(controls, {
    read64(at, out) {
      const pa = access.map.translate(port, at as Ipa, false);
      if (pa === -1) return Fault.Decode;
      const fault = access.memory.load(port, pa, 8, word);
      out.lo = word.lo;
      out.hi = word.hi;
      return fault;
    },
  });
  const request = createRequest();
  request.vaLo = va.lo;
  request.vaHi = va.hi;
  request.access = Access.Address;
  const answer = createTranslation();
  port.work(WORK);
  walker.translate(request, answer);
  return answer.fault === MmuFault.ExternalAbort ? faultStatusCode(answer) : -1;
}
