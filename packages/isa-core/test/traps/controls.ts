// Every trap control of Armv8.0-A in AArch64, as the descriptions of the registers have it (DDI 0487 D17.2, D17.3, D17.5, D17.8).
// A row is a field, what sets and clears it, the instructions that it traps, and where from each exception level.

import type { Settings } from './rig.ts';

/** The class of a trapped MSR, MRS or system instruction. */
const SYSTEM = 0x18;
const WFX = 0x01;
const FP = 0x07;
const UNKNOWN = 0x00;

/** One control and the instructions that it traps alike. */
export interface Control {
  /** `REGISTER.FIELD`. */
  readonly field: string;
  readonly instructions: readonly string[];
  /** Registers with the control in force, and without. */
  readonly on: Settings;
  readonly off: Settings;
  /** The lowest level that may execute the instructions; they are UNDEFINED below. */
  readonly level: number;
  /** The levels at which the control traps, and where to. At others `on` is like `off`. */
  readonly from: Readonly<Record<number, number>>;
  /** ESR_ELx.EC: a trapped MSR, MRS or system instruction unless given. */
  readonly ec?: number;
  /** ESR_ELx.ISS; that of a system instruction or of the class unless given. */
  readonly iss?: number;
}

const bit = (n: number): bigint => 1n << BigInt(n);

/** With EL3, HVC and the other things that tests execute are allowed. */
const SCR = 0x531n;
const RW = bit(31);

/** HCR_EL2: EL1's (and EL0's) to EL2. */
const hcr = (
  name: string,
  n: number,
  instructions: readonly string[],
  more: Partial<Control> = {},
): Control => ({
  field: `HCR_EL2.${name}`,
  instructions,
  on: { HCR_EL2: RW | bit(n) },
  off: { HCR_EL2: RW },
  level: 1,
  from: { 1: 2 },
  ...more,
});

const reads = (...names: readonly string[]): string[] => names.map((name) => `mrs x3, ${name}`);
const writes = (...names: readonly string[]): string[] => names.map((name) => `msr ${name}, x3`);

const MEMORY = [
  'sctlr_el1',
  'ttbr0_el1',
  'ttbr1_el1',
  'tcr_el1',
  'esr_el1',
  'far_el1',
  'afsr0_el1',
  'afsr1_el1',
  'mair_el1',
  'amair_el1',
  'contextidr_el1',
];
const TLBI = ['vmalle1', 'vae1, x3', 'aside1, x3', 'vaae1, x3', 'vale1, x3', 'vaale1, x3'];
const TLBI_ALL = TLBI.flatMap((name) => [`tlbi ${name}`, `tlbi ${name.replace(/(?=,|$)/, 'is')}`]);
const ID = [
  ...['id_pfr0_el1', 'id_pfr1_el1', 'id_dfr0_el1', 'id_afr0_el1'],
  ...['id_mmfr0_el1', 'id_mmfr1_el1', 'id_mmfr2_el1', 'id_mmfr3_el1', 'id_mmfr4_el1'],
  ...['id_isar0_el1', 'id_isar1_el1', 'id_isar2_el1', 'id_isar3_el1', 'id_isar4_el1', 'id_isar5_el1'],
  ...['mvfr0_el1', 'mvfr1_el1', 'mvfr2_el1', 's3_0_c0_c3_3', 's3_0_c0_c7_7'],
  ...['id_aa64pfr0_el1', 'id_aa64pfr1_el1', 'id_aa64dfr0_el1', 'id_aa64dfr1_el1', 'id_aa64afr0_el1'],
  ...['id_aa64afr1_el1', 'id_aa64isar0_el1', 'id_aa64isar1_el1', 'id_aa64mmfr0_el1', 'id_aa64mmfr1_el1'],
];

/** SCTLR_EL1 with M, C and I and all that it may open to EL0. */
const USER_SCTLR = 0x34d5_db85n;
const USER_CACHES = { SCTLR_EL1: USER_SCTLR };
const byUser = { level: 0, from: { 0: 2, 1: 2 } } as const;
const opened = (n: number): Partial<Control> => ({
  ...byUser,
  on: { ...USER_CACHES, HCR_EL2: RW | bit(n) },
  off: { ...USER_CACHES, HCR_EL2: RW },
});

const hypervisor: readonly Control[] = [
  hcr('TVM', 26, writes(...MEMORY.filter((name) => name !== 'sctlr_el1'))),
  hcr('TRVM', 30, reads(...MEMORY)),
  hcr('TACR', 21, [...reads('actlr_el1'), ...writes('actlr_el1')]),
  hcr('TID1', 16, reads('revidr_el1', 'aidr_el1')),
  hcr('TID2', 17, [...reads('ccsidr_el1', 'clidr_el1', 'csselr_el1'), 'msr csselr_el1, x3']),
  hcr('TID2', 17, reads('ctr_el0'), opened(17)),
  hcr('TID3', 18, reads(...ID)),
  hcr('TSW', 22, ['dc isw, x3', 'dc csw, x3', 'dc cisw, x3']),
  hcr('TPC', 23, ['dc ivac, x0']),
  hcr('TPC', 23, ['dc cvac, x0', 'dc civac, x0'], opened(23)),
  hcr('TPU', 24, ['ic iallu', 'ic ialluis']),
  hcr('TPU', 24, ['ic ivau, x0', 'dc cvau, x0'], opened(24)),
  hcr('TTLB', 25, TLBI_ALL),
  hcr('TDZ', 28, ['dc zva, x0'], opened(28)),
  hcr('TIDCP', 20, [...reads('s3_1_c11_c0_2', 's3_1_c15_c2_0', 's3_1_c15_c2_1'), ...writes('s3_1_c15_c0_0')]),
  hcr('TWI', 13, ['wfi'], { ...opened(13), ec: WFX, iss: 0x1e0_0000 }),
  hcr('TWE', 14, ['wfe'], { ...opened(14), ec: WFX, iss: 0x1e0_0001 }),
  hcr('TSC', 19, ['smc #0x123'], {
    on: { HCR_EL2: RW | bit(19), SCR_EL3: SCR },
    off: { HCR_EL2: RW, SCR_EL3: SCR },
    ec: 0x17,
    iss: 0x123,
  }),
  {
    field: 'CPTR_EL2.TCPAC',
    instructions: ['mrs x3, cpacr_el1', 'msr cpacr_el1, x3'],
    on: { CPTR_EL2: 0x33ffn | bit(31) },
    off: { CPTR_EL2: 0x33ffn },
    level: 1,
    from: { 1: 2 },
  },
];

/** HCR_EL2.TIDCP: encodings that nobody has are UNDEFINED without it, and at other levels. */
export const implementationDefined: readonly string[] = [
  ...['mrs x3, s3_0_c11_c0_0', 'msr s3_7_c15_c15_7, x3', 'mrs x3, s3_3_c15_c2_1'],
  ...['sys #0, C11, C0, #0, x3', 'sys #7, C15, C3, #1, x3', 'sysl x3, #3, C15, C7, #7'],
];

const kernel = (
  name: string,
  n: number,
  instructions: readonly string[],
  more: Partial<Control> = {},
): Control => ({
  field: `SCTLR_EL1.${name}`,
  instructions,
  on: { SCTLR_EL1: USER_SCTLR & ~bit(n) },
  off: { SCTLR_EL1: USER_SCTLR },
  level: 0,
  from: { 0: 1 },
  ...more,
});

const fp = (name: string, value: bigint, from: Control['from']): Control => ({
  field: name,
  instructions: ['fadd d0, d1, d2', 'mov v1.16b, v2.16b', 'mrs x3, fpcr', 'msr fpsr, x3', 'ldr q0, [x0]'],
  on: { CPACR_EL1: value << 20n },
  off: { CPACR_EL1: 3n << 20n },
  level: 0,
  from,
  ec: FP,
  iss: 0x1e0_0000,
});
const tfp = (register: string, base: bigint, from: Control['from']): Control => ({
  ...fp(`${register}.TFP`, 3n, from),
  on: { [register]: base | bit(10) },
  off: { [register]: base },
});

const counter = (
  register: string,
  name: string,
  n: number,
  instructions: readonly string[],
  from: Control['from'],
): Control => {
  const open = { CNTKCTL_EL1: 0x303n, CNTHCTL_EL2: 3n };
  return {
    field: `${register}.${name}`,
    instructions,
    on: { ...open, [register]: (register === 'CNTKCTL_EL1' ? 0x303n : 3n) & ~bit(n) },
    off: open,
    level: 0,
    from,
  };
};
const PHYSICAL = ['cntp_tval_el0', 'cntp_ctl_el0', 'cntp_cval_el0'];
const VIRTUAL = ['cntv_tval_el0', 'cntv_ctl_el0', 'cntv_cval_el0'];

const kernels: readonly Control[] = [
  kernel('UCI', 26, ['dc cvac, x0', 'dc cvau, x0', 'dc civac, x0', 'ic ivau, x0']),
  kernel('UCT', 15, ['mrs x3, ctr_el0']),
  kernel('DZE', 14, ['dc zva, x0']),
  kernel('UMA', 9, ['mrs x3, daif', 'msr daif, x3', 'msr daifset, #0xf', 'msr daifclr, #0x3']),
  kernel('nTWI', 16, ['wfi'], { ec: WFX, iss: 0x1e0_0000 }),
  kernel('nTWE', 18, ['wfe'], { ec: WFX, iss: 0x1e0_0001 }),
  fp('CPACR_EL1.FPEN', 0n, { 0: 1, 1: 1 }),
  fp('CPACR_EL1.FPEN', 1n, { 0: 1 }),
  fp('CPACR_EL1.FPEN', 2n, { 0: 1, 1: 1 }),
  tfp('CPTR_EL2', 0x33ffn, { 0: 2, 1: 2, 2: 2 }),
  tfp('CPTR_EL3', 0n, { 0: 3, 1: 3, 2: 3, 3: 3 }),
  counter('CNTKCTL_EL1', 'EL0PCTEN', 0, reads('cntpct_el0'), { 0: 1 }),
  counter('CNTKCTL_EL1', 'EL0VCTEN', 1, reads('cntvct_el0'), { 0: 1 }),
  counter('CNTKCTL_EL1', 'EL0VTEN', 8, [...reads(...VIRTUAL), ...writes(...VIRTUAL)], { 0: 1 }),
  counter('CNTKCTL_EL1', 'EL0PTEN', 9, [...reads(...PHYSICAL), ...writes(...PHYSICAL)], { 0: 1 }),
  counter('CNTHCTL_EL2', 'EL1PCTEN', 0, reads('cntpct_el0'), { 0: 2, 1: 2 }),
  counter('CNTHCTL_EL2', 'EL1PCEN', 1, [...reads(...PHYSICAL), ...writes(...PHYSICAL)], { 0: 2, 1: 2 }),
];

const monitor = (
  field: string,
  instructions: readonly string[],
  on: Settings,
  off: Settings,
  from: Control['from'],
  more: Partial<Control> = {},
): Control => ({ field, instructions, on, off, level: 1, from, ...more });

const PMU = [
  ...['pmcr_el0', 'pmcntenset_el0', 'pmcntenclr_el0', 'pmovsclr_el0', 'pmovsset_el0', 'pmselr_el0'],
  ...['pmceid0_el0', 'pmceid1_el0', 'pmccntr_el0', 'pmxevtyper_el0', 'pmxevcntr_el0', 'pmccfiltr_el0'],
  ...['pmevcntr0_el0', 'pmevtyper0_el0'],
];
const PMU_EL1 = ['pmintenset_el1', 'pmintenclr_el1'];
const pmuOpen = { PMUSERENR_EL0: 15n };
const DEBUG = ['mdscr_el1', 'dbgbvr0_el1', 'dbgbcr0_el1', 'dbgwvr0_el1', 'dbgwcr0_el1', 'mdccint_el1'];
const DEBUG_MORE = ['dbgclaimset_el1', 'dbgclaimclr_el1', 'osdtrrx_el1', 'osdtrtx_el1', 'oseccr_el1'];
const debugAccesses = [
  ...reads(...DEBUG, ...DEBUG_MORE, 'dbgauthstatus_el1'),
  ...writes(...DEBUG, ...DEBUG_MORE),
];
const channelAccesses = [...reads('mdccsr_el0', 'dbgdtr_el0', 'dbgdtrrx_el0'), 'msr dbgdtrtx_el0, x3'];
const locks = [...reads('oslsr_el1', 'osdlr_el1', 'dbgprcr_el1'), ...writes('oslar_el1')];

const debugAndMonitors: readonly Control[] = [
  monitor('MDCR_EL2.TDA', debugAccesses, { MDCR_EL2: bit(9) }, {}, { 1: 2 }),
  monitor('MDCR_EL2.TDA', channelAccesses, { MDCR_EL2: bit(9) }, {}, byUser.from, { level: 0 }),
  monitor('MDCR_EL2.TDRA', reads('mdrar_el1'), { MDCR_EL2: bit(11) }, {}, { 1: 2 }),
  monitor('MDCR_EL2.TDOSA', locks, { MDCR_EL2: bit(10) }, {}, { 1: 2 }),
  monitor(
    'MDCR_EL2.TDE',
    [...debugAccesses, ...locks, 'mrs x3, mdrar_el1'],
    { MDCR_EL2: bit(8) },
    {},
    { 1: 2 },
  ),
  monitor('MDCR_EL2.TPM', reads(...PMU), { ...pmuOpen, MDCR_EL2: bit(6) }, pmuOpen, byUser.from, {
    level: 0,
  }),
  monitor('MDCR_EL2.TPM', reads(...PMU_EL1), { MDCR_EL2: bit(6) }, {}, { 1: 2 }),
  monitor('MDCR_EL2.TPMCR', reads('pmcr_el0'), { ...pmuOpen, MDCR_EL2: bit(5) }, pmuOpen, byUser.from, {
    level: 0,
  }),
  monitor('MDCR_EL3.TDA', debugAccesses, { MDCR_EL3: bit(9) }, {}, { 1: 3, 2: 3 }),
  monitor('MDCR_EL3.TDA', channelAccesses, { MDCR_EL3: bit(9) }, {}, { 0: 3, 1: 3, 2: 3 }, { level: 0 }),
  monitor('MDCR_EL3.TDOSA', locks, { MDCR_EL3: bit(10) }, {}, { 1: 3, 2: 3 }),
  monitor(
    'MDCR_EL3.TPM',
    reads(...PMU),
    { ...pmuOpen, MDCR_EL3: bit(6) },
    pmuOpen,
    { 0: 3, 1: 3, 2: 3 },
    {
      level: 0,
    },
  ),
  monitor('MDCR_EL3.TPM', reads(...PMU_EL1), { MDCR_EL3: bit(6) }, {}, { 1: 3, 2: 3 }),
  monitor('MDSCR_EL1.TDCC', channelAccesses, { MDSCR_EL1: bit(12) }, {}, { 0: 1 }, { level: 0 }),
  monitor('PMUSERENR_EL0.EN', reads(...PMU), {}, { PMUSERENR_EL0: 1n }, { 0: 1 }, { level: 0 }),
  monitor('PMUSERENR_EL0.SW', ['msr pmswinc_el0, x3'], {}, { PMUSERENR_EL0: 2n }, { 0: 1 }, { level: 0 }),
  monitor('PMUSERENR_EL0.CR', ['mrs x3, pmccntr_el0'], {}, { PMUSERENR_EL0: 4n }, { 0: 1 }, { level: 0 }),
  monitor(
    'PMUSERENR_EL0.ER',
    reads('pmselr_el0', 'pmxevcntr_el0', 'pmevcntr0_el0'),
    {},
    { PMUSERENR_EL0: 8n },
    { 0: 1 },
    {
      level: 0,
    },
  ),
];

const secure = (
  field: string,
  instructions: readonly string[],
  value: bigint,
  from: Control['from'],
  more: Partial<Control>,
): Control => ({
  field: `SCR_EL3.${field}`,
  instructions,
  on: { ...USER_CACHES, SCR_EL3: value },
  off: { ...USER_CACHES, SCR_EL3: SCR },
  level: 0,
  from,
  ...more,
});
const SECURE_TIMER = ['cntps_tval_el1', 'cntps_ctl_el1', 'cntps_cval_el1'];

const monitors: readonly Control[] = [
  secure('TWI', ['wfi'], SCR | bit(12), { 0: 3, 1: 3, 2: 3 }, { ec: WFX, iss: 0x1e0_0000 }),
  secure('TWE', ['wfe'], SCR | bit(13), { 0: 3, 1: 3, 2: 3 }, { ec: WFX, iss: 0x1e0_0001 }),
  {
    field: 'CPTR_EL3.TCPAC',
    instructions: ['mrs x3, cpacr_el1', 'msr cpacr_el1, x3'],
    on: { CPTR_EL3: bit(31) },
    off: {},
    level: 1,
    from: { 1: 3, 2: 3 },
  },
  {
    field: 'CPTR_EL3.TCPAC',
    instructions: ['mrs x3, cptr_el2', 'msr cptr_el2, x3'],
    on: { CPTR_EL3: bit(31) },
    off: {},
    level: 2,
    from: { 2: 3 },
  },
  {
    field: 'SCR_EL3.ST',
    instructions: [...reads(...SECURE_TIMER), ...writes(...SECURE_TIMER)],
    on: { SCR_EL3: SCR & ~1n },
    off: { SCR_EL3: (SCR & ~1n) | bit(11) },
    level: 1,
    from: { 1: 3 },
  },
];

/** The GIC's registers: Group 0's, Group 1's and common ones (IHI 0069 12.4). */
const GROUP0 = [
  ...reads('icc_iar0_el1', 'icc_hppir0_el1', 'icc_bpr0_el1', 'icc_ap0r0_el1', 'icc_igrpen0_el1'),
  ...writes('icc_eoir0_el1', 'icc_bpr0_el1', 'icc_igrpen0_el1'),
];
const GROUP1 = [
  ...reads('icc_iar1_el1', 'icc_hppir1_el1', 'icc_bpr1_el1', 'icc_ap1r0_el1', 'icc_igrpen1_el1'),
  ...writes('icc_eoir1_el1', 'icc_bpr1_el1', 'icc_igrpen1_el1'),
];
const SGI = writes('icc_sgi0r_el1', 'icc_sgi1r_el1', 'icc_asgi1r_el1');
const COMMON = [
  ...reads('icc_pmr_el1', 'icc_rpr_el1', 'icc_ctlr_el1'),
  ...writes('icc_pmr_el1', 'icc_ctlr_el1', 'icc_dir_el1'),
  ...SGI,
];
const OPEN_GIC = { ICC_SRE_EL1: 7n, ICC_SRE_EL2: 15n, ICC_SRE_EL3: 15n, SCR_EL3: SCR, HCR_EL2: RW };

const interfaceControl = (
  field: string,
  instructions: readonly string[],
  on: Settings,
  from: Control['from'],
): Control => ({ field, instructions, on: { ...OPEN_GIC, ...on }, off: OPEN_GIC, level: 1, from });
const aboveEl1 = { 1: 3, 2: 3 } as const;

const interruptController: readonly Control[] = [
  interfaceControl('ICH_HCR_EL2.TC', COMMON, { ICH_HCR_EL2: bit(10) }, { 1: 2 }),
  interfaceControl('ICH_HCR_EL2.TALL0', GROUP0, { ICH_HCR_EL2: bit(11) }, { 1: 2 }),
  interfaceControl('ICH_HCR_EL2.TALL1', GROUP1, { ICH_HCR_EL2: bit(12) }, { 1: 2 }),
  interfaceControl('ICH_HCR_EL2.TDIR', writes('icc_dir_el1'), { ICH_HCR_EL2: bit(14) }, { 1: 2 }),
  interfaceControl(
    'ICC_SRE_EL2.Enable',
    ['mrs x3, icc_sre_el1', 'msr icc_sre_el1, x3'],
    { ICC_SRE_EL2: 7n },
    { 1: 2 },
  ),
  interfaceControl(
    'ICC_SRE_EL3.Enable',
    ['mrs x3, icc_sre_el1', 'msr icc_sre_el1, x3'],
    { ICC_SRE_EL3: 7n },
    aboveEl1,
  ),
  interfaceControl('SCR_EL3.FIQ', GROUP0, { SCR_EL3: SCR | 4n }, aboveEl1),
  interfaceControl('SCR_EL3.IRQ', GROUP1, { SCR_EL3: SCR | 2n }, aboveEl1),
  interfaceControl('SCR_EL3.IRQ', COMMON, { SCR_EL3: SCR | 6n }, aboveEl1),
  interfaceControl('HCR_EL2.FMO', SGI, { HCR_EL2: RW | 8n }, { 1: 2 }),
  interfaceControl('HCR_EL2.IMO', SGI, { HCR_EL2: RW | 16n }, { 1: 2 }),
];

/** All that trap with a class of their own. */
export const controls: readonly Control[] = [
  ...hypervisor,
  ...kernels,
  ...debugAndMonitors,
  ...monitors,
  ...interruptController,
];

/** Controls that make an instruction UNDEFINED: at `from` it is, and goes to the level itself. */
export const undefining: readonly Control[] = [
  {
    field: 'SCR_EL3.SMD',
    instructions: ['smc #0x1'],
    on: { SCR_EL3: SCR | bit(7) },
    off: { SCR_EL3: SCR },
    level: 1,
    from: { 1: 1, 2: 2, 3: 3 },
    ec: UNKNOWN,
    iss: 0,
  },
  {
    field: 'SCR_EL3.HCE',
    instructions: ['hvc #0x1'],
    on: { SCR_EL3: SCR & ~bit(8) },
    off: { SCR_EL3: SCR },
    level: 1,
    from: { 1: 1, 2: 2, 3: 3 },
    ec: UNKNOWN,
    iss: 0,
  },
];

/** The syndrome of a row for an instruction. */
export const syndromeOf = (
  { ec = SYSTEM, iss }: Control,
  systemIss: number,
): { readonly ec: number; readonly iss: number } => ({ ec, iss: iss ?? systemIss });
