// IMPLEMENTATION DEFINED registers of the modelled parts, which their firmware writes before anything else (Technical Reference Manuals
// DDI 0488 4.3, DDI 0500 4.3, 100095 4.3): the caches and the pipeline that they set up are not here, so they hold what is written.

import type { Cpu } from '../cpu.ts';
import type { Definition } from './entry.ts';
import { HCR, hcrTrap } from './traps.ts';

/** MIDR_EL1.PartNum of Cortex-A53, A57 and A72. */
const PARTS: readonly bigint[] = [0xd03n, 0xd07n, 0xd08n];
const ARM = 0x41n;

const present = (cpu: Cpu): boolean => {
  const midr = cpu.idRegister('MIDR_EL1');
  return (midr >> 24n) % 256n === ARM && PARTS.includes((midr >> 4n) % 4096n);
};

const traps = [hcrTrap(HCR.TIDCP)];
const register = (
  name: string,
  crn: 11 | 15,
  crm: number,
  op2: number,
  more: Partial<Definition> = {},
): Definition => ({
  name,
  at: [3, 1, crn, crm, op2],
  present,
  traps,
  ...more,
});

/** Number of cores, less one, in L2CTLR_EL1; its other fields are latencies. */
const CORES = 0x300_0000n;

/** All of them. */
export const implementation: readonly Definition[] = [
  register('L2CTLR_EL1', 11, 0, 2, {
    writable: 0xffff_ffffn ^ CORES,
    read: (cpu) => cpu.register('L2CTLR_EL1') | ((BigInt(cpu.peers.length - 1) << 24n) & CORES),
  }),
  register('L2ECTLR_EL1', 11, 0, 3),
  register('L2ACTLR_EL1', 15, 0, 0),
  register('CPUACTLR_EL1', 15, 2, 0),
  register('CPUECTLR_EL1', 15, 2, 1),
  register('CPUMERRSR_EL1', 15, 2, 2),
  register('L2MERRSR_EL1', 15, 2, 3),
  // Where the GIC's registers are: the board says, as it says the identification registers.
  register('CBAR_EL1', 15, 3, 0, { minWrite: 4, read: (cpu) => cpu.idRegister('CBAR_EL1') }),
];
