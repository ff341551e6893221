// What the register tables act on, and what they share: views by security state, and writes that cover part of a register.

import type { Transaction } from '@worldswitch/platform';

import type { CpuInterface, Gic } from './state.ts';

/** A GICv2 as its register handlers see it. */
export interface Host {
  readonly gic: Gic;
  /** Brings the outputs in line with the state. */
  readonly update: () => void;
}

/** True for an access that sees the Non-secure view (IHI 0048B 1.2.1). */
export const nonSecure = ({ is }: Gic, by: Transaction): boolean => is.security && !by.secure;

/** The accessing CPU's interface. */
export function interfaceOf({ gic }: Host, by: Transaction): CpuInterface {
  const cpu = gic.cpu[by.requester];
  if (cpu === undefined) throw new RangeError(`no CPU interface ${by.requester}`);
  return cpu;
}

/** A register's new value where a write covers only `lanes`. */
export const merge = (old: number, value: number, lanes: number): number => ((old & ~lanes) | value) >>> 0;
