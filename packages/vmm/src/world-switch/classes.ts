// What a world switch may move: a vCPU's registers by class, so that a hypervisor moves only what it or another vCPU touches
// (DDI 0487 D17; what belongs to which class is a choice of software).

/** A system register of a class, and how it is put back where that is more than writing what was read. */
export interface ClassRegister {
  /** What is read. */
  readonly name: string;
  /** What is written, where another register does that. */
  readonly write?: string;
  /** Written with all ones first: writing `write` only sets bits. */
  readonly clear?: string;
  /** Bit by which the value read is shifted right before it is written. */
  readonly shift?: number;
  /** The bits of the value read that are written; all when absent. */
  readonly mask?: number;
  /** It is there only while the OS lock is set (OSLSR_EL1.OSLK), which it is then left with by a restore. */
  readonly locked?: true;
}

/** A class of registers. */
export interface RegisterClass {
  /** Its name in ledgers and tables. */
  readonly name: string;
  /** One line for tables. */
  readonly about: string;
  /** Its bit in a set of classes, or 0 where the part `by` moves it. */
  readonly bit: number;
  /** The part of the kit that moves it, where that is not the world switch. */
  readonly by?: string;
  /** Registers, the general and vector ones included. */
  readonly count: number;
  /** Bytes of one copy. */
  readonly bytes: number;
  /** The system registers among them. */
  readonly registers: readonly ClassRegister[];
}

/** Sets of register classes: the bits. */
export const Classes = {
  /** X0 to X30, PC and PSTATE. */
  General: 0x01,
  /** Translation and control of EL1. */
  Memory: 0x02,
  /** Exceptions of EL1. */
  Exceptions: 0x04,
  /** Stack pointers and thread pointers. */
  Thread: 0x08,
  /** FP and SIMD. */
  Float: 0x10,
  /** The virtual timer, and EL0's access to timers. */
  Timer: 0x20,
  /** Self-hosted debug. */
  Debug: 0x40,
  /** Performance monitors. */
  Monitors: 0x80,
  /** What EL1 and EL0 need without FP, timer, debug and monitors. */
  El1: 0x0e,
} as const;

const plain = (...names: readonly string[]): readonly ClassRegister[] => names.map((name) => ({ name }));
const numbered = (count: number, ...names: readonly string[]): readonly ClassRegister[] =>
  Array.from({ length: count }, (_, n) =>
    names.map((name) => ({ name: name.replace('#', String(n)) })),
  ).flat();
/** A register that writes only set bits of, and the one by which they are cleared. */
const setAndClear = (prefix: string, level: string): ClassRegister => ({
  name: `${prefix}SET_${level}`,
  clear: `${prefix}CLR_${level}`,
});

function system(
  name: string,
  bit: number,
  about: string,
  registers: readonly ClassRegister[],
): RegisterClass {
  return { name, bit, about, registers, count: registers.length, bytes: 8 * registers.length };
}

/** Breakpoints, watchpoints and event counters of the CPU models. */
const [breakpoints, watchpoints, counters] = [6, 4, 6];

const float = plain('FPCR', 'FPSR');

/** All classes. */
export const registerClasses: readonly RegisterClass[] = [
  {
    name: 'general',
    bit: Classes.General,
    about: 'X0 to X30, PC (ELR_EL2), PSTATE (SPSR_EL2)',
    count: 33,
    bytes: 264,
    registers: plain('ELR_EL2', 'SPSR_EL2'),
  },
  system(
    'memory',
    Classes.Memory,
    'translation and control of EL1',
    plain(
      'SCTLR_EL1',
      'ACTLR_EL1',
      'CPACR_EL1',
      'TTBR0_EL1',
      'TTBR1_EL1',
      'TCR_EL1',
      'MAIR_EL1',
      'AMAIR_EL1',
      'CONTEXTIDR_EL1',
      'CSSELR_EL1',
    ),
  ),
  system(
    'exceptions',
    Classes.Exceptions,
    'exceptions of EL1',
    plain('ELR_EL1', 'SPSR_EL1', 'ESR_EL1', 'FAR_EL1', 'AFSR0_EL1', 'AFSR1_EL1', 'VBAR_EL1', 'PAR_EL1'),
  ),
  system(
    'thread',
    Classes.Thread,
    'stack pointers and thread pointers',
    plain('SP_EL0', 'SP_EL1', 'TPIDR_EL0', 'TPIDRRO_EL0', 'TPIDR_EL1'),
  ),
  {
    name: 'float',
    bit: Classes.Float,
    about: 'V0 to V31, FPCR, FPSR',
    count: 34,
    bytes: 512 + 16,
    registers: float,
  },
  system('timer', Classes.Timer, 'the virtual timer', plain('CNTKCTL_EL1', 'CNTV_CTL_EL0', 'CNTV_CVAL_EL0')),
  system('debug', Classes.Debug, 'self-hosted debug', [
    { name: 'OSECCR_EL1', locked: true },
    ...numbered(breakpoints, 'DBGBVR#_EL1', 'DBGBCR#_EL1'),
    ...numbered(watchpoints, 'DBGWVR#_EL1', 'DBGWCR#_EL1'),
    ...plain('MDCCINT_EL1', 'MDSCR_EL1', 'OSDTRRX_EL1', 'OSDTRTX_EL1', 'OSDLR_EL1', 'DBGPRCR_EL1'),
    { name: 'DBGCLAIMCLR_EL1', write: 'DBGCLAIMSET_EL1', clear: 'DBGCLAIMCLR_EL1' },
    // OSLSR_EL1.OSLK is written as OSLAR_EL1.OSLK; last, as the lock decides what some of the others take.
    { name: 'OSLSR_EL1', write: 'OSLAR_EL1', shift: 1, mask: 1 },
  ]),
  system('monitors', Classes.Monitors, 'performance monitors', [
    ...numbered(counters, 'PMEVCNTR#_EL0', 'PMEVTYPER#_EL0'),
    ...plain('PMCCNTR_EL0', 'PMCCFILTR_EL0', 'PMSELR_EL0', 'PMUSERENR_EL0'),
    setAndClear('PMCNTEN', 'EL0'),
    setAndClear('PMINTEN', 'EL1'),
    setAndClear('PMOVS', 'EL0'),
    ...plain('PMCR_EL0'),
  ]),
  {
    name: 'gicv2',
    bit: 0,
    by: 'vgic',
    about: 'GICH_HCR, GICH_VMCR, GICH_APR and, of the list registers, those in use',
    count: 3,
    bytes: 12,
    registers: [],
  },
  {
    name: 'gicv3',
    bit: 0,
    by: 'vgic',
    about: 'ICH_HCR_EL2, ICH_VMCR_EL2, ICH_AP0R0_EL2, ICH_AP1R0_EL2 and, of the list registers, those in use',
    count: 4,
    bytes: 32,
    registers: plain('ICH_HCR_EL2', 'ICH_VMCR_EL2', 'ICH_AP0R0_EL2', 'ICH_AP1R0_EL2'),
  },
];

/** What moving a set of classes once moves. */
export interface Moved {
  /** Registers. */
  readonly registers: number;
  /** Bytes of their copies. */
  readonly bytes: number;
}

/** By set. */
const sums: readonly Moved[] = Array.from({ length: 0x100 }, (_, set) => {
  const moved = registerClasses.filter(({ bit }) => (bit & set) !== 0);
  return {
    registers: moved.reduce((sum, { count }) => sum + count, 0),
    bytes: moved.reduce((sum, { bytes }) => sum + bytes, 0),
  };
});

const nothing: Moved = { registers: 0, bytes: 0 };

/** What saving, or restoring, a set of classes moves. */
export const movedBy = (classes: number): Moved => sums[classes & 0xff] ?? nothing;
