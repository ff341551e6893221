// Identification registers (DDI 0487 D17.2.50 ff.): values come from the CPU model and what is plugged in.

import type { Cpu } from '../cpu.ts';
import type { Definition } from './entry.ts';
import { HCR, hcrTrap, sctlrAllows } from './traps.ts';

const identified = { identification: true } as const;
const tid3 = [hcrTrap(HCR.TID3)];
const tid1 = [hcrTrap(HCR.TID1)];
const tid2 = [hcrTrap(HCR.TID2)];

/** The AArch32 view: op0 3, op1 0, CRn 0, CRm 1 to 3. */
const aarch32: readonly (readonly [string, number, number])[] = [
  ['ID_PFR0_EL1', 1, 0],
  ['ID_PFR1_EL1', 1, 1],
  ['ID_DFR0_EL1', 1, 2],
  ['ID_AFR0_EL1', 1, 3],
  ['ID_MMFR0_EL1', 1, 4],
  ['ID_MMFR1_EL1', 1, 5],
  ['ID_MMFR2_EL1', 1, 6],
  ['ID_MMFR3_EL1', 1, 7],
  ['ID_ISAR0_EL1', 2, 0],
  ['ID_ISAR1_EL1', 2, 1],
  ['ID_ISAR2_EL1', 2, 2],
  ['ID_ISAR3_EL1', 2, 3],
  ['ID_ISAR4_EL1', 2, 4],
  ['ID_ISAR5_EL1', 2, 5],
  ['ID_MMFR4_EL1', 2, 6],
  ['ID_ISAR6_EL1', 2, 7],
  ['MVFR0_EL1', 3, 0],
  ['MVFR1_EL1', 3, 1],
  ['MVFR2_EL1', 3, 2],
  ['ID_PFR2_EL1', 3, 4],
  ['ID_DFR1_EL1', 3, 5],
  ['ID_MMFR5_EL1', 3, 6],
];

const aarch64: readonly (readonly [string, number, number])[] = [
  ['ID_AA64PFR0_EL1', 4, 0],
  ['ID_AA64PFR1_EL1', 4, 1],
  ['ID_AA64ZFR0_EL1', 4, 4],
  ['ID_AA64SMFR0_EL1', 4, 5],
  ['ID_AA64DFR0_EL1', 5, 0],
  ['ID_AA64DFR1_EL1', 5, 1],
  ['ID_AA64AFR0_EL1', 5, 4],
  ['ID_AA64AFR1_EL1', 5, 5],
  ['ID_AA64ISAR0_EL1', 6, 0],
  ['ID_AA64ISAR1_EL1', 6, 1],
  ['ID_AA64ISAR2_EL1', 6, 2],
  ['ID_AA64MMFR0_EL1', 7, 0],
  ['ID_AA64MMFR1_EL1', 7, 1],
  ['ID_AA64MMFR2_EL1', 7, 2],
];

/** The encodings of CRn 0, CRm 1 to 7 that no register has yet: reserved, read as zero (DDI 0487 D17.1.4). */
function reserved(): Definition[] {
  const taken = new Set([...aarch32, ...aarch64].map(([, crm, op2]) => crm * 8 + op2));
  const found: Definition[] = [];
  for (let crm = 1; crm < 8; crm++) {
    for (let op2 = 0; op2 < 8; op2++) {
      if (taken.has(crm * 8 + op2)) continue;
      found.push({
        name: `S3_0_C0_C${crm}_${op2}`,
        at: [3, 0, 0, crm, op2],
        minWrite: 4,
        traps: tid3,
        read: () => 0n,
      });
    }
  }
  return found;
}

const feature = ([name, crm, op2]: readonly [string, number, number]): Definition => ({
  name,
  at: [3, 0, 0, crm, op2],
  minWrite: 4,
  traps: tid3,
  checked: identified,
});

/** EL1 has EL2's values of these where there is EL2. */
const ownValue = (cpu: Cpu): boolean => cpu.state.el !== 1 || !cpu.el2Enabled;

/** MIDR to CCSIDR, and all feature registers. */
export const identification: readonly Definition[] = [
  {
    name: 'MIDR_EL1',
    at: [3, 0, 0, 0, 0],
    minWrite: 4,
    checked: { identification: true, when: ownValue },
    read: (cpu) => (ownValue(cpu) ? cpu.idRegister('MIDR_EL1') : cpu.register('VPIDR_EL2')),
  },
  {
    name: 'MPIDR_EL1',
    at: [3, 0, 0, 0, 5],
    minWrite: 4,
    checked: { identification: true, when: ownValue },
    read: (cpu) => (ownValue(cpu) ? cpu.idRegister('MPIDR_EL1') : cpu.register('VMPIDR_EL2')),
  },
  {
    name: 'REVIDR_EL1',
    at: [3, 0, 0, 0, 6],
    minWrite: 4,
    traps: tid1,
    checked: identified,
  },
  {
    name: 'AIDR_EL1',
    at: [3, 1, 0, 0, 7],
    minWrite: 4,
    traps: tid1,
    checked: identified,
  },
  {
    name: 'CLIDR_EL1',
    at: [3, 1, 0, 0, 1],
    minWrite: 4,
    traps: tid2,
    checked: identified,
  },
  {
    name: 'CCSIDR_EL1',
    at: [3, 1, 0, 0, 0],
    minWrite: 4,
    traps: tid2,
    read: (cpu) => cpu.cacheSize(Number(cpu.register('CSSELR_EL1') & 15n)),
  },
  { name: 'CSSELR_EL1', at: [3, 2, 0, 0, 0], traps: tid2, writable: 15n, checked: {} },
  {
    name: 'CTR_EL0',
    at: [3, 3, 0, 0, 1],
    minWrite: 4,
    traps: [sctlrAllows(1n << 15n), hcrTrap(HCR.TID2)],
    checked: identified,
  },
  {
    name: 'DCZID_EL0',
    at: [3, 3, 0, 0, 7],
    minWrite: 4,
    // DZP says that DC ZVA is prohibited at the current level.
    checked: { identification: true, when: (cpu) => !cpu.zeroBlockProhibited() },
    read: (cpu) => cpu.idRegister('DCZID_EL0') | (cpu.zeroBlockProhibited() ? 16n : 0n),
  },
  { name: 'VPIDR_EL2', at: [3, 4, 0, 0, 0], writable: 0xffff_ffffn },
  { name: 'VMPIDR_EL2', at: [3, 4, 0, 0, 5] },
  ...aarch32.map(feature),
  ...aarch64.map(feature),
  ...reserved(),
];
