// The hypervisor's interrupts at EL1: its timer, which is the physical one, the monitors, kicks from other CPUs, and the board's devices. They are all
// its own: a guest's are the virtual GIC's.

import type { CpuPort } from '@worldswitch/platform';
import { physicalTimerInterrupt } from '@worldswitch/vmm';
import type { HostGic } from '@worldswitch/vmm';

import { KICK } from '../host/cpu-scheduler.ts';
import { MONITORS } from '../host/host-gic.ts';

/** Enables the private interrupts of this CPU. */
export function enablePrivate(port: CpuPort, gic: HostGic): void {
  for (const interrupt of [KICK, MONITORS, physicalTimerInterrupt]) gic.enable(port, interrupt, port.index);
}

/** What happens at each. */
export interface InterruptHandlers {
  /** CNTP_EL0. */
  timer(port: CpuPort): void;
  /** A counter of a vCPU's has overflowed. */
  monitors(port: CpuPort): void;
  /** A shared interrupt, INTID 32 and up. */
  shared(port: CpuPort, interrupt: number): void;
}

/** Serves one interrupt. Returns its number; 1020 and more is none. */
export function serveInterrupt(port: CpuPort, gic: HostGic, handlers: InterruptHandlers): number {
  const acknowledged = gic.acknowledge(port);
  const interrupt = gic.numberOf(acknowledged);
  if (interrupt >= 1020 && interrupt < 8192) return interrupt;
  if (interrupt === physicalTimerInterrupt) handlers.timer(port);
  else if (interrupt === MONITORS) handlers.monitors(port);
  else if (interrupt >= 32) handlers.shared(port, interrupt);
  gic.drop(port, acknowledged);
  gic.deactivate(port, acknowledged);
  return interrupt;
}

const names: Readonly<Record<number, string>> = {
  [KICK]: 'kick',
  [MONITORS]: 'monitors',
  [physicalTimerInterrupt]: 'host timer',
};

/** An interrupt's name for the ledger. */
export const interruptName = (interrupt: number): string => `irq ${names[interrupt] ?? String(interrupt)}`;
