// Trap controls of system registers: HCR_EL2, CPACR_EL1, CPTR_EL2, HSTR, MDCR_EL2, CNTKCTL, CNTHCTL, SCTLR_EL1 (DDI 0487 D1.13).

import type { Cpu } from '../cpu.ts';
import { EC } from '../syndrome.ts';
import type { Trap, TrapControl } from './entry.ts';

/** Bits of HCR_EL2 that the CPU uses. */
export const HCR = {
  VM: 0x1n,
  SWIO: 0x2n,
  PTW: 0x4n,
  FMO: 0x8n,
  IMO: 0x10n,
  AMO: 0x20n,
  VF: 0x40n,
  VI: 0x80n,
  VSE: 0x100n,
  FB: 0x200n,
  DC: 0x1000n,
  TWI: 0x2000n,
  TWE: 0x4000n,
  TID0: 0x8000n,
  TID1: 0x10000n,
  TID2: 0x20000n,
  TID3: 0x40000n,
  TSC: 0x80000n,
  TIDCP: 0x100000n,
  TACR: 0x200000n,
  TSW: 0x400000n,
  TPC: 0x800000n,
  TPU: 0x1000000n,
  TTLB: 0x2000000n,
  TVM: 0x4000000n,
  TGE: 0x8000000n,
  TDZ: 0x10000000n,
  HCD: 0x20000000n,
  TRVM: 0x40000000n,
  RW: 0x80000000n,
  CD: 0x100000000n,
  ID: 0x200000000n,
} as const;

const TO_EL2: Trap = { el: 2 };
const TO_EL1: Trap = { el: 1 };

/** An exception from EL0 that EL1 would take goes to EL2 while HCR_EL2.TGE is set. */
export const el1OrTge = (cpu: Cpu): Trap => (cpu.el2Enabled && (cpu.hcr & HCR.TGE) !== 0n ? TO_EL2 : TO_EL1);

/** A bit of HCR_EL2 that traps EL1, and EL0 where it may access. */
export const hcrTrap =
  (bit: bigint, on?: 'read' | 'write'): TrapControl =>
  (cpu, write) => {
    if (on !== undefined && (on === 'write') !== write) return undefined;
    return cpu.state.el < 2 && cpu.el2Enabled && (cpu.hcr & bit) !== 0n ? TO_EL2 : undefined;
  };

/** MDSCR_EL1.TDCC: EL0's access to the debug communication channel. */
export const tdccTrap: TrapControl = (cpu) =>
  cpu.state.el === 0 && (cpu.register('MDSCR_EL1') & 0x1000n) !== 0n ? el1OrTge(cpu) : undefined;

/** A bit of MDCR_EL2 that traps EL1 and EL0; `TDE` implies the debug ones, as HCR_EL2.TGE does. */
export const mdcrTrap =
  (bits: bigint): TrapControl =>
  (cpu) => {
    if (cpu.state.el > 1 || !cpu.el2Enabled) return undefined;
    const forced = (bits & MDCR.TDE) !== 0n && (cpu.hcr & HCR.TGE) !== 0n;
    return forced || (cpu.register('MDCR_EL2') & bits) !== 0n ? TO_EL2 : undefined;
  };

/** A bit of MDCR_EL3 that traps lower levels. */
export const mdcr3Trap =
  (bits: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el < 3 && cpu.features.el3 && (cpu.register('MDCR_EL3') & bits) !== 0n ? { el: 3 } : undefined;

/** MDCR_EL2 and MDCR_EL3 bits. */
export const MDCR = {
  TPMCR: 0x20n,
  TPM: 0x40n,
  TDE: 0x100n,
  TDA: 0x200n,
  TDOSA: 0x400n,
  TDRA: 0x800n,
} as const;

/** An access from EL0 that SCTLR_EL1 must allow by a bit. */
export const sctlrAllows =
  (bit: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el === 0 && (cpu.register('SCTLR_EL1') & bit) === 0n ? el1OrTge(cpu) : undefined;

/** PMUSERENR_EL0: `bits` any of which allows EL0. */
export const pmuUser =
  (bits: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el === 0 && (cpu.register('PMUSERENR_EL0') & bits) === 0n ? el1OrTge(cpu) : undefined;

/** CNTKCTL_EL1: EL0's access to counters and timers. */
export const counterUser =
  (bit: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el === 0 && (cpu.register('CNTKCTL_EL1') & bit) === 0n ? el1OrTge(cpu) : undefined;

/** CNTHCTL_EL2: EL1PCTEN (bit 0) and EL1PCEN (bit 1) allow EL1 and EL0 the physical counter and timer. */
export const counterHyp =
  (bit: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el < 2 && cpu.el2Enabled && (cpu.register('CNTHCTL_EL2') & bit) === 0n ? TO_EL2 : undefined;

/** CPTR_EL2.TCPAC and CPTR_EL3.TCPAC (bit 31). */
export const cpacTrap: TrapControl = (cpu) => {
  const el = cpu.state.el;
  if (el === 1 && cpu.el2Enabled && (cpu.register('CPTR_EL2') & (1n << 31n)) !== 0n) return TO_EL2;
  if (el < 3 && cpu.features.el3 && (cpu.register('CPTR_EL3') & (1n << 31n)) !== 0n) return { el: 3 };
  return undefined;
};

/** CPTR_EL3.TCPAC: EL2's own CPTR_EL2. */
export const cptrTrap: TrapControl = (cpu) =>
  cpu.state.el === 2 && cpu.features.el3 && (cpu.register('CPTR_EL3') & (1n << 31n)) !== 0n
    ? { el: 3 }
    : undefined;

/** A register is there where its level is the highest: else it is UNDEFINED, also of an EL2 that is not there. */
export const ofHighest =
  (level: number) =>
  (cpu: Cpu): boolean =>
    cpu.highestEl === level;

/** CPACR_EL1.FPEN, CPTR_EL2.TFP and CPTR_EL3.TFP: where an access to FP or SIMD registers is trapped to, if at all. */
export const fpTrap: TrapControl = (cpu) => {
  const el = cpu.state.el;
  const fpen = Number((cpu.register('CPACR_EL1') >> 20n) & 3n);
  const tge = cpu.el2Enabled && (cpu.hcr & HCR.TGE) !== 0n;
  if (el < 2 && ((fpen & 1) === 0 || (el === 0 && fpen !== 3))) {
    // An exception that TGE takes from EL1 is reported as UNDEFINED (DDI 0487 D1.13, CPACR_EL1.FPEN).
    return tge ? { el: 2, ec: EC.Unknown } : { el: 1, ec: EC.FpAccess };
  }
  const tfp = 1n << 10n;
  if (el < 3 && cpu.el2Enabled && (cpu.register('CPTR_EL2') & tfp) !== 0n) return { el: 2, ec: EC.FpAccess };
  if (cpu.features.el3 && (cpu.register('CPTR_EL3') & tfp) !== 0n) return { el: 3, ec: EC.FpAccess };
  return undefined;
};

/** SCTLR_EL1.DZE and UCI, and HCR_EL2.TPC, TPU and TDZ: whether any may trap DC and IC by address at the current level. */
export const cacheMaintenanceMayTrap = (cpu: Cpu): boolean => {
  const allowed = (1n << 14n) | (1n << 26n);
  if (cpu.state.el === 0 && (cpu.register('SCTLR_EL1') & allowed) !== allowed) return true;
  return cpu.state.el < 2 && cpu.el2Enabled && (cpu.hcr & (HCR.TPC | HCR.TPU | HCR.TDZ)) !== 0n;
};
