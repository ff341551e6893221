// Performance-monitor registers (DDI 0487 D17.5): six event counters and the cycle counter. `pmu/` counts.

import type { Cpu } from '../cpu.ts';
import {
  commonEvents,
  COUNTERS,
  CYCLES,
  PMCR,
  PMEVCNTR,
  PMEVTYPER,
  visibleCounters,
  visibleMask,
} from '../pmu/counting.ts';
import { ALL, LOW32 } from './entry.ts';
import type { Definition, TrapControl } from './entry.ts';
import { MDCR, mdcr3Trap, mdcrTrap, pmuUser } from './traps.ts';

const tpm = [mdcrTrap(MDCR.TPM), mdcr3Trap(MDCR.TPM)];

/** PMUSERENR_EL0. */
const User = { EN: 1n, SW: 2n, CR: 4n, ER: 8n } as const;
/** EL0 needs EN; `more` suffices for accesses of one kind, or of both. */
const user = (more = 0n, on?: 'read' | 'write'): readonly TrapControl[] => {
  const either = pmuUser(User.EN | more);
  const only = pmuUser(User.EN);
  return [
    (cpu, write) => (on === undefined || (on === 'write') === write ? either : only)(cpu, write),
    ...tpm,
  ];
};

/** Bits of PMCR_EL0 that hold what is written. D and LC are the real parts', whose EL0 has AArch32. */
const PMCR_WRITABLE = PMCR.E | PMCR.D | PMCR.X | PMCR.DP | PMCR.LC;
/** P, U, NSK, NSU, NSH and M. */
const FILTER = 0xfc00_0000n;
const EVENT = 0x3ffn;

/** A write that changes what is counted: everything before it, itself included, was counted by the old values. */
const change =
  (apply: (cpu: Cpu, value: bigint) => void) =>
  (cpu: Cpu, value: bigint): void => {
    cpu.pmu.settleInstruction();
    apply(cpu, value);
    cpu.pmu.changed();
  };
/** The same, for a register that is its cell. */
const changeCell = (name: string): ((cpu: Cpu, value: bigint) => void) =>
  change((cpu, value) => {
    cpu.setRegister(name, value);
  });
/** A read that shows what was counted. */
const settled =
  (read: (cpu: Cpu) => bigint) =>
  (cpu: Cpu): bigint => {
    cpu.pmu.settle();
    return read(cpu);
  };

/** A pair of registers that set and clear the same bits, one for each counter that the level sees. */
function setAndClear(set: Definition, clear: Definition): readonly Definition[] {
  const read = settled((cpu) => cpu.register(set.name) & visibleMask(cpu));
  const write = (clears: boolean): ((cpu: Cpu, value: bigint) => void) =>
    change((cpu, value) => {
      const bits = value & visibleMask(cpu);
      const old = cpu.register(set.name);
      cpu.setRegister(set.name, clears ? old & ~bits : old | bits);
    });
  return [
    { ...set, read, write: write(false) },
    { ...clear, read, write: write(true) },
  ];
}

/** RES0 bits of a filter: those of levels that are not there. */
const filterBits = (cpu: Cpu, value: bigint): bigint =>
  value & ~((cpu.features.el3 ? 0n : 0x3400_0000n) | (cpu.features.el2 ? 0n : 0x0800_0000n));

function writePmcr(cpu: Cpu, value: bigint): void {
  cpu.setRegister('PMCR_EL0', value & PMCR_WRITABLE);
  if ((value & PMCR.P) !== 0n)
    PMEVCNTR.slice(0, visibleCounters(cpu)).forEach((name) => {
      cpu.setRegister(name, 0n);
    });
  if ((value & PMCR.C) !== 0n) cpu.pmu.resetCycles();
}

// PMEVCNTR<n> and PMEVTYPER<n>; those that EL2 keeps are RAZ/WI below it
const readCounter = (n: number): ((cpu: Cpu) => bigint) =>
  settled((cpu) => (n < visibleCounters(cpu) ? cpu.register(PMEVCNTR[n] ?? '') : 0n));
const writeCounter = (n: number): ((cpu: Cpu, value: bigint) => void) =>
  change((cpu, value) => {
    if (n < visibleCounters(cpu)) cpu.setRegister(PMEVCNTR[n] ?? '', value & LOW32);
  });
const readType =
  (n: number) =>
  (cpu: Cpu): bigint =>
    n < visibleCounters(cpu) ? cpu.register(PMEVTYPER[n] ?? '') : 0n;
const writeType = (n: number): ((cpu: Cpu, value: bigint) => void) =>
  change((cpu, value) => {
    if (n < visibleCounters(cpu))
      cpu.setRegister(PMEVTYPER[n] ?? '', filterBits(cpu, value & (FILTER | EVENT)));
  });
const writeCycleFilter = change((cpu, value) => {
  cpu.setRegister('PMCCFILTR_EL0', filterBits(cpu, value & FILTER));
});

/** PMSELR_EL0.SEL. */
const selected = (cpu: Cpu): number => Number(cpu.register('PMSELR_EL0') & 31n);

const counters: readonly Definition[] = Array.from({ length: COUNTERS }, (_, n): readonly Definition[] => [
  {
    name: PMEVCNTR[n] ?? '',
    at: [3, 3, 14, 8, n],
    traps: user(User.ER, 'read'),
    read: readCounter(n),
    write: writeCounter(n),
  },
  { name: PMEVTYPER[n] ?? '', at: [3, 3, 14, 12, n], traps: user(), read: readType(n), write: writeType(n) },
]).flat();

const pmu = (name: string, crm: number, op2: number, more: Partial<Definition> = {}): Definition => ({
  name,
  at: [3, 3, 9, crm, op2],
  traps: user(),
  ...more,
});

/** All of them. */
export const monitors: readonly Definition[] = [
  pmu('PMCR_EL0', 12, 0, {
    traps: [...user(), mdcrTrap(MDCR.TPMCR)],
    writable: PMCR_WRITABLE | PMCR.P | PMCR.C,
    read: (cpu) =>
      cpu.idRegister('PMCR_EL0') | (BigInt(visibleCounters(cpu)) << 11n) | cpu.register('PMCR_EL0'),
    write: change(writePmcr),
  }),
  ...setAndClear(pmu('PMCNTENSET_EL0', 12, 1), pmu('PMCNTENCLR_EL0', 12, 2)),
  ...setAndClear(pmu('PMOVSSET_EL0', 14, 3), pmu('PMOVSCLR_EL0', 12, 3)),
  ...setAndClear(
    { name: 'PMINTENSET_EL1', at: [3, 0, 9, 14, 1], traps: tpm },
    { name: 'PMINTENCLR_EL1', at: [3, 0, 9, 14, 2], traps: tpm },
  ),
  pmu('PMSWINC_EL0', 12, 4, {
    minRead: 4,
    traps: user(User.SW),
    write: (cpu, value) => {
      cpu.pmu.increment(value & visibleMask(cpu));
    },
  }),
  pmu('PMSELR_EL0', 12, 5, { writable: 31n, traps: user(User.ER) }),
  pmu('PMCEID0_EL0', 12, 6, { minWrite: 4, read: () => commonEvents }),
  pmu('PMCEID1_EL0', 12, 7, { minWrite: 4, read: () => 0n }),
  pmu('PMCCNTR_EL0', 13, 0, {
    traps: user(User.CR, 'read'),
    writable: ALL,
    read: settled((cpu) => cpu.register('PMCCNTR_EL0')),
    write: changeCell('PMCCNTR_EL0'),
  }),
  pmu('PMXEVTYPER_EL0', 13, 1, {
    read: (cpu) => (selected(cpu) === CYCLES ? cpu.register('PMCCFILTR_EL0') : readType(selected(cpu))(cpu)),
    write: (cpu, value) => {
      if (selected(cpu) === CYCLES) writeCycleFilter(cpu, value);
      else writeType(selected(cpu))(cpu, value);
    },
  }),
  pmu('PMXEVCNTR_EL0', 13, 2, {
    traps: user(User.ER, 'read'),
    read: (cpu) => readCounter(selected(cpu))(cpu),
    write: (cpu, value) => {
      writeCounter(selected(cpu))(cpu, value);
    },
  }),
  pmu('PMUSERENR_EL0', 14, 0, { minWrite: 1, writable: 15n, traps: tpm }),
  { name: 'PMCCFILTR_EL0', at: [3, 3, 14, 15, 7], traps: user(), write: writeCycleFilter },
  ...counters,
];
