// The hypervisor's own interrupts: one interface over the board's GICv2 and GICv3, with priority drop and deactivation apart
// (EOImode 1), so that a guest's end of interrupt can deactivate what was handed to it.

import type { CpuPort } from '@worldswitch/platform';

/** The board's interrupt controller. */
export interface HostGic {
  /** Switches the distributor on. Once, on the first CPU. */
  initialise(port: CpuPort): void;
  /** Switches the CPU's own interface on. On each CPU. */
  initialiseCpu(port: CpuPort): void;
  /** Enables an interrupt; a shared one goes to the CPU `target`, a private one is this CPU's. */
  enable(port: CpuPort, interrupt: number, target: number): void;
  disable(port: CpuPort, interrupt: number): void;
  /** Takes the most urgent pending interrupt: what `drop` and `deactivate` want. */
  acknowledge(port: CpuPort): number;
  /** The interrupt number in what `acknowledge` gave; 1020 and up are no interrupts. */
  numberOf(acknowledged: number): number;
  drop(port: CpuPort, acknowledged: number): void;
  deactivate(port: CpuPort, acknowledged: number): void;
  /** Makes a private interrupt of the CPU active: it does not come until it is deactivated. */
  activate(port: CpuPort, interrupt: number): void;
  /** Sends software-generated interrupt `sgi` to one CPU. */
  send(port: CpuPort, cpu: number, sgi: number): void;
}

/** All interrupts of the hypervisor's have one priority: it is interrupted by nothing. */
export const HOST_PRIORITY = 0xa0;
