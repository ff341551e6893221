// Trap controls of system registers: HCR_EL2, CPACR_EL1, CPTR_EL2, HSTR, MDCR_EL2, CNTKCTL, CNTHCTL, SCTLR_EL1 (DDI 0487 D1.13).

import type { Cpu } from '../cpu.ts';
import { EC } from '../syndrome.ts';

import type { Trap, TrapControl } from './entry.ts';

/** Bits of HCR_EL2 that the CPU uses. */
export const HCR = {
  VM: 1n << 0n, SWIO: 1n << 1n, PTW: 1n << 2n, FMO: 1n << 3n, IMO: 1n << 4n, AMO: 1n << 5n, VF: 1n << 6n, VI: 1n << 7n,
  VSE: 1n << 8n, FB: 1n << 9n, DC: 1n << 12n, TWI: 1n << 13n, TWE: 1n << 14n, TID0: 1n << 15n, TID1: 1n << 16n,
  TID2: 1n << 17n, TID3: 1n << 18n, TSC: 1n << 19n, TIDCP: 1n << 20n, TACR: 1n << 21n, TSW: 1n << 22n, TPC: 1n << 23n,
  TPU: 1n << 24n, TTLB: 1n << 25n, TVM: 1n << 26n, TGE: 1n << 27n, TDZ: 1n << 28n, HCD: 1n << 29n, TRVM: 1n << 30n,
  RW: 1n << 31n, CD: 1n << 32n, ID: 1n << 33n,
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

/** A bit of MDCR_EL2 that traps EL1 and EL0; `TDE` implies the debug ones. */
export const mdcrTrap =
  (bits: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el < 2 && cpu.el2Enabled && (cpu.register('MDCR_EL2') & bits) !== 0n ? TO_EL2 : undefined;

/** A bit of MDCR_EL3 that traps lower levels. */
export const mdcr3Trap =
  (bits: bigint): TrapControl =>
  (cpu) =>
    cpu.state.el < 3 && cpu.features.el3 && (cpu.register('MDCR_EL3') & bits) !== 0n ? { el: 3 } : undefined;

/** MDCR_EL2 and MDCR_EL3 bits. */
export const MDCR = { TPMCR: 1n << 5n, TPM: 1n << 6n, TDE: 1n << 8n, TDA: 1n << 9n, TDOSA: 1n << 10n, TDRA: 1n << 11n } as const;

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

/** CPACR_EL1.FPEN, CPTR_EL2.TFP and CPTR_EL3.TFP: where an access to FP or SIMD registers is trapped to, if at all. */
export const fpTrap: TrapControl = (cpu) => {
  const el = cpu.state.el;
  const fpen = Number((cpu.register('CPACR_EL1') >> 20n) & 3n);
  const tge = cpu.el2Enabled && (cpu.hcr & HCR.TGE) !== 0n;
  if (!tge && el < 2 && ((fpen & 1) === 0 || (el === 0 && fpen !== 3))) return { el: 1, ec: EC.FpAccess };
  const tfp = 1n << 10n;
  if (el < 3 && cpu.el2Enabled && (cpu.register('CPTR_EL2') & tfp) !== 0n) return { el: 2, ec: EC.FpAccess };
  if (cpu.features.el3 && (cpu.register('CPTR_EL3') & tfp) !== 0n) return { el: 3, ec: EC.FpAccess };
  return undefined;
};

/** HCR_EL2.TIDCP and IMPLEMENTATION DEFINED registers. */
export const tidcp: TrapControl = hcrTrap(HCR.TIDCP);

/** SCTLR_EL1.DZE and UCI, and HCR_EL2.TPC, TPU and TDZ: whether any may trap DC and IC by address at the current level. */
export const cacheMaintenanceMayTrap = (cpu: Cpu): boolean => {
  const allowed = (1n << 14n) | (1n << 26n);
  if (cpu.state.el === 0 && (cpu.register('SCTLR_EL1') & allowed) !== allowed) return true;
  return cpu.state.el < 2 && cpu.el2Enabled && (cpu.hcr & (HCR.TPC | HCR.TPU | HCR.TDZ)) !== 0n;
};
