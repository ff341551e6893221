// The console device (Virtio 1.2, 5.3) with one port: characters in and out, a size, and emergency writes.

import { record } from '@worldswitch/platform';

import type { CharacterBackend, CharacterSink } from '../backend.ts';
import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';
import type { Chain, SplitQueue } from './queue.ts';
import type { VirtioBus, VirtioKind, VirtioModel } from './transport.ts';

/** A console's configuration. */
export interface VirtioConsoleConfig {
  readonly backend: CharacterBackend;
  /** The terminal's size; 80 by 25 when absent. */
  readonly columns?: number;
  readonly rows?: number;
}

/** What of a console is saved: nothing; characters wait outside until the driver has a buffer. */
export type VirtioConsoleState = Readonly<Record<string, never>>;

const Feature = { Size: 0, EmergWrite: 2 } as const;
const RECEIVE = 0;
const TRANSMIT = 1;
const EMERGENCY = 8;
/** Characters that are copied at once. */
const PIECE = 4096;

class Console implements VirtioModel<VirtioConsoleState, CharacterSink> {
  readonly config: Uint8Array = new Uint8Array(12);
  readonly extras: CharacterSink;
  private readonly backend: CharacterBackend;
  private readonly bus: VirtioBus;

  constructor(config: Required<VirtioConsoleConfig>, bus: VirtioBus) {
    const { backend, columns, rows } = config;
    this.backend = backend;
    this.bus = bus;
    const view = new DataView(this.config.buffer);
    view.setUint16(0, columns, true);
    view.setUint16(2, rows, true);
    view.setUint32(4, 1, true);
    this.extras = { canReceive: () => this.canReceive(), receive: (bytes) => this.receive(bytes) };
  }

  notified(index: number): void {
    if (index === TRANSMIT) this.transmit();
    else {
      const queue = this.bus.queues[RECEIVE];
      if (queue?.ready !== true) return;
      queue.listen();
      this.bus.done(queue);
      this.backend.ready?.();
    }
  }
  configWritten(offset: number, value: number, lanes: number): void {
    if (offset === EMERGENCY && (lanes & 0xff) !== 0) this.backend.write(value & 0xff);
  }
  reset(): void {
    // Nothing is kept between buffers.
  }
  save(): VirtioConsoleState {
    return {};
  }

  private transmit(): void {
    const queue = this.bus.queues[TRANSMIT];
    if (queue === undefined) return;
    queue.drain((chain) => {
      for (let done = 0; done < chain.readableBytes; done += PIECE) {
        const bytes = new Uint8Array(Math.min(chain.readableBytes - done, PIECE));
        if (!queue.read(chain, done, bytes)) return;
        for (const byte of bytes) this.backend.write(byte);
      }
      queue.push(chain, 0);
    });
    this.bus.done(queue);
  }

  /** The next buffer to receive into. */
  private room(queue: SplitQueue): Chain | undefined {
    const chain = queue.pop();
    if (chain?.writableBytes !== 0) return chain;
    queue.fail('has a buffer to receive into that may not be written');
    return undefined;
  }

  private canReceive(): number {
    const queue = this.bus.queues[RECEIVE];
    if (!this.bus.running || queue === undefined) return 0;
    const chain = this.room(queue);
    if (chain !== undefined) queue.unpop();
    else this.bus.done(queue);
    return chain?.writableBytes ?? 0;
  }

  private receive(bytes: Uint8Array): number {
    const queue = this.bus.queues[RECEIVE];
    if (!this.bus.running || queue === undefined) return 0;
    let taken = 0;
    for (let left = queue.waiting; left > 0 && taken < bytes.length; left--) {
      const chain = this.room(queue);
      if (chain === undefined) break;
      const part = bytes.subarray(taken, taken + chain.writableBytes);
      if (!queue.write(chain, 0, part)) break;
      queue.push(chain, part.length);
      taken += part.length;
    }
    queue.listen();
    this.bus.done(queue);
    return taken;
  }
}

const kind: VirtioKind<VirtioConsoleConfig, VirtioConsoleState, CharacterSink> = {
  deviceId: 3,
  queues: 2,
  features: () => [Feature.Size, Feature.EmergWrite],
  own: record<VirtioConsoleState>({}),
  create({ columns = 80, rows = 25, backend }, bus) {
    for (const [name, n] of Object.entries({ columns, rows })) {
      if (!Number.isInteger(n) || n < 0 || n > 0xffff)
        throw new RangeError(`virtio-console: ${name} must be 0 to 65535, but is ${n}`);
    }
    return new Console({ backend, columns, rows }, bus);
  },
};

/** A terminal as `virtio-console`: the guest's `hvc0`. */
export const virtioConsole: VirtioType<VirtioConsoleConfig, VirtioConsoleState, CharacterSink> =
  virtioMmio(kind);
