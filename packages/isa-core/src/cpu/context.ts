// Copies the registers that translation depends on into the walker's controls.

import type { RegimeControls } from '@worldswitch/mmu';

import type { Cpu } from './cpu.ts';
import { Layout } from './layout.ts';
import { registerByName } from './sysregs/table.ts';

/** SCR_EL3.SIF. */
const SIF = 1n << 9n;

/** A register's place: the 32-bit word of its low half in a CPU's block. */
const wordOf = (name: string): number => (Layout.cells >> 2) + 2 * registerByName(name).cell;

/** The places of one regime's registers. */
interface Places {
  readonly sctlr: number;
  readonly tcr: number;
  readonly mair: number;
  readonly ttbr0: number;
  /** Only EL1&0 has it. */
  readonly ttbr1: number | undefined;
}
const placesOf = (el: 1 | 2 | 3): Places => ({
  sctlr: wordOf(`SCTLR_EL${el}`),
  tcr: wordOf(`TCR_EL${el}`),
  mair: wordOf(`MAIR_EL${el}`),
  ttbr0: wordOf(`TTBR0_EL${el}`),
  ttbr1: el === 1 ? wordOf('TTBR1_EL1') : undefined,
});
const EL1: Places = placesOf(1);
const EL2: Places = placesOf(2);
const EL3: Places = placesOf(3);
const VTTBR: number = wordOf('VTTBR_EL2');

const at = (cpu: Cpu, word: number): number => cpu.state.u32[word] ?? 0;

function tables(cpu: Cpu, into: RegimeControls, { ttbr0, ttbr1 }: Places): void {
  into.ttbr0Lo = at(cpu, ttbr0);
  into.ttbr0Hi = at(cpu, ttbr0 + 1);
  if (ttbr1 === undefined) return;
  into.ttbr1Lo = at(cpu, ttbr1);
  into.ttbr1Hi = at(cpu, ttbr1 + 1);
}

function regime(cpu: Cpu, into: RegimeControls, places: Places): void {
  const { sctlr, tcr, mair } = places;
  into.sctlr = at(cpu, sctlr);
  into.tcrLo = at(cpu, tcr);
  into.tcrHi = at(cpu, tcr + 1);
  into.mairLo = at(cpu, mair);
  into.mairHi = at(cpu, mair + 1);
  tables(cpu, into, places);
}

/** Brings the places of tables in `cpu.controls` up to date. */
export function updateTables(cpu: Cpu): void {
  const { controls, features } = cpu;
  controls.version++;
  tables(cpu, controls.el1, EL1);
  if (features.el2) tables(cpu, controls.el2, EL2);
  if (features.el3) tables(cpu, controls.el3, EL3);
  controls.vttbrLo = at(cpu, VTTBR);
  controls.vttbrHi = at(cpu, VTTBR + 1);
}

/** Brings `cpu.controls` up to date. */
export function updateControls(cpu: Cpu): void {
  const { controls, features, hcr } = cpu;
  regime(cpu, controls.el1, EL1);
  if (features.el2) regime(cpu, controls.el2, EL2);
  if (features.el3) regime(cpu, controls.el3, EL3);
  updateTables(cpu);
  controls.secure = cpu.secureBelow3;
  controls.sif = features.el3 && (cpu.register('SCR_EL3') & SIF) !== 0n;
  controls.hcrLo = Number(hcr & 0xffff_ffffn);
  controls.hcrHi = Number(hcr >> 32n);
  controls.vtcr = Number(cpu.register('VTCR_EL2') & 0xffff_ffffn);
}
