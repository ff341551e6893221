// Control registers of EL1, EL2 and EL3: translation, routing, exception handling (DDI 0487 D17.2).

import type { Cpu } from '../cpu.ts';
import { ALL, LOW32 } from './entry.ts';
import type { Checked, Definition } from './entry.ts';
import { cpacTrap, cptrTrap, fpTrap, HCR, hcrTrap, ofHighest, sctlrAllows } from './traps.ts';

const vm = [hcrTrap(HCR.TVM, 'write'), hcrTrap(HCR.TRVM, 'read')];

/** A register whose write changes translation or traps: write the cell, then recompute what is derived from it. */
const context =
  (name: string) =>
  (cpu: Cpu, value: bigint): void => {
    cpu.setRegister(name, value);
    cpu.contextChanged();
  };

/** The place of tables, and the ASID or VMID. */
const tables =
  (name: string) =>
  (cpu: Cpu, value: bigint): void => {
    cpu.setRegister(name, value);
    cpu.tablesChanged();
  };

const el1 = (
  name: string,
  crn: number,
  crm: number,
  op2: number,
  more: Partial<Definition> = {},
): Definition => ({
  name,
  at: [3, 0, crn, crm, op2],
  traps: vm,
  ...more,
});
const el2 = (
  name: string,
  crn: number,
  crm: number,
  op2: number,
  more: Partial<Definition> = {},
): Definition => ({
  name,
  at: [3, 4, crn, crm, op2],
  ...more,
});
const el3 = (
  name: string,
  crn: number,
  crm: number,
  op2: number,
  more: Partial<Definition> = {},
): Definition => ({
  name,
  at: [3, 6, crn, crm, op2],
  ...more,
});

/** A register that routes debug exceptions or shares out counters: what was counted until now was by its old value. */
const monitoring =
  (name: string) =>
  (cpu: Cpu, value: bigint): void => {
    // Hypervisors write it at every switch.
    if (value === cpu.register(name)) return;
    cpu.pmu.settleInstruction();
    cpu.setRegister(name, value);
    cpu.debug.changed();
    cpu.pmu.changed();
  };

/** MRS reads the cell; and MSR does nothing but write it. */
const direct: Checked = {};
const written: Checked = { write: true };

/** RES1 bits (of SCTLR_EL1 also SED and ITD, which are AArch32's) of SCTLR_EL1 and of SCTLR_EL2 and EL3 in Armv8.0. */
const SCTLR1_RES1 = 0x30d0_0980n;
const SCTLR23_RES1 = 0x30c5_0830n;
const SCTLR1_WRITABLE = 0x070d_d21fn;
const SCTLR23_WRITABLE = 0x0208_100fn;

/** CPTR_EL2's and CPTR_EL3's bits; no trace unit is there for TTA to trap. */
const TCPAC_TFP = 0x8000_0400n;
/** TTBR0_EL2's and TTBR0_EL3's BADDR, and VTTBR_EL2 with its VMID of 8 bits. */
const BADDR = 0xffff_ffff_fffen;
const VTTBR_WRITABLE = 0xff_ffff_ffff_fffen;
/** TCR_EL2's and TCR_EL3's fields. */
const TCR23_WRITABLE = 0x17_ff3fn;

/** HCR_EL2's bits of Armv8.0; RW reads as one since no level runs AArch32. */
const HCR_WRITABLE = 0x3_7fff_ffffn;

/** RVBAR and RMR, which the highest level has. AArch64 is the only state, and no board takes the request to reset. */
const resetOf = (level: 1 | 2 | 3, at: typeof el1): readonly Definition[] => [
  at(`RVBAR_EL${level}`, 12, 0, 1, {
    present: ofHighest(level),
    minWrite: 4,
    read: (cpu) => cpu.resetVector,
  }),
  at(`RMR_EL${level}`, 12, 0, 2, { present: ofHighest(level), writable: 2n, reset: 1n }),
];

/** EL1's registers. */
const controlEl1: readonly Definition[] = [
  el1('SCTLR_EL1', 1, 0, 0, {
    checked: direct,
    writable: SCTLR1_WRITABLE,
    reset: SCTLR1_RES1,
    write: context('SCTLR_EL1'),
  }),
  el1('ACTLR_EL1', 1, 0, 1, { traps: [hcrTrap(HCR.TACR)] }),
  el1('CPACR_EL1', 1, 0, 2, {
    checked: direct,
    traps: [cpacTrap],
    writable: 0x30_0000n,
    write: context('CPACR_EL1'),
  }),
  el1('TTBR0_EL1', 2, 0, 0, { checked: direct, writable: ALL ^ 1n, write: tables('TTBR0_EL1') }),
  el1('TTBR1_EL1', 2, 0, 1, { checked: direct, writable: ALL ^ 1n, write: tables('TTBR1_EL1') }),
  el1('TCR_EL1', 2, 0, 2, { checked: direct, writable: 0x77_ffff_ffbfn, write: context('TCR_EL1') }),
  el1('SPSR_EL1', 4, 0, 0, { checked: written, traps: [], writable: LOW32 }),
  el1('ELR_EL1', 4, 0, 1, { traps: [], plain: true }),
  el1('AFSR0_EL1', 5, 1, 0, { checked: written }),
  el1('AFSR1_EL1', 5, 1, 1, { checked: written }),
  el1('ESR_EL1', 5, 2, 0, { checked: written, writable: LOW32 }),
  el1('FAR_EL1', 6, 0, 0, { checked: written }),
  el1('PAR_EL1', 7, 4, 0, { checked: written, traps: [] }),
  el1('MAIR_EL1', 10, 2, 0, { checked: direct, write: context('MAIR_EL1') }),
  el1('AMAIR_EL1', 10, 3, 0, { checked: written }),
  el1('VBAR_EL1', 12, 0, 0, { checked: written, traps: [], writable: ALL ^ 0x7ffn }),
  ...resetOf(1, el1),
  el1('ISR_EL1', 12, 1, 0, { traps: [], minWrite: 4, read: (cpu) => cpu.interruptStatus() }),
  el1('CONTEXTIDR_EL1', 13, 0, 1, {
    checked: direct,
    writable: LOW32,
    write: (cpu, value) => {
      cpu.setRegister('CONTEXTIDR_EL1', value);
      cpu.debug.contextIdChanged();
    },
  }),
  el1('TPIDR_EL1', 13, 0, 4, { traps: [], plain: true }),
];

/** EL2's registers, and those of EL1 that have EL2 encodings. */
const controlEl2: readonly Definition[] = [
  el2('SCTLR_EL2', 1, 0, 0, {
    checked: direct,
    writable: SCTLR23_WRITABLE,
    reset: SCTLR23_RES1,
    write: context('SCTLR_EL2'),
  }),
  el2('ACTLR_EL2', 1, 0, 1),
  el2('HCR_EL2', 1, 1, 0, {
    checked: direct,
    writable: HCR_WRITABLE,
    reset: HCR.RW,
    write: (cpu, value) => {
      // With EL3 it is SCR_EL3.HCE that enables HVC.
      cpu.setHcr(cpu.features.el3 ? value & ~HCR.HCD : value);
    },
    read: (cpu) => cpu.hcr | HCR.RW,
  }),
  el2('MDCR_EL2', 1, 1, 1, { writable: 0xfffn, reset: 6n, write: monitoring('MDCR_EL2') }),
  el2('CPTR_EL2', 1, 1, 2, {
    checked: direct,
    traps: [cptrTrap],
    writable: TCPAC_TFP,
    reset: 0x33ffn,
    write: context('CPTR_EL2'),
  }),
  el2('HSTR_EL2', 1, 1, 3, { writable: 0xffffn }),
  el2('HACR_EL2', 1, 1, 7),
  el2('TTBR0_EL2', 2, 0, 0, { checked: direct, writable: BADDR, write: tables('TTBR0_EL2') }),
  el2('TCR_EL2', 2, 0, 2, {
    checked: direct,
    writable: TCR23_WRITABLE,
    reset: 0x8080_0000n,
    write: context('TCR_EL2'),
  }),
  el2('VTTBR_EL2', 2, 1, 0, { checked: direct, writable: VTTBR_WRITABLE, write: tables('VTTBR_EL2') }),
  el2('VTCR_EL2', 2, 1, 2, {
    checked: direct,
    writable: 0x7_ffffn,
    reset: 0x8000_0000n,
    write: context('VTCR_EL2'),
  }),
  el2('DACR32_EL2', 3, 0, 0, { writable: LOW32 }),
  el2('SPSR_EL2', 4, 0, 0, { checked: written, writable: LOW32 }),
  el2('ELR_EL2', 4, 0, 1, { plain: true }),
  el2('SP_EL1', 4, 1, 0, { plain: true }),
  el2('SPSR_irq', 4, 3, 0, { writable: LOW32 }),
  el2('SPSR_abt', 4, 3, 1, { writable: LOW32 }),
  el2('SPSR_und', 4, 3, 2, { writable: LOW32 }),
  el2('SPSR_fiq', 4, 3, 3, { writable: LOW32 }),
  el2('IFSR32_EL2', 5, 0, 1, { writable: LOW32 }),
  el2('AFSR0_EL2', 5, 1, 0),
  el2('AFSR1_EL2', 5, 1, 1),
  el2('ESR_EL2', 5, 2, 0, { checked: written, writable: LOW32 }),
  el2('FPEXC32_EL2', 5, 3, 0, { writable: LOW32, reset: 0x700n, traps: [fpTrap] }),
  el2('FAR_EL2', 6, 0, 0, { checked: written }),
  el2('HPFAR_EL2', 6, 0, 4, { checked: direct, writable: 0xff_ffff_fff0n }),
  el2('MAIR_EL2', 10, 2, 0, { checked: direct, write: context('MAIR_EL2') }),
  el2('AMAIR_EL2', 10, 3, 0),
  el2('VBAR_EL2', 12, 0, 0, { checked: written, writable: ALL ^ 0x7ffn }),
  ...resetOf(2, el2),
  el2('TPIDR_EL2', 13, 0, 2, { plain: true }),
];

/** EL3's registers. */
const controlEl3: readonly Definition[] = [
  el3('SCTLR_EL3', 1, 0, 0, {
    checked: direct,
    writable: SCTLR23_WRITABLE,
    reset: SCTLR23_RES1,
    write: context('SCTLR_EL3'),
  }),
  el3('ACTLR_EL3', 1, 0, 1),
  el3('SCR_EL3', 1, 1, 0, { checked: direct, writable: 0x3b8fn, reset: 0x430n, write: context('SCR_EL3') }),
  el3('SDER32_EL3', 1, 1, 1, { writable: 3n }),
  el3('CPTR_EL3', 1, 1, 2, { checked: direct, writable: TCPAC_TFP, write: context('CPTR_EL3') }),
  el3('MDCR_EL3', 1, 3, 1, { writable: 0x33_c640n, write: monitoring('MDCR_EL3') }),
  el3('TTBR0_EL3', 2, 0, 0, { checked: direct, writable: BADDR, write: tables('TTBR0_EL3') }),
  el3('TCR_EL3', 2, 0, 2, {
    checked: direct,
    writable: TCR23_WRITABLE,
    reset: 0x8080_0000n,
    write: context('TCR_EL3'),
  }),
  el3('SPSR_EL3', 4, 0, 0, { checked: written, writable: LOW32 }),
  el3('ELR_EL3', 4, 0, 1, { plain: true }),
  el3('SP_EL2', 4, 1, 0, { plain: true }),
  el3('AFSR0_EL3', 5, 1, 0),
  el3('AFSR1_EL3', 5, 1, 1),
  el3('ESR_EL3', 5, 2, 0, { checked: written, writable: LOW32 }),
  el3('FAR_EL3', 6, 0, 0, { checked: written }),
  el3('MAIR_EL3', 10, 2, 0, { checked: direct, write: context('MAIR_EL3') }),
  el3('AMAIR_EL3', 10, 3, 0),
  el3('VBAR_EL3', 12, 0, 0, { checked: written, writable: ALL ^ 0x7ffn }),
  ...resetOf(3, el3),
  el3('TPIDR_EL3', 13, 0, 2, { plain: true }),
];

/** Registers that EL0 may access, and PSTATE's. */
const unprivileged: readonly Definition[] = [
  { name: 'TPIDR_EL0', at: [3, 3, 13, 0, 2], plain: true },
  { name: 'TPIDRRO_EL0', at: [3, 3, 13, 0, 3], plain: true, minWrite: 1 },
  {
    name: 'SP_EL0',
    at: [3, 0, 4, 1, 0],
    read: (cpu) => cpu.bankedSp0(),
    write: (cpu, value) => {
      cpu.setBankedSp0(value);
    },
  },
  {
    name: 'SPSel',
    at: [3, 0, 4, 2, 0],
    read: (cpu) => BigInt(cpu.state.spSel),
    write: (cpu, value) => {
      cpu.selectSp(Number(value & 1n));
    },
  },
  { name: 'CurrentEL', at: [3, 0, 4, 2, 2], minWrite: 4, read: (cpu) => BigInt(cpu.state.el << 2) },
  {
    name: 'NZCV',
    at: [3, 3, 4, 2, 0],
    read: (cpu) => BigInt(cpu.state.nzcv),
    write: (cpu, value) => {
      cpu.state.nzcv = Number(value & 0xf000_0000n);
    },
  },
  {
    name: 'DAIF',
    at: [3, 3, 4, 2, 1],
    traps: [sctlrAllows(1n << 9n)],
    read: (cpu) => BigInt(cpu.state.daif << 6),
    write: (cpu, value) => {
      cpu.state.daif = Number((value >> 6n) & 15n);
      cpu.interruptsChanged();
    },
  },
  {
    name: 'FPCR',
    at: [3, 3, 4, 4, 0],
    traps: [fpTrap],
    writable: 0x07f7_0000n,
    read: (cpu) => cpu.fpcr,
    write: (cpu, value) => {
      cpu.fpcr = value & 0x07c0_0000n;
    },
  },
  {
    name: 'FPSR',
    at: [3, 3, 4, 4, 1],
    traps: [fpTrap],
    read: (cpu) => cpu.fpsr,
    write: (cpu, value) => {
      cpu.fpsr = value & 0xf800_009fn;
    },
  },
];

/** All of them. */
export const control: readonly Definition[] = [...controlEl1, ...controlEl2, ...controlEl3, ...unprivileged];
