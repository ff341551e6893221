// Debug registers (DDI 0487 D17.3): self-hosted debug, the OS locks, the debug communication channel without a debugger.
// `debug/` acts on them.

import type { Cpu } from '../cpu.ts';
import { MDSCR } from '../debug/enables.ts';
import { BREAKPOINTS, WATCHPOINTS } from '../debug/match.ts';
import { ALL, LOW32 } from './entry.ts';
import type { Definition } from './entry.ts';
import { MDCR, mdcr3Trap, mdcrTrap, tdccTrap } from './traps.ts';

const tda = [mdcrTrap(MDCR.TDA | MDCR.TDE), mdcr3Trap(MDCR.TDA)];
const tdosa = [mdcrTrap(MDCR.TDOSA | MDCR.TDE), mdcr3Trap(MDCR.TDOSA)];
const tdra = [mdcrTrap(MDCR.TDRA | MDCR.TDE), mdcr3Trap(MDCR.TDA)];
const dcc = [tdccTrap, ...tda];

/** A register whose write may arm something: write the cell, then find out. */
const arming =
  (name: string) =>
  (cpu: Cpu, value: bigint): void => {
    cpu.setRegister(name, value);
    cpu.debug.changed();
  };
const armed = (
  name: string,
  at: Definition['at'],
  writable: bigint,
  traps: Definition['traps'] = tda,
): Definition => ({ name, at, traps, writable, write: arming(name) });

/** What an address breakpoint compares, and what one does that is also for contexts. */
const ADDRESS = ALL ^ 3n;
const FIRST_CONTEXT_AWARE = BREAKPOINTS - 2;
const points: readonly Definition[] = [
  ...Array.from({ length: BREAKPOINTS }, (_, n) => [
    armed(`DBGBVR${String(n)}_EL1`, [2, 0, 0, n, 4], n < FIRST_CONTEXT_AWARE ? ADDRESS : ALL),
    armed(`DBGBCR${String(n)}_EL1`, [2, 0, 0, n, 5], 0x00ff_e1e7n),
  ]).flat(),
  ...Array.from({ length: WATCHPOINTS }, (_, n) => [
    armed(`DBGWVR${String(n)}_EL1`, [2, 0, 0, n, 6], ADDRESS),
    armed(`DBGWCR${String(n)}_EL1`, [2, 0, 0, n, 7], 0x1f1f_ffffn),
  ]).flat(),
];

const osLock = (cpu: Cpu): boolean => (cpu.register('OSLSR_EL1') & 2n) !== 0n;

/** Bits of MDSCR_EL1 that are an external debugger's, and software's only while the OS lock is set, to save and restore them. */
const EXTERNAL =
  MDSCR.ERR | MDSCR.HDE | MDSCR.TDA | MDSCR.INTdis | MDSCR.TXU | MDSCR.RXO | MDSCR.TXfull | MDSCR.RXfull;
const SELF_HOSTED = MDSCR.SS | MDSCR.TDCC | MDSCR.KDE | MDSCR.MDE;

function writeMdscr(cpu: Cpu, value: bigint): void {
  const kept = osLock(cpu) ? 0n : EXTERNAL;
  cpu.setRegister('MDSCR_EL1', (value & ~kept) | (cpu.register('MDSCR_EL1') & kept));
  cpu.debug.changed();
}

/** TXfull and RXfull. */
const setFlags = (cpu: Cpu, set: bigint, clear = 0n): void => {
  cpu.setRegister('MDSCR_EL1', (cpu.register('MDSCR_EL1') & ~clear) | set);
  cpu.debug.channelChanged();
};

/** The debug communication channel: OSDTRRX_EL1 and OSDTRTX_EL1 hold its words. Nobody is at the other end. */
const channel: readonly Definition[] = [
  { name: 'OSDTRRX_EL1', at: [2, 0, 0, 0, 2], traps: tda, writable: LOW32 },
  { name: 'OSDTRTX_EL1', at: [2, 0, 0, 3, 2], traps: tda, writable: LOW32 },
  {
    // TX and RX are where TXfull and RXfull are in MDSCR_EL1.
    name: 'MDCCINT_EL1',
    at: [2, 0, 0, 2, 0],
    traps: tda,
    writable: MDSCR.TXfull | MDSCR.RXfull,
    write: (cpu, value) => {
      cpu.setRegister('MDCCINT_EL1', value);
      cpu.debug.channelChanged();
    },
  },
  {
    name: 'MDCCSR_EL0',
    at: [2, 3, 0, 1, 0],
    minWrite: 4,
    traps: dcc,
    read: (cpu) => cpu.register('MDSCR_EL1') & (MDSCR.TXfull | MDSCR.RXfull),
  },
  {
    name: 'DBGDTR_EL0',
    at: [2, 3, 0, 4, 0],
    traps: dcc,
    read(cpu) {
      setFlags(cpu, 0n, MDSCR.RXfull);
      return (cpu.register('OSDTRTX_EL1') << 32n) | cpu.register('OSDTRRX_EL1');
    },
    write(cpu, value) {
      cpu.setRegister('OSDTRRX_EL1', value >> 32n);
      cpu.setRegister('OSDTRTX_EL1', value & LOW32);
      setFlags(cpu, MDSCR.TXfull);
    },
  },
  {
    // DBGDTRTX_EL0 when written.
    name: 'DBGDTRRX_EL0',
    at: [2, 3, 0, 5, 0],
    traps: dcc,
    read(cpu) {
      setFlags(cpu, 0n, MDSCR.RXfull);
      return cpu.register('OSDTRRX_EL1');
    },
    write(cpu, value) {
      cpu.setRegister('OSDTRTX_EL1', value & LOW32);
      setFlags(cpu, MDSCR.TXfull);
    },
  },
];

const locks: readonly Definition[] = [
  {
    name: 'OSLAR_EL1',
    at: [2, 0, 1, 0, 4],
    minRead: 4,
    traps: tdosa,
    write: (cpu, value) => {
      cpu.setRegister('OSLSR_EL1', 8n | ((value & 1n) << 1n));
      cpu.debug.changed();
    },
  },
  { name: 'OSLSR_EL1', at: [2, 0, 1, 1, 4], minWrite: 4, traps: tdosa, reset: 0xan },
  armed('OSDLR_EL1', [2, 0, 1, 3, 4], 1n, tdosa),
  armed('DBGPRCR_EL1', [2, 0, 1, 4, 4], 1n, tdosa),
  {
    name: 'OSECCR_EL1',
    at: [2, 0, 0, 6, 2],
    traps: tda,
    writable: LOW32,
    read: (cpu) => (osLock(cpu) ? cpu.register('OSECCR_EL1') : 0n),
    write: (cpu, value) => {
      if (osLock(cpu)) cpu.setRegister('OSECCR_EL1', value);
    },
  },
];

/** Eight claim tags: DBGCLAIMCLR_EL1 holds them. */
const CLAIM_TAGS = 0xffn;
const claims: readonly Definition[] = [
  {
    name: 'DBGCLAIMSET_EL1',
    at: [2, 0, 7, 8, 6],
    traps: tda,
    read: () => CLAIM_TAGS,
    write: (cpu, value) => {
      cpu.setRegister('DBGCLAIMCLR_EL1', cpu.register('DBGCLAIMCLR_EL1') | (value & CLAIM_TAGS));
    },
  },
  {
    name: 'DBGCLAIMCLR_EL1',
    at: [2, 0, 7, 9, 6],
    traps: tda,
    write: (cpu, value) => {
      cpu.setRegister('DBGCLAIMCLR_EL1', cpu.register('DBGCLAIMCLR_EL1') & ~value);
    },
  },
];

/** All of them. */
export const debugRegisters: readonly Definition[] = [
  ...points,
  ...channel,
  {
    name: 'MDSCR_EL1',
    at: [2, 0, 0, 2, 2],
    traps: tda,
    writable: EXTERNAL | SELF_HOSTED,
    write: writeMdscr,
  },
  { name: 'DBGVCR32_EL2', at: [2, 4, 0, 7, 0], traps: tda, writable: LOW32 },
  // No ROM table.
  { name: 'MDRAR_EL1', at: [2, 0, 1, 0, 0], minWrite: 4, traps: tdra, read: () => 0n },
  ...locks,
  ...claims,
  {
    name: 'DBGAUTHSTATUS_EL1',
    at: [2, 0, 7, 14, 6],
    minWrite: 4,
    traps: tda,
    // External debug is implemented and off, in both Security states where there are two.
    read: (cpu) => (cpu.features.el3 ? 0xaan : 0xan),
  },
];
