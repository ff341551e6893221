// Registers that do not simply hold what is written, with the reason: they have tests of their own.

/** Why the plain test of `registers.test.ts` does not fit. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  L2CTLR_EL1: 'has the number of CPUs',
  DBGDTR_EL0: 'reads one direction, writes the other',
  DBGDTRRX_EL0: 'reads one direction, writes the other',
  DBGCLAIMSET_EL1: 'reads as ones, writes set tags',
  DBGCLAIMCLR_EL1: 'writes clear tags',
  OSECCR_EL1: 'holds a value while the OS lock is set',
  MDSCR_EL1: 'some fields are writable while the OS lock is set alone',
  PMCR_EL0: 'P and C are commands, IMP to N are read-only',
  PMCNTENSET_EL0: 'writes set bits, of counters that there are',
  PMCNTENCLR_EL0: 'writes clear bits',
  PMOVSSET_EL0: 'writes set bits, of counters that there are',
  PMOVSCLR_EL0: 'writes clear bits',
  PMINTENSET_EL1: 'writes set bits, of counters that there are',
  PMINTENCLR_EL1: 'writes clear bits',
  PMXEVTYPER_EL0: 'is that of the selected counter',
  PMXEVCNTR_EL0: 'is that of the selected counter',
};

/** True for a register of a bank: the board's part has it, and its tests. */
export const isBanked = (name: string): boolean => /^(?:CNT|IC[CHV]_)/.test(name);
