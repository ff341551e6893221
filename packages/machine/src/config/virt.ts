// The `virt` board: QEMU's memory map (hw/arm/virt.c), as far as its parts are modelled.

import { ConfigurationError } from '../errors.ts';
import type { DeviceConfig, MachineConfig } from './config.ts';

/** A device in one of the board's virtio slots. */
export type VirtioSlot = Pick<DeviceConfig, 'name' | 'type' | 'config'>;

/** What one may choose of it. */
export interface VirtOptions extends Omit<MachineConfig, 'devices' | 'ramBase' | 'timer'> {
  /** At most 32 virtio devices. The first gets the last slot, as with QEMU. */
  readonly virtio?: readonly VirtioSlot[];
}

/** The virtio slots: where they are, how far apart, and the SPI of the first. */
const SLOTS = { count: 32, first: 0x0a00_0000, size: 0x200, spi: 16 } as const;

function inSlot({ name, type, config }: VirtioSlot, i: number): DeviceConfig {
  const slot = SLOTS.count - 1 - i;
  if (slot < 0) throw new ConfigurationError('virtio', `must be at most ${SLOTS.count} devices`);
  return {
    name,
    type,
    at: SLOTS.first + slot * SLOTS.size,
    interrupts: { irq: SLOTS.spi + slot },
    ...(config !== undefined && { config }),
  };
}

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

/** The power button. 116 is Linux's `KEY_POWER`. */
const buttons: DeviceConfig = {
  name: 'buttons',
  type: 'gpio-keys',
  at: [],
  connect: { key0: 'gpio.3' },
  config: { keys: [{ label: 'GPIO Key Poweroff', code: 116 }] },
};

/** The configuration of a `virt` board. */
export function virt(options: VirtOptions = {}): MachineConfig {
  const { virtio = [], ...rest } = options;
  const version = options.gic?.version ?? 2;
  return {
    ...rest,
    devices: [
      ...(version === 2 ? [messages] : []),
      { name: 'serial', type: 'pl011', at: 0x0900_0000, interrupts: { irq: 1 } },
      { name: 'rtc', type: 'pl031', at: 0x0901_0000, interrupts: { irq: 2 } },
      { name: 'gpio', type: 'pl061', at: 0x0903_0000, interrupts: { irq: 7 } },
      buttons,
      ...virtio.map(inSlot),
    ],
  };
}
