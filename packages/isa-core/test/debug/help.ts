// What the tests of debug share: programming the debug registers of a CPU whose OS lock is clear, and what its exceptions said.

import { machine } from '../reference/machine.ts';
import type { Machine } from '../reference/machine.ts';

/** MDSCR_EL1's bits. */
export const SS = 1n;
export const KDE = 1n << 13n;
export const MDE = 1n << 15n;
/** SPSR_ELx.SS. */
export const SPSR_SS = 1n << 21n;

/** Exception classes, from a lower level and from the same. */
export const Class = {
  breakpoint: 0x30,
  breakpointSame: 0x31,
  step: 0x32,
  stepSame: 0x33,
  watchpoint: 0x34,
  watchpointSame: 0x35,
  svc: 0x15,
  none: 0,
} as const;

/** Sets registers as if by MSR, and lets the debug logic know. */
export function program(m: Machine, registers: Readonly<Record<string, bigint>>): void {
  for (const [name, value] of Object.entries(registers)) m.cpu.setRegister(name, value);
  m.cpu.contextChanged();
  m.cpu.debug.changed();
}

/** A machine at EL1 without OS lock, where debug exceptions are enabled at EL1 too: KDE is set and PSTATE.D is clear. */
export function debugMachine(
  registers: Readonly<Record<string, bigint>> = {},
  features: Parameters<typeof machine>[0] = {},
): Machine {
  const m = machine(features);
  m.cpu.state.daif = 0;
  program(m, { OSLSR_EL1: 8n, MDSCR_EL1: MDE | KDE, ...registers });
  return m;
}

/** The syndrome of an exception level. */
export const syndromeOf = (m: Machine, el = 1): number => Number(m.cpu.register(`ESR_EL${String(el)}`));
