// A driver for the board's virtio network card (Virtio 1.2, 5.1): the way out of the hypervisor's switch.

import { bits, list, record, uint } from '@worldswitch/platform';
import type { CpuPort, Pa, Shape } from '@worldswitch/platform';

import type { Current } from '../current.ts';
import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { Descriptor, HostQueue, hostQueueShape, HostVirtio } from './virtio-mmio.ts';
import type { HostQueueState } from './virtio-mmio.ts';

const KIND = 1;
const [RECEIVE, TRANSMIT] = [0, 1];
/** virtio_net_hdr of version 1. */
const HEADER = 12;
/** Receive buffers, each half a page: header and a frame of 1514 bytes. */
const BUFFERS = 32;
const BUFFER = PAGE / 2;
/** Frames that the card has not taken yet at most: one more is lost, as on a wire. */
const OUTGOING = 16;

/** What is saved. */
export type HostNicState = Readonly<{
  receive: HostQueueState;
  transmit: HostQueueState;
  buffers: readonly number[];
  outgoing: readonly number[];
  /** A bit for each outgoing buffer that the card has. */
  busy: number;
}>;

/** How it is checked. */
export const hostNicShape: Shape<HostNicState> = record<HostNicState>({
  receive: hostQueueShape,
  transmit: hostQueueShape,
  buffers: list(uint(2 ** 48), BUFFERS),
  outgoing: list(uint(2 ** 48), OUTGOING),
  busy: bits(2 ** OUTGOING - 1),
});

/** One of the board's network cards. */
export class HostNic {
  private readonly current: Current;
  private readonly memory: PhysicalMemory;
  private readonly device: HostVirtio;
  private readonly receive: HostQueue;
  private readonly transmit: HostQueue;
  private readonly buffers: readonly number[];
  private readonly outgoing: readonly number[];
  private busy: number;

  /** As it was saved; `HostNic.start` makes one from the device. */
  constructor(current: Current, memory: PhysicalMemory, base: number, state: HostNicState) {
    this.current = current;
    this.memory = memory;
    this.device = new HostVirtio(base);
    this.receive = new HostQueue(memory, state.receive);
    this.transmit = new HostQueue(memory, state.transmit);
    this.buffers = state.buffers;
    this.outgoing = state.outgoing;
    this.busy = state.busy;
  }

  /** Starts the card at an address. Throws a `DriverError` where there is none. */
  static start(
    port: CpuPort,
    current: Current,
    memory: PhysicalMemory,
    pages: PageAllocator,
    base: number,
  ): HostNic {
    const device = new HostVirtio(base);
    device.begin(port, KIND, 0);
    const queueOf = (index: number): HostQueueState => {
      const page = pages.allocate(PAGE);
      memory.zero(port, page as Pa, PAGE);
      device.queue(port, index, page);
      return { page, available: 0, used: 0 };
    };
    const [receive, transmit] = [queueOf(RECEIVE), queueOf(TRANSMIT)];
    const halves = (count: number): number[] =>
      Array.from({ length: count / 2 }, () => pages.allocate(PAGE)).flatMap((page) => [page, page + BUFFER]);
    const buffers = halves(BUFFERS);
    const nic = new HostNic(current, memory, base, {
      receive,
      transmit,
      buffers,
      outgoing: halves(OUTGOING),
      busy: 0,
    });
    device.ready(port);
    buffers.forEach((_, i) => {
      nic.refill(port, i);
    });
    device.notify(port, RECEIVE);
    return nic;
  }

  private refill(port: CpuPort, index: number): void {
    this.receive.describe(port, index, this.buffers[index] ?? 0, BUFFER, Descriptor.Write);
    this.receive.offer(port, index);
  }

  /** Sends a frame; one that is too long for the wire is dropped, and one for which the card has left no buffer. */
  send(frame: Uint8Array): void {
    if (frame.length > BUFFER - HEADER) return;
    const { port } = this.current;
    for (let used = this.transmit.take(port); used !== undefined; used = this.transmit.take(port))
      this.busy &= ~(1 << (used.head % OUTGOING));
    const free = ~this.busy & (2 ** OUTGOING - 1);
    if (free === 0) return;
    const index = 31 - Math.clz32(free & -free);
    const at = this.outgoing[index] ?? 0;
    this.busy |= 1 << index;
    const packet = new Uint8Array(HEADER + frame.length);
    packet.set(frame, HEADER);
    this.memory.writeFrom(port, at as Pa, packet);
    this.transmit.describe(port, index, at, packet.length, 0);
    this.transmit.offer(port, index);
    this.device.notify(port, TRANSMIT);
  }

  /** At its interrupt: gives each frame that came to `deliver`. */
  interrupt(port: CpuPort, deliver: (frame: Uint8Array) => void): void {
    this.device.acknowledge(port);
    for (let left = BUFFERS; left > 0; left--) {
      const used = this.receive.take(port);
      if (used === undefined) break;
      const at = this.buffers[used.head];
      if (at === undefined) break;
      const packet = new Uint8Array(Math.min(used.bytes, BUFFER));
      this.memory.readInto(port, at as Pa, packet);
      this.refill(port, used.head);
      if (packet.length > HEADER) deliver(packet.subarray(HEADER));
    }
    this.device.notify(port, RECEIVE);
  }

  /** As plain data. */
  save(): HostNicState {
    return {
      receive: this.receive.save(),
      transmit: this.transmit.save(),
      buffers: this.buffers,
      outgoing: this.outgoing,
      busy: this.busy,
    };
  }
}
