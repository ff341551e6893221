// A slot with nothing in it: its DeviceID is 0, which drivers pass over (Virtio 1.2, 4.2.2.2).

import { record } from '@worldswitch/platform';

import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';

/** What of an empty slot is saved: nothing of its own. */
export type VirtioEmptyState = Readonly<Record<string, never>>;

/** An empty slot. */
export const virtioEmpty: VirtioType<object, VirtioEmptyState, object> = virtioMmio<
  object,
  VirtioEmptyState,
  object
>({
  deviceId: 0,
  queues: () => 0,
  mostQueues: 0,
  features: () => [],
  own: record<VirtioEmptyState>({}),
  create: () => ({
    config: new Uint8Array(0),
    extras: {},
    notified: () => undefined,
    reset: () => undefined,
    save: () => ({}),
  }),
});
