// What the control registers say of accesses and instructions at one exception level, derived once until one of them changes.

import type { Cpu } from './cpu.ts';
import { accessTraps } from './sysregs/checked.ts';
import { cacheMaintenanceMayTrap, fpTrap } from './sysregs/traps.ts';

/** For one level. Words are as `Layout` has them. */
export interface LevelControls {
  /** SCTLR_ELx.A. */
  readonly alignmentChecked: boolean;
  /** SCTLR_ELx.SA, or SA0. */
  readonly spChecked: boolean;
  readonly bigEndian: number;
  readonly cacheTraps: number;
  readonly fpTrap: number;
  readonly accessTraps: number;
}

const SCTLR = { A: 0x2n, SA: 0x8n, SA0: 0x10n, E0E: 0x100_0000n, EE: 0x200_0000n } as const;

/** Those of the current level. */
export function levelControls(cpu: Cpu): LevelControls {
  const { el } = cpu.state;
  const sctlr = cpu.register(el === 2 ? 'SCTLR_EL2' : el === 3 ? 'SCTLR_EL3' : 'SCTLR_EL1');
  return {
    alignmentChecked: (sctlr & SCTLR.A) !== 0n,
    spChecked: (sctlr & (el === 0 ? SCTLR.SA0 : SCTLR.SA)) !== 0n,
    bigEndian: (sctlr & (el === 0 ? SCTLR.E0E : SCTLR.EE)) === 0n ? 0 : 1,
    cacheTraps: cacheMaintenanceMayTrap(cpu) ? 1 : 0,
    fpTrap: fpTrap(cpu, false) === undefined ? 0 : 1,
    accessTraps: accessTraps(cpu),
  };
}
