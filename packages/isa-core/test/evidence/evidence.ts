// What exercises what: tests by file and title, and cases of the image `arch`, with the fields and instructions whose effect they show.
// `collect.ts` refuses an entry whose test or case does not exist. Trap controls need no entry: `test/traps/controls.ts` names them.

/** One piece of evidence. `*` in a field stands for any name, in a case for any characters. */
export interface Evidence {
  /** `REGISTER.FIELD`. */
  readonly fields?: readonly string[];
  /** Names of rows of the instruction table. */
  readonly rows?: readonly string[];
  /** Names of system instructions. */
  readonly operations?: readonly string[];
  /** Cases of the image `arch`, without `case `. */
  readonly arch?: readonly string[];
  /** `file: title`, the file below `packages/`. */
  readonly tests?: readonly string[];
}

const mmu = (file: string, title: string): string => `mmu/test/${file}.test.ts: ${title}`;
const traps = (file: string, title: string): string => `isa-core/test/traps/${file}.test.ts: ${title}`;
const debug = (file: string, title: string): string => `isa-core/test/debug/${file}.test.ts: ${title}`;
const pmu = (title: string): string => `isa-core/test/pmu/pmu.test.ts: ${title}`;
const system = (title: string): string => `isa-core/test/reference/system.test.ts: ${title}`;
const timer = (title: string): string => `devices/test/generic-timer.test.ts: ${title}`;
const gic = (file: string, title: string): string => `gic/test/v3/${file}.test.ts: ${title}`;

const translation: readonly Evidence[] = [
  { fields: ['HCR_EL2.ID'], tests: [mmu('stage2', 'HCR_EL2.ID makes fetches Non-cacheable')] },
  { fields: ['HCR_EL2.CD'], tests: [mmu('attributes', 'HCR_EL2.CD makes data of stage 2 Non-cacheable')] },
  {
    fields: ['TCR_EL2.PS', 'TCR_EL3.PS', 'TCR_EL1.IPS'],
    tests: [mmu('attributes', 'the output size is that of PS')],
  },
  {
    fields: ['TCR_EL2.TG0', 'TCR_EL3.TG0', 'TCR_EL1.TG0'],
    tests: [mmu('attributes', 'TG0 selects the granule')],
  },
  { fields: ['TTBR*_EL1.ASID', 'VTTBR_EL2.VMID'], tests: [traps('maintenance', 'a stale translation')] },
  { fields: ['TTBR*_EL1.ASID'], arch: ['tag/asid/*', 'tag/tlbi/*'] },
  { fields: ['TCR_EL1.AS'], arch: ['tag/asid/16-bit*'] },
  { fields: ['TCR_EL1.A1'], arch: ['tag/asid/of-ttbr1'] },
  { fields: ['VTTBR_EL2.VMID'], arch: ['tag/vmid*', 'tag/stage2/*'] },
  { fields: ['TTBR1_EL1.BADDR', 'VTTBR_EL2.BADDR'], arch: ['fault-base*'] },
  {
    fields: [
      'TCR_EL1.T0SZ',
      'TCR_EL1.TG0',
      'TTBR0_EL1.BADDR',
      'TCR_EL1.T1SZ',
      'TCR_EL1.TG1',
      'TTBR1_EL1.BADDR',
    ],
    tests: [mmu('stage1', 'each range has its own granule, with its own encoding')],
    arch: ['stage1/translation-*'],
  },
  {
    fields: ['TCR_EL1.EPD0', 'TCR_EL1.EPD1'],
    tests: [mmu('stage1', 'EPD0 and EPD1 stop walks of their range')],
  },
  { fields: ['TCR_EL1.TBI0', 'TCR_EL1.TBI1'], tests: [mmu('stage1', 'TBI0 and TBI1 ignore the top byte')] },
  {
    fields: ['TCR_EL1.IPS'],
    tests: [mmu('faults', 'a table base beyond IPS')],
    arch: ['stage1/address-size-*'],
  },
  {
    fields: ['TCR_EL1.AS', 'TTBR*_EL1.ASID'],
    tests: [mmu('tlb', 'an ASID of 8 bits is compared with 8, one of 16 with 16')],
  },
  {
    fields: ['TCR_EL1.A1', 'TTBR*_EL1.ASID', 'VTTBR_EL2.VMID'],
    tests: [mmu('tlb', 'currentAsid and currentVmid')],
  },
  {
    fields: ['TCR_EL*.TBI', 'TCR_EL*.TG0', 'TCR_EL*.T0SZ', 'TTBR0_EL*.BADDR'],
    tests: [mmu('stage1', 'has one range; TBI is bit 20')],
  },
  {
    fields: ['VTCR_EL2.T0SZ', 'VTCR_EL2.PS'],
    tests: [mmu('stage2', 'an input size beyond the physical address size')],
  },
  { fields: ['VTCR_EL2.SL0', 'VTCR_EL2.TG0', 'VTTBR_EL2.BADDR'], tests: [mmu('stage2', 'SL0=%i')] },
  {
    fields: ['HCR_EL2.VM'],
    arch: ['stage2/*', 'stage2/off'],
    tests: [mmu('stage2', 'only EL1&0 has a stage 2')],
  },
  {
    fields: ['HCR_EL2.PTW'],
    tests: [mmu('stage2', 'HCR_EL2.PTW refuses tables')],
    arch: ['stage2/walk-in-device*'],
  },
  {
    fields: ['HCR_EL2.DC'],
    tests: [mmu('stage1', 'HCR_EL2.DC: stage 1 is off')],
    arch: ['stage2/default-cacheable', 'stage2/dc-overrides-m'],
  },
  {
    fields: ['HCR_EL2.TGE'],
    tests: [mmu('stage1', 'HCR_EL2.TGE: stage 1 of EL1&0 is off')],
    arch: ['trap/tge-*'],
  },
  {
    fields: ['SCTLR_EL*.M', 'SCTLR_EL1.M'],
    tests: [mmu('stage1', 'the address space is that of the security state')],
    arch: ['stage2/stage1-off'],
  },
  {
    fields: ['SCTLR_EL*.WXN'],
    tests: [mmu('permissions', 'UXN=%s PXN=%s AP=%s'), mmu('permissions', 'XN=%s AP[2]=%s')],
  },
  { fields: ['SCTLR_EL*.EE'], tests: [mmu('stage1', 'SCTLR.EE: tables are big-endian')] },
  {
    fields: ['SCTLR_EL*.C', 'SCTLR_EL*.I', 'MAIR_EL*.*'],
    tests: [mmu('attributes', 'SCTLR_ELx.C and I'), mmu('attributes', 'every AttrIndx')],
  },
  { fields: ['PAR_EL1.*'], tests: [mmu('stage1', 'a translation: PA, ATTR, SH, NS')], arch: ['at/*'] },
  { fields: ['SCR_EL3.NS'], tests: [mmu('stage1', 'NS of the last descriptor and NSTable choose')] },
];

const exceptions: readonly Evidence[] = [
  {
    fields: ['ESR_EL1.*', 'FAR_EL1.*', 'ESR_EL2.*', 'FAR_EL2.*'],
    arch: ['exception/svc/*', 'stage1/translation-*'],
  },
  { fields: ['ESR_EL3.*', 'FAR_EL3.*'], tests: [traps('secure', 'from EL%i with SCR_EL3.EA')] },
  {
    fields: [
      'SCR_EL3.IRQ',
      'SCR_EL3.FIQ',
      'SCR_EL3.EA',
      'SCR_EL3.NS',
      'HCR_EL2.AMO',
      'HCR_EL2.IMO',
      'HCR_EL2.FMO',
    ],
    tests: [traps('interrupts', '$line')],
  },
  { fields: ['HCR_EL2.IMO', 'HCR_EL2.FMO', 'HCR_EL2.AMO'], arch: ['interrupt/imo*'] },
  {
    fields: ['HCR_EL2.VI', 'HCR_EL2.VF', 'HCR_EL2.VSE'],
    tests: [traps('interrupts', 'the virtual one is taken at EL1 alone')],
    arch: ['interrupt/vi*', 'interrupt/vf*', 'interrupt/vse*'],
  },
  {
    fields: ['ISR_EL1.*'],
    tests: [traps('interrupts', 'ISR_EL1 shows the physical one')],
    arch: ['interrupt/*isr*'],
  },
  { fields: ['VBAR_EL*.*'], tests: [traps('interrupts', '$line')], arch: ['exception/svc/*'] },
  {
    fields: [
      'SPSR_EL*.M',
      'SPSR_EL*.M[4]',
      'SPSR_EL*.N',
      'SPSR_EL*.Z',
      'SPSR_EL*.C',
      'SPSR_EL*.V',
      'ELR_EL*.*',
    ],
    tests: [traps('returns', 'from EL%i')],
    arch: ['eret/*'],
  },
  {
    fields: ['SPSR_EL*.D', 'SPSR_EL*.A', 'SPSR_EL*.I', 'SPSR_EL*.F'],
    tests: [traps('returns', 'gives each of NZCV and DAIF back')],
  },
  {
    fields: ['SPSR_EL*.IL'],
    tests: [traps('returns', 'comes back with a legal return')],
    arch: ['exception/illegal-state/*'],
  },
  { fields: ['SPSR_EL*.SS', 'MDSCR_EL1.SS'], tests: [debug('step', 'one instruction is executed')] },
  { fields: ['HPFAR_EL2.*'], arch: ['stage2/translation-*'] },
  { fields: ['HCR_EL2.TIDCP'], tests: [traps('controls', 'HCR_EL2.TIDCP')] },
  { fields: ['HCR_EL2.HCD'], tests: [traps('controls', 'HCR_EL2.HCD, without EL3')], arch: ['trap/hcd*'] },
  { rows: ['ERET'], tests: [traps('returns', 'from EL%i')], arch: ['eret/*'] },
  {
    rows: ['WFE, WFI, SEV, SEVL'],
    tests: [traps('waits', 'SEVL sets the own event register alone')],
    arch: ['trap/twi*'],
  },
  {
    rows: ['SVC', 'HVC', 'SMC', 'BRK', 'HLT'],
    arch: ['exception/svc/*', 'exception/hvc/*', 'exception/smc/*', 'exception/brk/*'],
  },
  {
    rows: ['DCPS1, DCPS2, DCPS3', 'DRPS', 'SYSL'],
    tests: [system('DRPS, DCPS1, HLT and SYSL are UNDEFINED')],
  },
  { rows: ['MSR SPSel'], tests: [system('SPSel exchanges the stack pointers')] },
  { rows: ['MSR DAIFSet, DAIFClr', 'MRS DAIF', 'MSR DAIF'], tests: [system('DAIFSet, DAIFClr and DAIF')] },
  { rows: ['MRS CurrentEL'], tests: [system('CurrentEL')] },
  { rows: ['MRS SP_EL0', 'MSR SP_EL0'], tests: [system('SPSel exchanges the stack pointers')] },
];

const registers: readonly Evidence[] = [
  { fields: ['L2CTLR_EL1.*'], tests: [traps('effects', 'L2CTLR_EL1 has the number of CPUs')] },
  { fields: ['TPIDR*.*'], tests: ['isa-core/test/fields/registers.test.ts: what is written'] },
  { fields: ['SPSel.*', 'SP_EL0.*'], tests: [system('SPSel exchanges the stack pointers')] },
  { fields: ['SP_EL*.*'], tests: [traps('effects', 'SP_ELx is the stack pointer of its level')] },
  {
    fields: ['PMCR_EL0.X'],
    tests: ['isa-core/test/fields/registers.test.ts: PMCR_EL0 holds what are no commands'],
  },
  { fields: ['DAIF.*'], tests: [system('DAIFSet, DAIFClr and DAIF')] },
  { fields: ['NZCV.*'], tests: [system('NZCV moves through bits 31:28')] },
  { fields: ['CurrentEL.*'], tests: [system('CurrentEL')] },
  {
    fields: ['FPCR.*', 'FPSR.*'],
    tests: ['isa-core/test/qemu/differential.test.ts: agree on every row that EL0 can execute'],
  },
  {
    fields: ['CONTEXTIDR_EL1.*'],
    tests: [debug('breakpoint', 'that is written takes effect on the next instruction')],
  },
  {
    fields: ['VPIDR_EL2.*', 'VMPIDR_EL2.*'],
    tests: [traps('effects', 'EL1 reads VPIDR_EL2 and VMPIDR_EL2')],
  },
  {
    fields: ['CSSELR_EL1.*', 'CCSIDR_EL1.*'],
    tests: [traps('effects', 'CSSELR_EL1 selects what CCSIDR_EL1 shows')],
  },
  {
    fields: ['RVBAR_EL*.*', 'RMR_EL*.*'],
    tests: [traps('effects', 'RVBAR and RMR are of the highest level')],
  },
  { fields: ['SCTLR_EL*.A'], tests: [traps('effects', 'SCTLR_ELx.A')], arch: ['alignment/*'] },
  {
    fields: ['SCTLR_EL*.SA', 'SCTLR_EL1.SA0'],
    tests: [traps('effects', 'SCTLR_ELx.SA')],
    arch: ['exception/sp-misaligned*'],
  },
  { fields: ['SCTLR_EL*.EE', 'SCTLR_EL1.E0E'], tests: [traps('effects', 'SCTLR_ELx.EE')] },
  { fields: ['SCR_EL3.SIF'], tests: [traps('secure', 'SCR_EL3.SIF')] },
  { fields: ['SCR_EL3.EA'], tests: [traps('secure', 'External aborts go to EL3')] },
  { fields: ['SCR_EL3.NS'], tests: [traps('secure', 'the physical address space')] },
  { fields: ['SCR_EL3.HCE', 'SCR_EL3.SMD'], tests: [traps('controls', 'at EL')] },
  { fields: ['HCR_EL2.FB'], tests: [traps('maintenance', 'HCR_EL2.FB')] },
  { fields: ['DCZID_EL0.*'], arch: ['register/dze_dczid'] },
];

const debugAndMonitors: readonly Evidence[] = [
  {
    fields: ['DBGBVR<n>_EL1.*'],
    tests: [debug('breakpoint', 'is hit before the instruction has done anything')],
  },
  {
    fields: ['DBGBCR<n>_EL1.E', 'DBGBCR<n>_EL1.PMC', 'DBGBCR<n>_EL1.BAS'],
    tests: [debug('breakpoint', 'is not hit where %s')],
  },
  {
    fields: ['DBGBCR<n>_EL1.BT'],
    tests: [
      debug('breakpoint', 'alone matches every instruction of it'),
      debug('breakpoint', 'with a VMID: type %i'),
    ],
  },
  { fields: ['DBGBCR<n>_EL1.LBN'], tests: [debug('breakpoint', 'that an address is linked to')] },
  {
    fields: ['DBGWVR<n>_EL1.*', 'DBGWCR<n>_EL1.BAS', 'DBGWCR<n>_EL1.MASK'],
    tests: [debug('watchpoint', 'bytes with a gap'), debug('watchpoint', 'a reserved mask')],
  },
  { fields: ['DBGWCR<n>_EL1.LSC', 'DBGWCR<n>_EL1.E'], tests: [debug('watchpoint', "describe('accesses'")] },
  {
    fields: ['DBGWCR<n>_EL1.WT', 'DBGWCR<n>_EL1.LBN'],
    tests: [debug('watchpoint', 'of a watchpoint that is linked to a context')],
  },
  {
    fields: ['DBGWCR<n>_EL1.HMC', 'DBGWCR<n>_EL1.SSC', 'DBGWCR<n>_EL1.PAC'],
    tests: [debug('match', '$row with EL2 and EL3')],
  },
  { fields: ['PMEVTYPER<n>_EL0.*'], tests: [pmu('EL%i with filter %i of %o')] },
  { fields: ['PMCCFILTR_EL0.*'], tests: [traps('effects', 'PMCCFILTR_EL0 filters cycles')] },
  {
    fields: ['DBGBCR<n>_EL1.HMC', 'DBGBCR<n>_EL1.SSC', 'DBGBCR<n>_EL1.PMC'],
    tests: [debug('match', '$row with EL2 and EL3')],
  },
  {
    fields: ['MDSCR_EL1.MDE', 'MDSCR_EL1.KDE', 'MDCR_EL2.TDE'],
    tests: [debug('breakpoint', 'from EL2 to EL2 only with TDE, KDE and PSTATE.D clear')],
  },
  { fields: ['MDCCINT_EL1.*'], tests: [debug('registers', "the channel's interrupt follows")] },
  {
    fields: ['MDSCR_EL1.TXfull', 'MDCCSR_EL0.*', 'DBGDTR*.*'],
    tests: [debug('registers', 'the channel: what is written waits')],
  },
  {
    fields: [
      'MDSCR_EL1.RXfull',
      'MDSCR_EL1.RXO',
      'MDSCR_EL1.TXU',
      'MDSCR_EL1.INTdis',
      'MDSCR_EL1.TDA',
      'MDSCR_EL1.HDE',
      'MDSCR_EL1.ERR',
    ],
    tests: [debug('registers', "lets software write the external debugger's bits")],
  },
  {
    fields: ['OSLAR_EL1.*', 'OSLSR_EL1.*'],
    tests: [debug('registers', 'is set after reset, and OSLAR_EL1 sets and clears it')],
  },
  { fields: ['OSECCR_EL1.*'], tests: [debug('registers', 'hides OSECCR_EL1 when it is clear')] },
  {
    fields: ['OSDLR_EL1.*', 'DBGPRCR_EL1.*'],
    tests: [debug('breakpoint', 'DBGPRCR_EL1.CORENPDRQ overrides the OS double lock')],
  },
  { fields: ['DBGCLAIM*.*'], tests: [debug('registers', 'claim tags')] },
  { fields: ['MDCR_EL3.SDD'], tests: [debug('breakpoint', 'nowhere in the Secure state with MDCR_EL3.SDD')] },
  { fields: ['MDRAR_EL1.*', 'DBGAUTHSTATUS_EL1.*'], tests: [debug('registers', 'there is no ROM table')] },
  { fields: ['MDCR_EL3.SPME', 'PMCR_EL0.DP'], tests: [pmu('Secure state: MDCR_EL3.SPME allows')] },
  { fields: ['MDCR_EL2.HPMN'], tests: [pmu('hides the others from EL1')] },
  { fields: ['MDCR_EL2.HPME'], tests: [pmu('HPME enables them')] },
  { fields: ['PMCR_EL0.E', 'PMCNTEN*.*'], tests: [pmu('nothing is counted without PMCR_EL0.E')] },
  { fields: ['PMCR_EL0.P', 'PMCR_EL0.C'], tests: [pmu('PMCR_EL0.P and C reset the counters')] },
  { fields: ['PMCR_EL0.D', 'PMCR_EL0.LC'], tests: [pmu('PMCR_EL0.D counts every 64th cycle')] },
  { fields: ['PMCR_EL0.N', 'PMCR_EL0.IMP', 'PMCR_EL0.IDCODE'], tests: [pmu('PMCR_EL0.N is six')] },
  { fields: ['PMOVS*.*', 'PMCCNTR_EL0.*'], tests: [pmu('sets a bit of PMOVSSET_EL0')] },
  { fields: ['PMINTEN*.*'], tests: [pmu('asks for the interrupt while it is enabled')] },
  {
    fields: ['PMSWINC_EL0.*', 'PMEVCNTR<n>_EL0.*'],
    tests: [pmu('software increments, of the counters that are named')],
  },
  {
    fields: ['PMSELR_EL0.*', 'PMXEV*.*', 'PMEVTYPER<n>_EL0.*'],
    tests: [pmu('PMSELR_EL0 names the counter')],
  },
  { fields: ['PMCEID*.*'], tests: [pmu('PMCEID0_EL0 says just those that count')] },
];

const timers: readonly Evidence[] = [
  { fields: ['CNTFRQ_EL0.*'], tests: [timer('shows the frequency that it was configured with')] },
  {
    fields: ['CNTPCT_EL0.*', 'CNTVCT_EL0.*', 'CNTVOFF_EL2.*'],
    tests: [timer('is the physical one less CNTVOFF_EL2')],
  },
  { fields: ['CNT*_CTL_EL*.ENABLE'], tests: [timer('does nothing while ENABLE is clear')] },
  { fields: ['CNT*_CTL_EL*.IMASK'], tests: [timer('sets ISTATUS and no wire while IMASK is set')] },
  { fields: ['CNT*_CTL_EL*.ISTATUS'], tests: [timer('ignores a write of ISTATUS')] },
  { fields: ['CNT*_CVAL_EL*.*'], tests: [timer('compares CVAL unsigned')] },
  { fields: ['CNT*_TVAL_EL*.*'], tests: [timer('counts TVAL down as a signed 32-bit number')] },
  {
    fields: ['CNTKCTL_EL1.EVNT*', 'CNTHCTL_EL2.EVNT*'],
    tests: [timer('sends an event at a transition of the selected bit, in the selected direction')],
  },
];

const interrupts: readonly Evidence[] = [
  {
    fields: [
      'ICC_CTLR_EL1.*bits',
      'ICC_CTLR_EL1.A3V',
      'ICC_CTLR_EL1.SEIS',
      'ICC_CTLR_EL1.R*',
      'ICC_CTLR_EL1.E*Range',
      'ICC_CTLR_EL1.PMHE',
    ],
    tests: [gic('cpu-interface', 'ICC_CTLR_EL1 has five priority bits')],
  },
  { fields: ['ICC_SRE_EL*.*'], tests: [gic('cpu-interface', 'ICC_SRE is fixed')] },
  { fields: ['ICC_PMR_EL1.*'], tests: [gic('cpu-interface', 'lets higher priorities pass')] },
  {
    fields: ['ICC_RPR_EL1.*', 'ICC_HPPIR*.*'],
    tests: [gic('cpu-interface', 'is by a higher group priority alone')],
  },
  {
    fields: ['ICC_IAR*.*', 'ICC_EOIR*.*'],
    tests: [gic('cpu-interface', 'takes the highest priority, and of equal ones')],
  },
  { fields: ['ICC_BPR*.*'], tests: [gic('cpu-interface', 'ignores the bits below the binary point')] },
  { fields: ['ICC_CTLR_EL1.CBPR'], tests: [gic('cpu-interface', 'by the first binary point with CBPR')] },
  { fields: ['ICC_AP*.*'], tests: [gic('cpu-interface', 'is shown by the active priorities')] },
  {
    fields: ['ICC_CTLR_EL1.EOImode', 'ICC_DIR_EL1.*'],
    tests: [gic('cpu-interface', 'with EOImode drops the priority')],
  },
  {
    fields: ['ICC_IGRPEN*_EL1.*'],
    tests: [gic('cpu-interface', 'that are disabled hide no interrupt of the other')],
  },
];

const virtualInterrupts: readonly Evidence[] = [
  { fields: ['ICH_AP*R<n>_EL2.*'], tests: [gic('virtual', 'masks and preempts like the physical one')] },
  {
    fields: ['ICH_HCR_EL2.TSEI'],
    tests: [gic('virtual', "keeps the trap bits, which are the CPU's to act on")],
  },
  {
    fields: ['ICC_SGI*R_EL1.Aff*', 'ICC_ASGI1R_EL1.Aff*'],
    tests: [gic('sgi', 'goes by all four affinities')],
  },
  {
    fields: ['ICC_SGI*R_EL1.TargetList', 'ICC_SGI*R_EL1.RS', 'ICC_SGI*R_EL1.INTID'],
    tests: [gic('sgi', 'goes to the CPUs of a list in a cluster')],
  },
  { fields: ['ICC_SGI*R_EL1.IRM'], tests: [gic('sgi', 'goes to all others with IRM')] },
  {
    fields: ['ICC_SGI0R_EL1.*', 'ICC_SGI1R_EL1.INTID'],
    tests: [gic('sgi', 'of Group 0 is sent by ICC_SGI0R_EL1')],
  },
  { fields: ['ICC_ASGI1R_EL1.*'], tests: [gic('sgi', 'between two Security states an SGI')] },
  { fields: ['ICC_IGRPEN1_EL3.*'], tests: [gic('security', 'ICC_IGRPEN1_EL1 are those of ICC_IGRPEN1_EL3')] },
  {
    fields: [
      'ICC_CTLR_EL3.CBPR*',
      'ICC_CTLR_EL3.*S',
      'ICC_CTLR_EL3.E*Range',
      'ICC_CTLR_EL3.A3V',
      'ICC_CTLR_EL3.*bits',
      'ICC_CTLR_EL3.PMHE',
      'ICC_CTLR_EL3.RM',
    ],
    tests: [gic('security', 'ICC_CTLR_EL1 are those of ICC_CTLR_EL3')],
  },
  {
    fields: ['ICC_CTLR_EL3.EOImode*'],
    tests: [gic('security', 'by EL3 is of any group, split by its own EOImode')],
  },
  { fields: ['ICH_HCR_EL2.En'], tests: [gic('virtual', 'is off without ICH_HCR_EL2.En')] },
  { fields: ['ICH_HCR_EL2.EOIcount'], tests: [gic('virtual', 'is counted')] },
  {
    fields: ['ICH_HCR_EL2.UIE', 'ICH_MISR_EL2.U'],
    tests: [gic('virtual', 'U: at most one list register is in use')],
  },
  {
    fields: ['ICH_HCR_EL2.LRENPIE', 'ICH_MISR_EL2.LRENP'],
    tests: [gic('virtual', 'LRENP: an interrupt ended')],
  },
  { fields: ['ICH_HCR_EL2.NPIE', 'ICH_MISR_EL2.NP'], tests: [gic('virtual', 'NP: none is pending')] },
  {
    fields: ['ICH_HCR_EL2.VGrp*', 'ICH_MISR_EL2.VGrp*'],
    tests: [gic('virtual', "the guest changes a group's enable")],
  },
  {
    fields: ['ICH_MISR_EL2.EOI', 'ICH_LR<n>_EL2.pINTID'],
    tests: [gic('virtual', 'EOI: a list register ended')],
  },
  {
    fields: ['ICH_VTR_EL2.*'],
    tests: [gic('virtual', 'are as many as ICH_VTR_EL2 says')],
  },
  {
    fields: ['ICH_EISR_EL2.*', 'ICH_ELRSR_EL2.*'],
    tests: [gic('virtual', 'that are free show in ICH_ELRSR_EL2')],
  },
  { fields: ['ICH_LR<n>_EL2.State'], tests: [gic('virtual', 'is pending again after the end')] },
  { fields: ['ICH_LR<n>_EL2.HW'], tests: [gic('virtual', 'is deactivated by the guest')] },
  {
    fields: ['ICH_LR<n>_EL2.Group'],
    tests: [gic('virtual', 'has Group 0 as virtual FIQ and by registers of its own')],
  },
  {
    fields: ['ICH_LR<n>_EL2.Priority', 'ICH_LR<n>_EL2.vINTID'],
    tests: [gic('virtual', 'takes the highest priority, and of equal ones the first list register')],
  },
  {
    fields: ['ICH_VMCR_EL2.V*'],
    tests: [gic('virtual', 'is what ICH_VMCR_EL2 says')],
  },
  { fields: ['ICH_VMCR_EL2.VCBPR'], tests: [gic('virtual', 'groups by the first binary point with VCBPR')] },
];

/** All of it. */
export const evidence: readonly Evidence[] = [
  ...translation,
  ...exceptions,
  ...registers,
  ...debugAndMonitors,
  ...timers,
  ...interrupts,
  ...virtualInterrupts,
];
