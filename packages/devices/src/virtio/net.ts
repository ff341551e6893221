// The network card (Virtio 1.2, 5.1): one pair of queues, filters by MAC address, merged receive buffers, and of the offloads the
// checksum of what is sent. What the driver has no buffers for waits in a bounded queue of the card's own.

import { bytes, flag, list, record, StateError } from '@worldswitch/platform';
import type { Plain, Shape } from '@worldswitch/platform';

import type { CharacterSink } from '../backend.ts';
import { unplugged } from '../net/port.ts';
import type { NetworkPeer, NetworkPeerFactory } from '../net/port.ts';
import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';
import { ControlFilter, filterShape } from './net-filter.ts';
import type { FilterState } from './net-filter.ts';
import type { Chain, SplitQueue } from './queue.ts';
import type { VirtioBus, VirtioKind, VirtioModel } from './transport.ts';

/** A network card's configuration. */
export interface VirtioNetConfig {
  /** Its address, six bytes of one station; 52:54:00:12:34:56 when absent. */
  readonly mac?: Uint8Array;
  /** What is at the other end of the cable; nothing when absent. */
  readonly peer?: NetworkPeerFactory;
  /** False for a cable that is not plugged in. */
  readonly up?: boolean;
  /** Bytes of the longest packet that the driver should send, 68 to 65535; it is not told when absent. */
  readonly mtu?: number;
}

/** What a card has besides what all devices have, where its peer hears of the outside: it takes the inputs, all and at once. */
export type VirtioNetExtras = Partial<CharacterSink>;

/** What of a card is saved. */
export type VirtioNetState = Readonly<{
  filter: FilterState;
  /** Frames that wait for buffers. */
  waiting: readonly Uint8Array[];
  up: boolean;
  peer: Plain;
}>;

const Feature = {
  Csum: 0,
  Mtu: 3,
  Mac: 5,
  MrgRxbuf: 15,
  Status: 16,
  CtrlVq: 17,
  CtrlRx: 18,
  CtrlRxExtra: 20,
  CtrlMac: 23,
} as const;
const RECEIVE = 0;
const TRANSMIT = 1;
const CONTROL = 2;

/** virtio_net_hdr: twelve bytes in this version. */
const HEADER = 12;
const SHORTEST = 14;
const LONGEST = 65535;
/** In its flags: the checksum is the card's to finish. */
const NEEDS_CSUM = 1;
/** Frames that wait, beyond which new ones are lost. */
const WAITING = 64;
const MAC = 6;
const MTU_AT = 10;
const DEFAULT_MAC: readonly number[] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];

/** Bytes of an input: an event with a datagram, at most. */
const INPUT = 2 ** 17;

class Card implements VirtioModel<VirtioNetState, VirtioNetExtras> {
  readonly config: Uint8Array = new Uint8Array(12);
  readonly extras: VirtioNetExtras;
  private readonly bus: VirtioBus;
  private readonly mac: Uint8Array;
  private readonly filter: ControlFilter;
  private readonly peer: NetworkPeer;
  private waiting: Uint8Array[] = [];
  private up: boolean;

  constructor(config: VirtioNetConfig, bus: VirtioBus, own?: VirtioNetState) {
    const { mac = Uint8Array.from(DEFAULT_MAC), peer = unplugged, up = true, mtu } = config;
    if (mac.length !== MAC || ((mac[0] ?? 0) & 1) !== 0)
      throw new RangeError('virtio-net: mac must be the six bytes of one station');
    if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= LONGEST))
      throw new RangeError(`virtio-net: mtu must be 68 to ${LONGEST}, but is ${mtu}`);
    this.bus = bus;
    this.mac = mac;
    this.up = own?.up ?? up;
    this.filter = new ControlFilter(mac, own?.filter);
    this.waiting = [...(own?.waiting ?? [])];
    this.config.set(this.filter.mac);
    this.config[MAC] = Number(this.up);
    new DataView(this.config.buffer).setUint16(MTU_AT, mtu ?? 0, true);
    this.peer = connect(
      peer,
      bus.wiring.clock,
      {
        send: (frame) => {
          this.arrived(frame);
        },
      },
      own?.peer,
    );
    const { peer: there } = this;
    this.extras =
      there.receive === undefined
        ? {}
        : {
            canReceive: () => INPUT,
            receive: (input) => {
              there.receive?.(input);
              return input.length;
            },
          };
  }

  notified(index: number): void {
    if (index === TRANSMIT) this.transmit();
    else if (index === CONTROL) this.control();
    else this.deliver();
  }
  reset(): void {
    this.waiting = [];
    this.filter.reset(this.mac);
    this.config.set(this.mac);
  }
  save(): VirtioNetState {
    return {
      filter: this.filter.save(),
      waiting: this.waiting.map((frame) => frame.slice()),
      up: this.up,
      peer: this.peer.save(),
    };
  }

  private transmit(): void {
    const queue = this.bus.queues[TRANSMIT];
    if (queue === undefined) return;
    queue.drain((chain) => {
      const frame = this.frameOf(queue, chain, chain.readableBytes - HEADER);
      queue.push(chain, 0);
      if (frame !== undefined && this.up) this.peer.send(frame);
    });
    this.bus.done(queue);
  }

  /** The frame of a chain; undefined for one that no cable carries. */
  private frameOf(queue: SplitQueue, chain: Chain, length: number): Uint8Array | undefined {
    if (length < SHORTEST || length > LONGEST) return undefined;
    const header = new Uint8Array(HEADER);
    if (!queue.read(chain, 0, header)) return undefined;
    // gso_type: segmentation was not offered, so it may not be asked for.
    if ((header[1] ?? 0) !== 0) return undefined;
    const frame = new Uint8Array(length);
    if (!queue.read(chain, HEADER, frame)) return undefined;
    const unfinished = this.bus.has(Feature.Csum) && ((header[0] ?? 0) & NEEDS_CSUM) !== 0;
    return !unfinished || finishChecksum(frame, new DataView(header.buffer)) ? frame : undefined;
  }

  private control(): void {
    const queue = this.bus.queues[CONTROL];
    if (queue === undefined) return;
    queue.drain((chain) => {
      this.answer(queue, chain);
    });
    this.config.set(this.filter.mac);
    this.bus.done(queue);
  }

  /** One command of the control queue. */
  private answer(queue: SplitQueue, chain: Chain): void {
    if (chain.writableBytes === 0) {
      queue.fail('has a command with no room for its answer');
      return;
    }
    const command = new Uint8Array(Math.min(chain.readableBytes, LONGEST));
    if (!queue.read(chain, 0, command)) return;
    const ok = chain.readableBytes <= LONGEST && this.filter.command(command);
    if (queue.write(chain, 0, Uint8Array.of(ok ? 0 : 1))) queue.push(chain, 1);
  }

  /** A frame comes by the cable. */
  private arrived(frame: Uint8Array): void {
    if (!this.up || !this.bus.running || frame.length < SHORTEST || frame.length > LONGEST) return;
    if (!this.filter.accepts(frame) || this.waiting.length >= WAITING) return;
    this.waiting.push(frame);
    this.deliver();
  }

  /** Puts waiting frames into the driver's buffers. */
  private deliver(): void {
    const queue = this.bus.queues[RECEIVE];
    if (queue === undefined || !this.bus.running) return;
    for (let frame = this.waiting[0]; frame !== undefined; frame = this.waiting[0]) {
      if (!this.receive(queue, frame)) break;
      this.waiting.shift();
    }
    queue.listen();
    this.bus.done(queue);
  }

  /** Writes one frame to one or more chains. False where there are not enough: none is then used up. */
  private receive(queue: SplitQueue, frame: Uint8Array): boolean {
    const packet = new Uint8Array(HEADER + frame.length);
    packet.set(frame, HEADER);
    const chains: Chain[] = [];
    let room = 0;
    while (room < packet.length) {
      const chain = queue.pop();
      if (chain === undefined) break;
      chains.push(chain);
      room += chain.writableBytes;
      if (!this.bus.has(Feature.MrgRxbuf)) break;
    }
    if (chains.length === 0) return false;
    if (room < packet.length) {
      queue.unpop(chains.length);
      // A single buffer that is too small is the driver's choice: the frame is lost. Merged buffers may still come.
      return !this.bus.has(Feature.MrgRxbuf);
    }
    new DataView(packet.buffer).setUint16(10, chains.length, true);
    let done = 0;
    for (const chain of chains) {
      const part = packet.subarray(done, done + chain.writableBytes);
      if (!queue.write(chain, 0, part)) return false;
      queue.push(chain, part.length);
      done += part.length;
    }
    return true;
  }
}

/**
 * Puts in the checksum that the driver has left to the card (5.1.6.2): over all from csum_start on, with what is in its place now.
 * False where the place is not in the frame.
 */
function finishChecksum(frame: Uint8Array, header: DataView): boolean {
  const start = header.getUint16(6, true);
  const at = start + header.getUint16(8, true);
  if (at + 2 > frame.length) return false;
  let sum = 0;
  for (let i = start; i < frame.length; i++) sum += (frame[i] ?? 0) << (((i - start) & 1) === 0 ? 8 : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  // Zero would say that there is none; the other zero of the ones' complement is meant.
  const checksum = sum === 0xffff ? 0xffff : ~sum & 0xffff;
  frame[at] = checksum >>> 8;
  frame[at + 1] = checksum;
  return true;
}

/** What a peer saved: the peer itself checks it. */
const anything: Shape<Plain> = {
  check(from, path) {
    if (from === undefined) throw new StateError(path, 'is missing');
    return from;
  },
};

/** Calls a peer's factory, whose complaints about its state then name the place in the card's. */
function connect(make: NetworkPeerFactory, ...given: Parameters<NetworkPeerFactory>): NetworkPeer {
  try {
    return make(...given);
  } catch (thrown) {
    if (!(thrown instanceof StateError)) throw thrown;
    throw new StateError('own.peer', `cannot be loaded: ${thrown.message}`);
  }
}

const kind: VirtioKind<VirtioNetConfig, VirtioNetState, VirtioNetExtras> = {
  deviceId: 1,
  queues: () => 3,
  mostQueues: 3,
  features: ({ mtu }) => Object.values(Feature).filter((bit) => bit !== Feature.Mtu || mtu !== undefined),
  own: record<VirtioNetState>({
    filter: filterShape,
    waiting: list(bytes(SHORTEST, LONGEST), 0, WAITING),
    up: flag,
    peer: anything,
  }),
  create: (config, bus, own) => new Card(config, bus, own),
};

/** A network card as `virtio-net`. */
export const virtioNet: VirtioType<VirtioNetConfig, VirtioNetState, VirtioNetExtras> = virtioMmio(kind);
