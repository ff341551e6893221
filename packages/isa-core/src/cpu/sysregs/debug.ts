// Debug and performance-monitor registers (DDI 0487 D17.3, D17.5). Breakpoints, watchpoints and counters hold what is written;
// they do not act yet, and ID_AA64DFR0_EL1 must say what is there.

import { LOW32 } from './entry.ts';
import type { Definition } from './entry.ts';
import { MDCR, mdcr3Trap, mdcrTrap, pmuUser, tdccTrap } from './traps.ts';

const tda = [mdcrTrap(MDCR.TDA | MDCR.TDE), mdcr3Trap(MDCR.TDA)];
const tdosa = [mdcrTrap(MDCR.TDOSA | MDCR.TDE), mdcr3Trap(MDCR.TDOSA)];
const tdra = [mdcrTrap(MDCR.TDRA | MDCR.TDE), mdcr3Trap(MDCR.TDA)];
const tpm = [mdcrTrap(MDCR.TPM), mdcr3Trap(MDCR.TPM)];

const breakpoints = (name: string, count: number, op2: number, writable: bigint): Definition[] =>
  Array.from({ length: count }, (_, n) => ({
    name: `${name}${n}_EL1`,
    at: [2, 0, 0, n, op2] as const,
    traps: tda,
    writable,
  }));

const debug: readonly Definition[] = [
  ...breakpoints('DBGBVR', 6, 4, 0xffff_ffff_ffff_fffcn),
  ...breakpoints('DBGBCR', 6, 5, 0x00ff_e1e7n),
  ...breakpoints('DBGWVR', 4, 6, 0xffff_ffff_ffff_fffcn),
  ...breakpoints('DBGWCR', 4, 7, 0x1f1f_fffn | 0xfn),
  { name: 'OSDTRRX_EL1', at: [2, 0, 0, 0, 2], traps: tda, writable: LOW32 },
  { name: 'MDCCINT_EL1', at: [2, 0, 0, 2, 0], traps: tda, writable: 0x6000_0000n },
  { name: 'MDSCR_EL1', at: [2, 0, 0, 2, 2], traps: tda, writable: 0xf0e0_b041n | 0x5_0000n },
  { name: 'OSDTRTX_EL1', at: [2, 0, 0, 3, 2], traps: tda, writable: LOW32 },
  { name: 'OSECCR_EL1', at: [2, 0, 0, 6, 2], traps: tda, writable: LOW32 },
  { name: 'MDCCSR_EL0', at: [2, 3, 0, 1, 0], minWrite: 4, traps: [tdccTrap, ...tda], read: () => 0n },
  { name: 'DBGDTR_EL0', at: [2, 3, 0, 4, 0], traps: [tdccTrap, ...tda], read: () => 0n },
  { name: 'DBGDTRRX_EL0', at: [2, 3, 0, 5, 0], traps: [tdccTrap, ...tda], read: () => 0n },
  { name: 'DBGVCR32_EL2', at: [2, 4, 0, 7, 0], writable: LOW32 },
  { name: 'MDRAR_EL1', at: [2, 0, 1, 0, 0], minWrite: 4, traps: tdra, read: () => 0n },
  {
    name: 'OSLAR_EL1',
    at: [2, 0, 1, 0, 4],
    minRead: 4,
    traps: tdosa,
    write: (cpu, value) => {
      cpu.setRegister('OSLSR_EL1', 8n | ((value & 1n) << 1n));
    },
  },
  { name: 'OSLSR_EL1', at: [2, 0, 1, 1, 4], minWrite: 4, traps: tdosa, reset: 0xan },
  { name: 'OSDLR_EL1', at: [2, 0, 1, 3, 4], traps: tdosa, writable: 1n },
  { name: 'DBGPRCR_EL1', at: [2, 0, 1, 4, 4], traps: tdosa, writable: 1n },
  { name: 'DBGCLAIMSET_EL1', at: [2, 0, 7, 8, 6], traps: tda, writable: 0xffn },
  { name: 'DBGCLAIMCLR_EL1', at: [2, 0, 7, 9, 6], traps: tda, writable: 0xffn },
  { name: 'DBGAUTHSTATUS_EL1', at: [2, 0, 7, 14, 6], minWrite: 4, traps: tda, read: () => 0n },
];

/** PMUSERENR_EL0: EN, SW, CR, ER. */
const user = (more = 0n): readonly (typeof tpm)[number][] => [pmuUser(1n | more), ...tpm];
const pmu = (name: string, crm: number, op2: number, more: Partial<Definition> = {}): Definition => ({
  name,
  at: [3, 3, 9, crm, op2],
  traps: user(),
  writable: 0n,
  ...more,
});

/** No event counters and no cycle counter act yet: writes are dropped, which PMCR_EL0.N = 0 announces. */
const monitors: readonly Definition[] = [
  pmu('PMCR_EL0', 12, 0, {
    traps: [...user(), mdcrTrap(MDCR.TPMCR)],
    writable: 0x79n,
    read: (cpu) => cpu.idRegister('PMCR_EL0') | (cpu.register('PMCR_EL0') & 0x79n),
  }),
  pmu('PMCNTENSET_EL0', 12, 1),
  pmu('PMCNTENCLR_EL0', 12, 2),
  pmu('PMOVSCLR_EL0', 12, 3),
  pmu('PMSWINC_EL0', 12, 4, { minRead: 4, traps: user(2n) }),
  pmu('PMSELR_EL0', 12, 5, { writable: 31n, traps: user(8n) }),
  pmu('PMCEID0_EL0', 12, 6, { minWrite: 4, read: () => 0n }),
  pmu('PMCEID1_EL0', 12, 7, { minWrite: 4, read: () => 0n }),
  pmu('PMCCNTR_EL0', 13, 0, { traps: user(4n) }),
  pmu('PMXEVTYPER_EL0', 13, 1),
  pmu('PMXEVCNTR_EL0', 13, 2, { traps: user(8n) }),
  pmu('PMUSERENR_EL0', 14, 0, { minWrite: 1, writable: 15n, traps: tpm }),
  pmu('PMOVSSET_EL0', 14, 3),
  pmu('PMCCFILTR_EL0', 15, 7, { at: [3, 3, 14, 15, 7] }),
  { name: 'PMINTENSET_EL1', at: [3, 0, 9, 14, 1], traps: tpm, writable: 0n },
  { name: 'PMINTENCLR_EL1', at: [3, 0, 9, 14, 2], traps: tpm, writable: 0n },
];

/** All of them. */
export const debugAndMonitors: readonly Definition[] = [...debug, ...monitors];
