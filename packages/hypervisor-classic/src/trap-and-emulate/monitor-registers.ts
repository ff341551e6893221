// MRS and MSR of the performance monitors (DDI 0487 D17.5) on a vCPU's: what is written counts from the next instruction on, what is read
// was counted up to the one before.

import type { SystemRegister } from '@worldswitch/platform';
import { systemRegister } from '@worldswitch/vmm';

import type { Emulation } from './emulation.ts';
import {
  ALL_COUNTERS,
  CONTROL,
  counterRegisters,
  EVENT,
  FILTER,
  MonitorEvent,
  Pm,
  Pmcr,
  typeRegisters,
} from './monitors.ts';
import type { SpecialRegister } from './special-registers.ts';

/** PMUSERENR_EL0 fields. */
const User = { EN: 1, SW: 2, CR: 4, ER: 8 } as const;
/** PMCR_EL0.IMP, IDCODE and N, which are the hardware's. */
const IDENTIFICATION = 0xffff_f800;
/** PMSELR_EL0.SEL, and the one of them that is the cycle counter's filter. */
const [SELECTED, THE_CYCLES] = [31, 31];

type Allowed = NonNullable<SpecialRegister['user']>;
/** EL0 needs EN, or another bit for accesses of one kind or of both. */
const user =
  (more = 0, on?: 'read' | 'write'): Allowed =>
  (e, write) => {
    const also = on === undefined || (on === 'write') === write ? more : 0;
    return (e.vcpu.get(Pm.user) & (User.EN | also)) !== 0;
  };

/** A write that changes what is counted: it is itself counted by what was before. */
const change =
  (apply: (e: Emulation) => void): NonNullable<SpecialRegister['write']> =>
  (e) => {
    const { monitors } = e.vcpu;
    e.retire();
    monitors.settle(e.port);
    apply(e);
    monitors.changed();
    return undefined;
  };

/** A pair of registers that set and clear the same bits. */
function pair(kept: SystemRegister, allowed?: Allowed): readonly [SpecialRegister, SpecialRegister] {
  const read = (e: Emulation): undefined => {
    if (kept === Pm.overflow) e.vcpu.monitors.settle(e.port);
    e.value.lo = e.vcpu.get(kept);
    e.value.hi = 0;
  };
  const write = (clears: boolean): NonNullable<SpecialRegister['write']> =>
    change(({ vcpu, value }) => {
      const bits = value.lo & ALL_COUNTERS;
      const old = vcpu.get(kept);
      vcpu.set(kept, (clears ? old & ~bits : old | bits) >>> 0, 0);
    });
  const both = { read, ...(allowed && { user: allowed }) };
  return [
    { ...both, write: write(false) },
    { ...both, write: write(true) },
  ];
}

const [enable, disable] = pair(Pm.enable, user());
const [overflow, overflowClear] = pair(Pm.overflow, user());
const [interrupts, interruptsOff] = pair(Pm.interrupts);

const control: SpecialRegister = {
  user: user(),
  read: ({ port, vcpu, value }) => {
    port.readSystem(Pm.control, value);
    value.lo = ((value.lo & IDENTIFICATION) | vcpu.get(Pm.control)) >>> 0;
    value.hi = 0;
    return undefined;
  },
  write: change(({ vcpu, value }) => {
    vcpu.set(Pm.control, value.lo & CONTROL, 0);
    if ((value.lo & Pmcr.P) !== 0) for (const counter of counterRegisters) vcpu.set(counter, 0, 0);
    if ((value.lo & Pmcr.C) !== 0) vcpu.monitors.resetCycles();
  }),
};

/** Types, and the cycle counter's filter; those that are not there read zero. */
function readType({ vcpu, value }: Emulation, n: number): void {
  const register = n === THE_CYCLES ? Pm.cycleFilter : typeRegisters[n];
  value.lo = register === undefined ? 0 : vcpu.get(register);
  value.hi = 0;
}
function writeType({ vcpu, value }: Emulation, n: number): void {
  const register = n === THE_CYCLES ? Pm.cycleFilter : typeRegisters[n];
  const kept = n === THE_CYCLES ? FILTER : FILTER | EVENT;
  if (register !== undefined) vcpu.set(register, (value.lo & kept) >>> 0, 0);
}
const type = (of: (e: Emulation) => number): SpecialRegister => ({
  user: user(),
  read: (e) => {
    readType(e, of(e));
    return undefined;
  },
  write: change((e) => {
    writeType(e, of(e));
  }),
});
const counter = (of: (e: Emulation) => number): SpecialRegister => ({
  user: user(User.ER, 'read'),
  read: (e) => {
    e.vcpu.monitors.readCounter(e.port, of(e), e.retired, e.value);
    return undefined;
  },
  write: change((e) => {
    const register = counterRegisters[of(e)];
    if (register !== undefined) e.vcpu.set(register, e.value.lo, 0);
  }),
});
const selected = ({ vcpu }: Emulation): number => vcpu.get(Pm.select) & SELECTED;

/** One of the hardware's own that says what there is. */
const there = (name: string): SpecialRegister => {
  const register = systemRegister(name);
  return {
    user: user(),
    read: (e) => {
      e.port.readSystem(register, e.value);
      return undefined;
    },
  };
};

/** By architectural name. */
export const monitorRegisters: Readonly<Record<string, SpecialRegister>> = {
  PMCR_EL0: control,
  PMCNTENSET_EL0: enable,
  PMCNTENCLR_EL0: disable,
  PMOVSSET_EL0: overflow,
  PMOVSCLR_EL0: overflowClear,
  PMINTENSET_EL1: interrupts,
  PMINTENCLR_EL1: interruptsOff,
  PMSWINC_EL0: {
    user: user(User.SW),
    write: ({ vcpu, value }) => {
      vcpu.monitors.happened(MonitorEvent.SW_INCR, vcpu.level, value.lo);
      return undefined;
    },
  },
  PMSELR_EL0: { user: user(User.ER) },
  PMCEID0_EL0: there('PMCEID0_EL0'),
  PMCEID1_EL0: there('PMCEID1_EL0'),
  PMCCNTR_EL0: {
    user: user(User.CR, 'read'),
    read: (e) => {
      e.vcpu.monitors.readCycles(e.port, e.value);
      return undefined;
    },
    write: change(({ vcpu, value }) => {
      vcpu.set(Pm.cycles, value.lo, value.hi);
    }),
  },
  PMCCFILTR_EL0: type(() => THE_CYCLES),
  PMXEVTYPER_EL0: type(selected),
  PMXEVCNTR_EL0: counter(selected),
  ...Object.fromEntries(
    counterRegisters.flatMap((_, n) => [
      [`PMEVCNTR${n}_EL0`, counter(() => n)],
      [`PMEVTYPER${n}_EL0`, type(() => n)],
    ]),
  ),
};
