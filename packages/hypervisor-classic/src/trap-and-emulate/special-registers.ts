// Virtual registers that are more than storage: PSTATE's, banked stack pointers, identification, timers, debug, and those whose writes
// change translation or the hardware's controls.

import type { SystemRegister } from '@worldswitch/platform';
import { identificationRegisters, systemRegister, virtualMpidr } from '@worldswitch/vmm';

import { Sctlr } from './controls.ts';
import { debugRegisters, Mdscr } from './debug.ts';
import type { Emulation } from './emulation.ts';
import { Spsr } from './frame.ts';
import { gicRegisters } from './gic-registers.ts';
import { monitorRegisters } from './monitor-registers.ts';
import { MonitorEvent } from './monitors.ts';

/** What a register does. `false` is UNDEFINED. */
export interface SpecialRegister {
  /** Fills `value`; absent: the virtual register. */
  readonly read?: (e: Emulation) => boolean | undefined;
  /** Takes `value`; absent: the virtual register's writable bits. */
  readonly write?: (e: Emulation) => boolean | undefined;
  /** After a write. */
  readonly written?: (e: Emulation) => void;
  /** The guest's own controls allow EL0's access. */
  readonly user?: (e: Emulation, write: boolean) => boolean;
}

const SCTLR_EL1 = systemRegister('SCTLR_EL1');
const CNTKCTL_EL1 = systemRegister('CNTKCTL_EL1');
const CSSELR_EL1 = systemRegister('CSSELR_EL1');
const CCSIDR_EL1 = systemRegister('CCSIDR_EL1');
const OSLSR_EL1 = systemRegister('OSLSR_EL1');
const MDSCR_EL1 = systemRegister('MDSCR_EL1');
const DBGCLAIMCLR_EL1 = systemRegister('DBGCLAIMCLR_EL1');

/** The value of halves. */
function give(e: Emulation, lo: number, hi = 0): undefined {
  e.value.lo = lo >>> 0;
  e.value.hi = hi >>> 0;
  return undefined;
}

/** A register of the hardware itself. */
const hardware = (name: string, user?: SpecialRegister['user']): SpecialRegister => {
  const register = systemRegister(name);
  return {
    read: (e) => {
      e.port.readSystem(register, e.value);
      return undefined;
    },
    write: (e) => {
      e.port.writeSystem(register, e.value.lo, e.value.hi);
      return undefined;
    },
    ...(user && { user }),
  };
};

/** EL0 needs a bit of SCTLR_EL1, or of CNTKCTL_EL1. */
const needs =
  (register: SystemRegister, bit: number): NonNullable<SpecialRegister['user']> =>
  (e) =>
    (e.vcpu.get(register) & bit) !== 0;

const Kctl = { PCTEN: 1, VCTEN: 2, VTEN: 1 << 8, PTEN: 1 << 9 } as const;
const kctl = (bit: number): NonNullable<SpecialRegister['user']> => needs(CNTKCTL_EL1, bit);

/** What translation looks at. */
const translation: SpecialRegister = {
  written: (e) => {
    e.vm.memory.written(e.port, e.vcpu);
    e.stale = true;
  },
};
/** The same, of an event that the monitors count. */
const table: SpecialRegister = {
  written: (e) => {
    translation.written?.(e);
    if (e.vcpu.monitors.counting) e.vcpu.monitors.happened(MonitorEvent.TTBR_WRITE_RETIRED, e.vcpu.level);
  },
};
/** What the hardware's controls follow. */
const controlling: SpecialRegister = {
  written: (e) => {
    e.stale = true;
  },
};

const pstate: Readonly<Record<string, SpecialRegister>> = {
  DAIF: {
    user: needs(SCTLR_EL1, Sctlr.UMA),
    read: (e) => {
      give(e, e.vcpu.daif);
    },
    write: (e) => {
      e.vcpu.daif = e.value.lo & Spsr.DAIF;
      if (e.vcpu.debugsKernel) e.stale = true;
      return undefined;
    },
  },
  CurrentEL: {
    read: (e) => {
      give(e, e.vcpu.level << 2);
    },
  },
  SPSel: {
    read: (e) => {
      give(e, e.vcpu.spSel);
    },
    write: (e) => {
      e.vcpu.setMode(e.port, 1, e.value.lo & 1);
      return undefined;
    },
  },
  SP_EL0: {
    // UNDEFINED where it is the current stack pointer.
    read: (e) => {
      if (e.vcpu.spSel === 0) return false;
      e.vcpu.readSp(e.port, 0, e.value);
      return undefined;
    },
    write: (e) => {
      if (e.vcpu.spSel === 0) return false;
      e.vcpu.writeSp(e.port, 0, e.value.lo, e.value.hi);
      return undefined;
    },
  },
  ISR_EL1: {
    read: (e) => {
      give(e, e.vm.interrupts.status(e.vcpu.index));
    },
  },
};

const timer = (which: 'virtual' | 'physical', prefix: string, bit: number) => ({
  [`${prefix}_CTL_EL0`]: {
    user: kctl(bit),
    read: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].readControl(e.value);
      return undefined;
    },
    write: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].writeControl(e.value.lo);
      return undefined;
    },
  },
  [`${prefix}_CVAL_EL0`]: {
    user: kctl(bit),
    read: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].readCompare(e.value);
      return undefined;
    },
    write: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].writeCompare(e.value.lo, e.value.hi);
      return undefined;
    },
  },
  [`${prefix}_TVAL_EL0`]: {
    user: kctl(bit),
    read: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].readValue(e.value);
      return undefined;
    },
    write: (e: Emulation): undefined => {
      e.vm.timers(e.vcpu)[which].writeValue(e.value.lo);
      return undefined;
    },
  },
});

const count = (bit: number): SpecialRegister => ({
  user: kctl(bit),
  read: (e) => {
    e.vm.timers(e.vcpu).count(e.value);
    return undefined;
  },
});

const timers: Readonly<Record<string, SpecialRegister>> = {
  CNTFRQ_EL0: { user: kctl(Kctl.PCTEN | Kctl.VCTEN) },
  CNTPCT_EL0: count(Kctl.PCTEN),
  CNTVCT_EL0: count(Kctl.VCTEN),
  ...timer('virtual', 'CNTV', Kctl.VTEN),
  ...timer('physical', 'CNTP', Kctl.PTEN),
};

const identification: Readonly<Record<string, SpecialRegister>> = {
  ...Object.fromEntries(
    identificationRegisters.map((name): [string, SpecialRegister] => [
      name,
      {
        read: (e) => {
          e.vm.id.read(name, e.value);
          return undefined;
        },
      },
    ]),
  ),
  MIDR_EL1: hardware('MIDR_EL1'),
  REVIDR_EL1: hardware('REVIDR_EL1'),
  AIDR_EL1: hardware('AIDR_EL1'),
  CLIDR_EL1: hardware('CLIDR_EL1'),
  CTR_EL0: hardware('CTR_EL0', needs(SCTLR_EL1, Sctlr.UCT)),
  DCZID_EL0: hardware('DCZID_EL0'),
  CBAR_EL1: hardware('CBAR_EL1'),
  MPIDR_EL1: {
    read: (e) => {
      give(e, virtualMpidr(e.vcpu.index));
    },
  },
  CCSIDR_EL1: {
    read: (e) => {
      e.port.writeSystem(CSSELR_EL1, e.vcpu.get(CSSELR_EL1), 0);
      e.port.readSystem(CCSIDR_EL1, e.value);
      return undefined;
    },
  },
};

/** MDSCR_EL1.TDCC lets EL0 to the debug communication channel. */
const channelOpen: NonNullable<SpecialRegister['user']> = (e) => (e.vcpu.get(MDSCR_EL1) & Mdscr.TDCC) === 0;

const debug: Readonly<Record<string, SpecialRegister>> = {
  ...Object.fromEntries(debugRegisters.map((name) => [name, controlling])),
  OSLAR_EL1: {
    write: (e) => {
      e.vcpu.set(OSLSR_EL1, 8 | ((e.value.lo & 1) << 1), 0);
      e.stale = true;
      return undefined;
    },
  },
  DBGCLAIMSET_EL1: {
    read: (e) => {
      give(e, 0xff);
    },
    write: (e) => {
      e.vcpu.set(DBGCLAIMCLR_EL1, e.vcpu.get(DBGCLAIMCLR_EL1) | (e.value.lo & 0xff), 0);
      return undefined;
    },
  },
  DBGCLAIMCLR_EL1: {
    write: (e) => {
      e.vcpu.set(DBGCLAIMCLR_EL1, e.vcpu.get(DBGCLAIMCLR_EL1) & ~e.value.lo, 0);
      return undefined;
    },
  },
  DBGAUTHSTATUS_EL1: {
    read: (e) => {
      give(e, 0xa);
    },
  },
  DBGDTR_EL0: { user: channelOpen },
  DBGDTRRX_EL0: { user: channelOpen },
  // TXfull and RXfull: nobody is at the other end of the channel.
  MDCCSR_EL0: {
    user: channelOpen,
    read: (e) => {
      give(e, 0);
    },
  },
};

/** By architectural name. */
export const specialRegisters: Readonly<Record<string, SpecialRegister | undefined>> = {
  SCTLR_EL1: translation,
  TCR_EL1: translation,
  TTBR0_EL1: table,
  TTBR1_EL1: table,
  MAIR_EL1: translation,
  CPACR_EL1: controlling,
  TPIDR_EL0: hardware('TPIDR_EL0'),
  TPIDRRO_EL0: hardware('TPIDRRO_EL0'),
  ...pstate,
  ...timers,
  ...identification,
  ...debug,
  ...gicRegisters,
  CONTEXTIDR_EL1: {
    written: (e) => {
      controlling.written?.(e);
      if (e.vcpu.monitors.counting) e.vcpu.monitors.happened(MonitorEvent.CID_WRITE_RETIRED, e.vcpu.level);
    },
  },
  ...monitorRegisters,
};
