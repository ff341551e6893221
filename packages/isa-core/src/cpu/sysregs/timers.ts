// The generic timer's registers (DDI 0487 D11, D17.8): the traps are here, the values in the bank that the board plugs in.

import type { Cpu } from '../cpu.ts';
import type { Definition, Trap, TrapControl } from './entry.ts';
import { counterHyp, counterUser } from './traps.ts';

/** CNTKCTL_EL1: EL0PCTEN, EL0VCTEN, EL0VTEN, EL0PTEN. */
const KCTL = { PCTEN: 1n, VCTEN: 2n, VTEN: 1n << 8n, PTEN: 1n << 9n } as const;
const pct: readonly TrapControl[] = [counterUser(KCTL.PCTEN), counterHyp(1n)];
const vct: readonly TrapControl[] = [counterUser(KCTL.VCTEN)];
const pt: readonly TrapControl[] = [counterUser(KCTL.PTEN), counterHyp(2n)];
const vt: readonly TrapControl[] = [counterUser(KCTL.VTEN)];

const el0 = (
  name: string,
  crm: number,
  op2: number,
  traps: readonly TrapControl[],
  more: Partial<Definition> = {},
): Definition => ({
  name,
  at: [3, 3, 14, crm, op2],
  traps,
  ...more,
});

/** UNDEFINED, at whatever level. */
const undefinedHere = (cpu: Cpu): Trap => ({ el: Math.max(cpu.state.el, 1), ec: 0 });

/** Reads of the frequency need either counter to be open to EL0; only the highest level may write it. */
const frequency: TrapControl = (cpu, write) => {
  if (!write) return counterUser(KCTL.PCTEN | KCTL.VCTEN)(cpu, write);
  return cpu.state.el === cpu.highestEl ? undefined : undefinedHere(cpu);
};

/** CNTPS_*_EL1: Secure EL1 only where SCR_EL3.ST allows; UNDEFINED in the Non-secure state. */
const secureTimer: TrapControl = (cpu) => {
  if (cpu.state.el === 3) return undefined;
  if (!cpu.secure || cpu.state.el === 2) return undefinedHere(cpu);
  return (cpu.register('SCR_EL3') & (1n << 11n)) === 0n ? { el: 3 } : undefined;
};

/** All of them. Who plugs in no bank has no timers: the accesses are then UNDEFINED. */
export const timers: readonly Definition[] = [
  el0('CNTFRQ_EL0', 0, 0, [frequency], { minWrite: 1 }),
  el0('CNTPCT_EL0', 0, 1, pct, { minWrite: 4 }),
  el0('CNTVCT_EL0', 0, 2, vct, { minWrite: 4 }),
  el0('CNTP_TVAL_EL0', 2, 0, pt),
  el0('CNTP_CTL_EL0', 2, 1, pt),
  el0('CNTP_CVAL_EL0', 2, 2, pt),
  el0('CNTV_TVAL_EL0', 3, 0, vt),
  el0('CNTV_CTL_EL0', 3, 1, vt),
  el0('CNTV_CVAL_EL0', 3, 2, vt),
  { name: 'CNTKCTL_EL1', at: [3, 0, 14, 1, 0] },
  { name: 'CNTHCTL_EL2', at: [3, 4, 14, 1, 0] },
  { name: 'CNTVOFF_EL2', at: [3, 4, 14, 0, 3] },
  { name: 'CNTHP_TVAL_EL2', at: [3, 4, 14, 2, 0] },
  { name: 'CNTHP_CTL_EL2', at: [3, 4, 14, 2, 1] },
  { name: 'CNTHP_CVAL_EL2', at: [3, 4, 14, 2, 2] },
  { name: 'CNTPS_TVAL_EL1', at: [3, 7, 14, 2, 0], minRead: 1, minWrite: 1, traps: [secureTimer] },
  { name: 'CNTPS_CTL_EL1', at: [3, 7, 14, 2, 1], minRead: 1, minWrite: 1, traps: [secureTimer] },
  { name: 'CNTPS_CVAL_EL1', at: [3, 7, 14, 2, 2], minRead: 1, minWrite: 1, traps: [secureTimer] },
];
