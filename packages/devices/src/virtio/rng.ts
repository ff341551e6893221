// The entropy device (Virtio 1.2, 5.4): every buffer is filled from a seeded stream, so that runs can be repeated.

import { record, uint } from '@worldswitch/platform';

import { KEY, keyStream } from '../entropy/chacha.ts';
import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';
import type { VirtioBus, VirtioKind, VirtioModel } from './transport.ts';

/** An entropy device's configuration. */
export interface VirtioRngConfig {
  /** 32 bytes; the same seed gives the same entropy. */
  readonly seed: Uint8Array;
}

/** What of it is saved: how much of the stream is used up. */
export type VirtioRngState = Readonly<{ position: number }>;

/** Bytes that one buffer gets at most. */
const MOST = 65536;

function create(
  { seed }: VirtioRngConfig,
  bus: VirtioBus,
  own?: VirtioRngState,
): VirtioModel<VirtioRngState> {
  if (seed.length !== KEY)
    throw new RangeError(`virtio-rng: seed must have ${KEY} bytes, but has ${seed.length}`);
  let position = own?.position ?? 0;
  return {
    config: new Uint8Array(0),
    extras: {},
    notified() {
      const [queue] = bus.queues;
      if (queue === undefined) return;
      queue.drain((chain) => {
        const bytes = new Uint8Array(Math.min(chain.writableBytes, MOST));
        keyStream(seed, position, bytes);
        if (!queue.write(chain, 0, bytes)) return;
        position += bytes.length;
        queue.push(chain, bytes.length);
      });
      bus.done(queue);
    },
    // The stream goes on: a reset must not give the guest the same entropy again.
    reset: () => undefined,
    save: () => ({ position }),
  };
}

const kind: VirtioKind<VirtioRngConfig, VirtioRngState> = {
  deviceId: 4,
  queues: () => 1,
  mostQueues: 1,
  features: () => [],
  own: record<VirtioRngState>({ position: uint() }),
  create,
};

/** An entropy source as `virtio-rng`. */
export const virtioRng: VirtioType<VirtioRngConfig, VirtioRngState, object> = virtioMmio(kind);
