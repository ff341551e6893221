// The `virt` board: QEMU's memory map (hw/arm/virt.c), as far as its parts are modelled.

import type { DeviceConfig, MachineConfig } from './config.ts';

/** What one may choose of it. */
export type VirtOptions = Omit<MachineConfig, 'devices' | 'ramBase' | 'timer'>;

/** SPIs of the GICv2m frame: 48 to 111. */
const MESSAGES = { first: 48, count: 64 } as const;

/** Message-signalled interrupts beside a GICv2. A GICv3 would have an ITS for them. */
const messages: DeviceConfig = {
  name: 'msi',
  type: 'gic-v2m',
  at: 0x0802_0000,
  interrupts: Object.fromEntries(
    Array.from({ length: MESSAGES.count }, (_, i) => [`msi${i}`, MESSAGES.first + i]),
  ),
};

/** The configuration of a `virt` board. */
export function virt(options: VirtOptions = {}): MachineConfig {
  const version = options.gic?.version ?? 2;
  return {
    ...options,
    devices: [
      ...(version === 2 ? [messages] : []),
      { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } },
      { name: 'rtc', type: 'pl031', at: 0x0901_0000, interrupts: { irq: 2 } },
    ],
  };
}
