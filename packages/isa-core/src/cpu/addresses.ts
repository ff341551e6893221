// Where a branch or an exception return to an address goes (DDI 0487 J1: AArch64.BranchAddr).

import type { Cpu } from './cpu.ts';

/** TCR_EL2.TBI and TCR_EL3.TBI; TCR_EL1.TBI0 and TBI1 in the upper half. */
const TBI = 1 << 20;
const TBI0 = 0x20;
const TBI1 = 0x40;

/** Tags are ignored where TCR.TBI says so: bits 63:56 become copies of bit 55 (of EL1&0), or zero. */
export function branchAddress(cpu: Cpu, va: bigint): bigint {
  const { el } = cpu.state;
  const untagged = va & 0xff_ffff_ffff_ffffn;
  if (el >= 2) {
    const tcr = el === 2 ? cpu.controls.el2.tcrLo : cpu.controls.el3.tcrLo;
    return (tcr & TBI) === 0 ? va : untagged;
  }
  const high = (va & (1n << 55n)) !== 0n;
  if ((cpu.controls.el1.tcrHi & (high ? TBI1 : TBI0)) === 0) return va;
  return high ? va | (0xffn << 56n) : untagged;
}
