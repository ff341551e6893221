// What a saved vCPU's performance monitors must be: registers that hold what can be written there, and counters of the hardware's that
// follow from them.

import type { SystemRegister } from '@worldswitch/platform';

import {
  ALL_COUNTERS,
  CONTROL,
  counterRegisters,
  EVENT,
  FILTER,
  Pm,
  typeRegisters,
  VirtualMonitors,
} from './monitors.ts';
import type { VirtualCpuState } from './virtual-cpu.ts';

/** The bits of each that may be set: of the lower half, and of the upper one. */
const kept: readonly (readonly [register: SystemRegister, lo: number, hi: number])[] = [
  [Pm.control, CONTROL, 0],
  [Pm.enable, ALL_COUNTERS, 0],
  [Pm.overflow, ALL_COUNTERS, 0],
  [Pm.interrupts, ALL_COUNTERS, 0],
  [Pm.select, 31, 0],
  [Pm.user, 15, 0],
  [Pm.cycleFilter, FILTER, 0],
  ...counterRegisters.map((register) => [register, 0xffff_ffff, 0] as const),
  ...typeRegisters.map((register) => [register, (FILTER | EVENT) >>> 0, 0] as const),
];

/** True for registers that a guest can have written. */
export const areMonitors = ({ system }: Pick<VirtualCpuState, 'system'>): boolean =>
  kept.every(
    ([register, lo, hi]) =>
      ((system[2 * register] ?? 0) & ~lo) === 0 && ((system[2 * register + 1] ?? 0) & ~hi) === 0,
  );

/** True where what the hardware counts is what these registers ask for. */
export function areArmed({ system, monitors }: Pick<VirtualCpuState, 'system' | 'monitors'>): boolean {
  const registers = {
    get: (register: SystemRegister): number => system[2 * register] ?? 0,
    getHi: (register: SystemRegister): number => system[2 * register + 1] ?? 0,
    set: (): void => undefined,
  };
  return new VirtualMonitors(registers, monitors).agrees();
}
