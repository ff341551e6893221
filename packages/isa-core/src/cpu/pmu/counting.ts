// Which counters count in the current state (DDI 0487 D7.5 to D7.7; J1: AArch64.CountEvents), and what they count.

import type { Cpu } from '../cpu.ts';

/** Event counters, as Cortex-A53, A57 and A72 have them. */
export const COUNTERS = 6;
/** The cycle counter's bit in the registers that have one for each counter. */
export const CYCLES = 31;

/** Events that are counted (D7.10.3), by number: PMCEID0_EL0 says just these. */
export const Event = {
  SW_INCR: 0x00,
  INST_RETIRED: 0x08,
  EXC_TAKEN: 0x09,
  EXC_RETURN: 0x0a,
  CID_WRITE_RETIRED: 0x0b,
  CPU_CYCLES: 0x11,
  TTBR_WRITE_RETIRED: 0x1c,
  CHAIN: 0x1e,
} as const;

/** PMCEID0_EL0. */
export const commonEvents: bigint = Object.values(Event).reduce((all, n) => all | (1n << BigInt(n)), 0n);

/** PMCR_EL0's bits. */
export const PMCR = { E: 1n, P: 2n, C: 4n, D: 8n, X: 16n, DP: 32n, LC: 64n } as const;

/** MDCR_EL2.HPME and MDCR_EL3.SPME. */
const HPME = 1n << 7n;
const SPME = 1n << 17n;

/** Names of the registers of event counters. */
export const PMEVCNTR: readonly string[] = Array.from(
  { length: COUNTERS },
  (_, n) => `PMEVCNTR${String(n)}_EL0`,
);
export const PMEVTYPER: readonly string[] = Array.from(
  { length: COUNTERS },
  (_, n) => `PMEVTYPER${String(n)}_EL0`,
);

/** The event of a counter. */
export const eventOf = (cpu: Cpu, n: number): number =>
  n === CYCLES ? Event.CPU_CYCLES : Number(cpu.register(PMEVTYPER[n] ?? '') & 0x3ffn);

/** MDCR_EL2.HPMN: the counters below are EL1's and EL0's. More than there are is all. */
const guestCounters = (cpu: Cpu): number =>
  cpu.features.el2 ? Math.min(Number(cpu.register('MDCR_EL2') & 31n), COUNTERS) : COUNTERS;

/** Event counters that the current level sees: PMCR_EL0.N. */
export const visibleCounters = (cpu: Cpu): number =>
  cpu.state.el < 2 && cpu.el2Enabled ? guestCounters(cpu) : COUNTERS;

/** The bits that the current level sees of registers that have one for each counter. */
export const visibleMask = (cpu: Cpu): bigint =>
  (1n << BigInt(CYCLES)) | ((1n << BigInt(visibleCounters(cpu))) - 1n);

/** PMCR_EL0.E, or MDCR_EL2.HPME for the counters that EL2 keeps. */
export function groupEnabled(cpu: Cpu, n: number): boolean {
  if (n !== CYCLES && n >= guestCounters(cpu)) return (cpu.register('MDCR_EL2') & HPME) !== 0n;
  return (cpu.register('PMCR_EL0') & PMCR.E) !== 0n;
}

/** PMEVTYPER's and PMCCFILTR's P, U, NSK, NSU, NSH and M: true if events of the current level are not counted. */
function filtered(cpu: Cpu, filter: bigint): boolean {
  const bit = (n: bigint, there = true): boolean => there && (filter & (1n << n)) !== 0n;
  const { el2, el3 } = cpu.features;
  const p = bit(31n);
  switch (cpu.state.el) {
    case 0:
      return cpu.secure ? bit(30n) : bit(30n) !== bit(28n, el3);
    case 1:
      return cpu.secure ? p : p !== bit(29n, el3);
    case 2:
      return !bit(27n, el2);
    default:
      return bit(26n) !== p;
  }
}

/** AArch64.CountEvents(): whether a counter counts now. */
export function counts(cpu: Cpu, n: number): boolean {
  if ((cpu.register('PMCNTENSET_EL0') & (1n << BigInt(n))) === 0n || !groupEnabled(cpu, n)) return false;
  const prohibited = cpu.features.el3 && cpu.secure && (cpu.register('MDCR_EL3') & SPME) === 0n;
  if (prohibited && (n !== CYCLES || (cpu.register('PMCR_EL0') & PMCR.DP) !== 0n)) return false;
  return !filtered(cpu, cpu.register(n === CYCLES ? 'PMCCFILTR_EL0' : (PMEVTYPER[n] ?? '')));
}
