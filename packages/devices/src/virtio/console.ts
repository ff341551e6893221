// The console device (Virtio 1.2, 5.3): characters in and out of one port or several, a size, and emergency writes.

import { record, StateError } from '@worldswitch/platform';

import type { CharacterBackend, CharacterSink } from '../backend.ts';
import { Control, MOST_PORTS, portsShape } from './console-control.ts';
import type { PortKind, PortState } from './console-control.ts';
import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';
import type { Chain, SplitQueue } from './queue.ts';
import type { VirtioBus, VirtioKind, VirtioModel } from './transport.ts';

/** A port of a console besides the first. */
export interface VirtioConsolePort {
  readonly backend: CharacterBackend;
  /** What the guest finds it by: `/dev/virtio-ports/NAME` under Linux; at most 64 characters. */
  readonly name?: string;
  /** True for a terminal; else it is a channel, which has characters when the guest has opened it. */
  readonly console?: boolean;
}

/** A console's configuration. */
export interface VirtioConsoleConfig {
  /** The other end of the first port, which is a terminal. */
  readonly backend: CharacterBackend;
  /** The terminal's size; 80 by 25 when absent. */
  readonly columns?: number;
  readonly rows?: number;
  /** Further ports, at most 15. With any of them the console offers VIRTIO_CONSOLE_F_MULTIPORT. */
  readonly ports?: readonly VirtioConsolePort[];
}

/** What a console has besides what all devices have: it takes the first port's characters. */
export interface VirtioConsoleExtras extends CharacterSink {
  /** Takes the characters of further ports. */
  readonly ports: readonly CharacterSink[];
}

/** What of a console is saved: what it and the driver said of ports. Characters wait outside until the driver has a buffer. */
export type VirtioConsoleState = Readonly<{ ports: readonly PortState[] }>;

const Feature = { Size: 0, Multiport: 1, EmergWrite: 2 } as const;
/** The control queues, with those of the first port before them, and of the others behind. */
const CONTROL_RECEIVE = 2;
const CONTROL_TRANSMIT = 3;
const EMERGENCY = 8;
/** Characters that are copied at once. */
const PIECE = 4096;
const LONGEST_NAME = 64;

const queuesOf = (ports: number): number => (ports === 1 ? 2 : 2 + 2 * ports);
const receiveQueue = (port: number): number => (port === 0 ? 0 : 2 + 2 * port);
const portOf = (queue: number): number => (queue < 2 ? 0 : (queue >> 1) - 1);

class Console implements VirtioModel<VirtioConsoleState, VirtioConsoleExtras> {
  readonly config: Uint8Array = new Uint8Array(12);
  readonly extras: VirtioConsoleExtras;
  private readonly backends: readonly CharacterBackend[];
  private readonly kinds: readonly PortKind[];
  private readonly control: Control;
  private readonly bus: VirtioBus;

  constructor(config: VirtioConsoleConfig, bus: VirtioBus, own?: VirtioConsoleState) {
    const { backend, columns = 80, rows = 25, ports = [] } = config;
    this.backends = [backend, ...ports.map((port) => port.backend)];
    this.kinds = [
      { console: true, name: '' },
      ...ports.map(({ name = '', console = false }) => ({ name, console })),
    ];
    this.bus = bus;
    this.control = new Control(this.kinds, own?.ports);
    const view = new DataView(this.config.buffer);
    view.setUint16(0, columns, true);
    view.setUint16(2, rows, true);
    view.setUint32(4, this.kinds.length, true);
    const [first, ...rest] = this.kinds.map((_, port): CharacterSink => ({
      canReceive: () => this.canReceive(port),
      receive: (bytes) => this.receive(port, bytes),
    }));
    this.extras = { canReceive: () => 0, receive: () => 0, ...first, ports: rest };
  }

  notified(index: number): void {
    if (index >= 0) {
      this.serve(index);
      return;
    }
    for (let queue = 0; queue < this.bus.queues.length; queue++) this.serve(queue);
  }
  private serve(index: number): void {
    const queue = this.bus.queues[index];
    if (queue === undefined || (index >= 2 && !this.bus.has(Feature.Multiport))) return;
    if (index === CONTROL_RECEIVE) this.tell();
    else if (index === CONTROL_TRANSMIT) this.listen(queue);
    else if (index % 2 === 1) this.transmit(queue, portOf(index));
    else {
      queue.listen();
      this.bus.done(queue);
      this.backends[portOf(index)]?.ready?.();
    }
  }
  configWritten(offset: number, value: number, lanes: number): void {
    if (offset === EMERGENCY && (lanes & 0xff) !== 0) this.backends[0]?.write(value & 0xff);
  }
  reset(): void {
    this.control.reset();
  }
  save(): VirtioConsoleState {
    return { ports: this.control.save() };
  }

  /** Characters of the driver's. */
  private transmit(queue: SplitQueue, port: number): void {
    queue.drain((chain) => {
      for (let done = 0; done < chain.readableBytes; done += PIECE) {
        const bytes = new Uint8Array(Math.min(chain.readableBytes - done, PIECE));
        if (!queue.read(chain, done, bytes)) return;
        for (const byte of bytes) this.backends[port]?.write(byte);
      }
      queue.push(chain, 0);
    });
    this.bus.done(queue);
  }

  /** Messages of the driver's, and then those that they ask for. */
  private listen(queue: SplitQueue): void {
    queue.drain((chain) => {
      const message = new Uint8Array(Math.min(chain.readableBytes, PIECE));
      if (!queue.read(chain, 0, message)) return;
      queue.push(chain, 0);
      const opened = this.control.take(message);
      if (opened !== undefined) this.backends[opened]?.ready?.();
    });
    this.bus.done(queue);
    this.tell();
  }
  /** Messages for the driver, as far as it has buffers. */
  private tell(): void {
    const queue = this.bus.queues[CONTROL_RECEIVE];
    if (queue === undefined || !this.bus.running) return;
    for (let left = queue.waiting; left > 0; left--) {
      const message = this.control.next();
      const chain = message && this.room(queue);
      if (message === undefined || chain === undefined) break;
      const part = message.subarray(0, chain.writableBytes);
      if (!queue.write(chain, 0, part)) break;
      queue.push(chain, part.length);
      this.control.sent();
    }
    queue.listen();
    this.bus.done(queue);
  }

  /** The next buffer to receive into. */
  private room(queue: SplitQueue): Chain | undefined {
    const chain = queue.pop();
    if (chain?.writableBytes !== 0) return chain;
    queue.fail('has a buffer to receive into that may not be written');
    return undefined;
  }

  /** The queue into which a port receives now. */
  private receiving(port: number): SplitQueue | undefined {
    if (!this.bus.running) return undefined;
    if (port > 0 && !this.bus.has(Feature.Multiport)) return undefined;
    if (this.kinds[port]?.console === false && !this.control.isOpen(port)) return undefined;
    return this.bus.queues[receiveQueue(port)];
  }

  private canReceive(port: number): number {
    const queue = this.receiving(port);
    if (queue === undefined) return 0;
    const chain = this.room(queue);
    if (chain !== undefined) queue.unpop();
    else this.bus.done(queue);
    return chain?.writableBytes ?? 0;
  }

  private receive(port: number, bytes: Uint8Array): number {
    const queue = this.receiving(port);
    if (queue === undefined) return 0;
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

/** Throws a RangeError for a configuration that makes no sense. */
function check({ columns = 80, rows = 25, ports = [] }: VirtioConsoleConfig): void {
  for (const [name, n] of Object.entries({ columns, rows })) {
    if (!Number.isInteger(n) || n < 0 || n > 0xffff)
      throw new RangeError(`virtio-console: ${name} must be 0 to 65535, but is ${n}`);
  }
  if (ports.length >= MOST_PORTS)
    throw new RangeError(`virtio-console: ports must be at most ${MOST_PORTS - 1}, but are ${ports.length}`);
  const long = ports.find(({ name = '' }) => name.length > LONGEST_NAME);
  if (long !== undefined)
    throw new RangeError(`virtio-console: a port's name must have at most ${LONGEST_NAME} characters`);
}

const kind: VirtioKind<VirtioConsoleConfig, VirtioConsoleState, VirtioConsoleExtras> = {
  deviceId: 3,
  queues: ({ ports = [] }) => queuesOf(1 + ports.length),
  mostQueues: queuesOf(MOST_PORTS),
  features: ({ ports = [] }) => [
    Feature.Size,
    Feature.EmergWrite,
    ...(ports.length > 0 ? [Feature.Multiport] : []),
  ],
  own: record<VirtioConsoleState>({ ports: portsShape }),
  create(config, bus, own) {
    check(config);
    const count = 1 + (config.ports?.length ?? 0);
    if (own !== undefined && own.ports.length !== count)
      throw new StateError('own.ports', `must have ${count} elements, but has ${own.ports.length}`);
    return new Console(config, bus, own);
  },
};

/** A terminal as `virtio-console`: the guest's `hvc0`; and further ports. */
export const virtioConsole: VirtioType<VirtioConsoleConfig, VirtioConsoleState, VirtioConsoleExtras> =
  virtioMmio(kind);
