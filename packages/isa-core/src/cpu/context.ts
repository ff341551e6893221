// Copies the registers that translation depends on into the walker's controls.

import type { RegimeControls } from '@worldswitch/mmu';

import type { Cpu } from './cpu.ts';

const lo = (value: bigint): number => Number(value & 0xffff_ffffn);
const hi = (value: bigint): number => Number(value >> 32n);

/** SCR_EL3.SIF. */
const SIF = 1n << 9n;

function regime(cpu: Cpu, into: RegimeControls, el: 1 | 2 | 3): void {
  const get = (name: string): bigint => cpu.register(`${name}_EL${el}`);
  into.sctlr = lo(get('SCTLR'));
  const tcr = get('TCR');
  into.tcrLo = lo(tcr);
  into.tcrHi = hi(tcr);
  const ttbr0 = get('TTBR0');
  into.ttbr0Lo = lo(ttbr0);
  into.ttbr0Hi = hi(ttbr0);
  if (el === 1) {
    const ttbr1 = get('TTBR1');
    into.ttbr1Lo = lo(ttbr1);
    into.ttbr1Hi = hi(ttbr1);
  }
  const mair = get('MAIR');
  into.mairLo = lo(mair);
  into.mairHi = hi(mair);
}

/** Brings `cpu.controls` up to date. */
export function updateControls(cpu: Cpu): void {
  const { controls } = cpu;
  regime(cpu, controls.el1, 1);
  if (cpu.features.el2) regime(cpu, controls.el2, 2);
  if (cpu.features.el3) regime(cpu, controls.el3, 3);
  controls.secure = cpu.secureBelow3;
  controls.sif = cpu.features.el3 && (cpu.register('SCR_EL3') & SIF) !== 0n;
  controls.hcrLo = lo(cpu.hcr);
  controls.hcrHi = hi(cpu.hcr);
  controls.vtcr = lo(cpu.register('VTCR_EL2'));
  const vttbr = cpu.register('VTTBR_EL2');
  controls.vttbrLo = lo(vttbr);
  controls.vttbrHi = hi(vttbr);
}
