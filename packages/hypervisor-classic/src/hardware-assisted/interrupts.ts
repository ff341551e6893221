// The host's own interrupts: its timer, the VMs' virtual timers and maintenance interrupts, kicks from other CPUs, its serial port.

import type { CpuPort } from '@worldswitch/platform';
import { hostTimerInterrupt, maintenanceInterrupt, virtualTimerInterrupt } from '@worldswitch/vmm';
import type { HostGic } from '@worldswitch/vmm';

import { KICK } from '../host/cpu-scheduler.ts';
import { MONITORS } from '../host/host-gic.ts';

/** What happens at each. */
export interface InterruptHandlers {
  /** CNTHP_EL2. */
  timer(port: CpuPort): void;
  /** The virtual timer of the vCPU that is loaded: false where none is. */
  virtualTimer(port: CpuPort): boolean;
  /** The performance monitors of the vCPU that is loaded: false where none is. */
  monitors(port: CpuPort): boolean;
  /** The virtual CPU interface of the vCPU that is loaded wants attention. */
  maintenance(port: CpuPort): void;
  /** A shared interrupt, INTID 32 and up. */
  shared(port: CpuPort, interrupt: number): void;
}

/** Enables the private interrupts of this CPU. */
export function enablePrivate(port: CpuPort, gic: HostGic): void {
  for (const interrupt of [KICK, MONITORS, maintenanceInterrupt, hostTimerInterrupt, virtualTimerInterrupt])
    gic.enable(port, interrupt, port.index);
}

/** Serves one interrupt. Returns its number; 1020 and more is none. */
export function serveInterrupt(port: CpuPort, gic: HostGic, handlers: InterruptHandlers): number {
  const acknowledged = gic.acknowledge(port);
  const interrupt = gic.numberOf(acknowledged);
  if (interrupt >= 1020 && interrupt < 8192) return interrupt;
  // The guest's own stay active until it ends them: the list register says so to the GIC.
  let guests = false;
  if (interrupt === hostTimerInterrupt) handlers.timer(port);
  else if (interrupt === virtualTimerInterrupt) guests = handlers.virtualTimer(port);
  else if (interrupt === MONITORS) guests = handlers.monitors(port);
  else if (interrupt === maintenanceInterrupt) handlers.maintenance(port);
  else if (interrupt >= 32) handlers.shared(port, interrupt);
  gic.drop(port, acknowledged);
  if (!guests) gic.deactivate(port, acknowledged);
  return interrupt;
}

const names: Readonly<Record<number, string>> = {
  [KICK]: 'kick',
  [MONITORS]: 'monitors',
  [maintenanceInterrupt]: 'maintenance',
  [hostTimerInterrupt]: 'host timer',
  [virtualTimerInterrupt]: 'virtual timer',
};

/** An interrupt's name for the ledger. */
export const interruptName = (interrupt: number): string => `irq ${names[interrupt] ?? String(interrupt)}`;
