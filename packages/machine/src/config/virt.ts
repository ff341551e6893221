// The `virt` board: QEMU's memory map (hw/arm/virt.c), as far as its parts are modelled.

import type { MachineConfig } from './config.ts';

/** What one may choose of it. */
export type VirtOptions = Omit<MachineConfig, 'devices' | 'gic' | 'ramBase' | 'timer'>;

/** The configuration of a `virt` board. */
export function virt(options: VirtOptions = {}): MachineConfig {
  return {
    ...options,
    devices: [
      { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } },
      { name: 'rtc', type: 'pl031', at: 0x0901_0000, interrupts: { irq: 2 } },
    ],
  };
}
