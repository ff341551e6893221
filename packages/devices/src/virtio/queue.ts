// The device's side of a split virtqueue (Virtio 1.2, 2.7) whose driver may be hostile: every index is read once, checked, and
// bounded. What is wrong breaks the queue, which the device answers by asking for a reset; nothing throws.

import { Fault, flag, iova, record, StateError, uint } from '@worldswitch/platform';
import type { Dma, Iova, Shape } from '@worldswitch/platform';

import { ADDRESS_LIMIT, walk } from './chain.ts';
import type { Chain, Segment } from './chain.ts';

export type { Chain } from './chain.ts';

/** Descriptors of the longest queue that a device offers. */
export const QUEUE_SIZE = 256;

/** A queue in a saved state. */
export type QueueState = Readonly<{
  size: number;
  ready: boolean;
  descriptors: number;
  driver: number;
  device: number;
  next: number;
  used: number;
  signalled: number;
}>;

const isSize = (size: number): boolean => size <= QUEUE_SIZE && (size & (size - 1)) === 0;
const sizeShape: Shape<number> = {
  check(from, path) {
    const size = uint(QUEUE_SIZE).check(from, path);
    if (!isSize(size)) throw new StateError(path, `must be 0 or a power of 2, but is ${size}`);
    return size;
  },
};
const address = uint(ADDRESS_LIMIT - 1);
/** How a queue's state is checked. */
export const queueShape: Shape<QueueState> = record<QueueState>({
  size: sizeShape,
  ready: flag,
  descriptors: address,
  driver: address,
  device: address,
  next: uint(0xffff),
  used: uint(0xffff),
  signalled: uint(0xffff),
});

/** One queue. */
export class SplitQueue {
  size = 0;
  ready = false;
  /** Addresses of the descriptor table, the available ring and the used ring. */
  descriptors = 0;
  driver = 0;
  device = 0;
  /** VIRTIO_F_EVENT_IDX and VIRTIO_F_INDIRECT_DESC were negotiated. */
  eventIndex = false;
  indirect = false;
  /** What the driver did wrong. */
  broken: string | undefined;
  /** Index in the available ring of the next chain. */
  private next = 0;
  /** Index in the used ring of the next element. */
  private used = 0;
  /** `used` when an interrupt was last considered. */
  private signalled = 0;
  private readonly dma: Dma;
  private readonly half: Uint8Array = new Uint8Array(2);
  private readonly element: Uint8Array = new Uint8Array(8);
  private readonly elementView: DataView = new DataView(this.element.buffer);

  constructor(dma: Dma) {
    this.dma = dma;
  }

  reset(): void {
    this.size = this.descriptors = this.driver = this.device = 0;
    this.next = this.used = this.signalled = 0;
    this.ready = false;
    this.broken = undefined;
  }

  save(): QueueState {
    const { size, ready, descriptors, driver, device, next, used, signalled } = this;
    return { size, ready, descriptors, driver, device, next, used, signalled };
  }
  restore(from: QueueState): void {
    Object.assign(this, from);
  }

  /** QueueNum is written: a size that is not allowed leaves none. */
  resize(size: number): void {
    this.size = isSize(size) ? size : 0;
  }

  /** QueueReady becomes 1. */
  enable(): void {
    if (this.size === 0) this.fail('has no size');
    else if (this.descriptors % 16 !== 0 || this.driver % 2 !== 0 || this.device % 4 !== 0)
      this.fail('is not aligned');
    else if (
      this.descriptors + 16 * this.size > ADDRESS_LIMIT ||
      this.driver + 6 + 2 * this.size > ADDRESS_LIMIT ||
      this.device + 6 + 8 * this.size > ADDRESS_LIMIT
    )
      this.fail('lies beyond 52 bits');
    else {
      this.ready = true;
      this.next = this.used = this.signalled = 0;
    }
  }

  /** How many chains the driver has made available that were not taken yet. */
  get waiting(): number {
    if (!this.isUsable()) return 0;
    const waiting = (this.load(this.driver + 2) - this.next) & 0xffff;
    if (waiting > this.size) this.fail('has more available than descriptors');
    return this.isUsable() ? waiting : 0;
  }

  /** The next available chain; undefined where there is none, or the queue broke. */
  pop(): Chain | undefined {
    if (this.waiting === 0) return undefined;
    const head = this.load(this.driver + 4 + 2 * (this.next & (this.size - 1)));
    if (!this.isUsable()) return undefined;
    const chain = walk(this.dma, { at: this.descriptors, size: this.size, indirect: this.indirect }, head);
    if (typeof chain === 'string') {
      this.fail(chain);
      return undefined;
    }
    this.next = (this.next + 1) & 0xffff;
    return chain;
  }

  /** Puts the last chains that `pop` gave back, as if they had not been taken. */
  unpop(count = 1): void {
    this.next = (this.next - count) & 0xffff;
  }

  /**
   * Serves what is available now. What a device's own stores make available meanwhile waits for the next notification, or a ring
   * that the device overwrites could keep it busy for ever.
   *
   * @param most - chains to serve
   */
  drain(serve: (chain: Chain) => void, most: number = QUEUE_SIZE): void {
    for (let left = Math.min(this.waiting, most); left > 0; left--) {
      const chain = this.pop();
      if (chain === undefined) break;
      serve(chain);
    }
    this.listen();
  }

  /** Asks the driver to notify of what it makes available from now on. */
  listen(): void {
    if (this.isUsable() && this.eventIndex) this.storeHalf(this.device + 4 + 8 * this.size, this.next);
  }

  /** Gives a chain back to the driver with so many bytes written. */
  push({ head }: Chain, written: number): void {
    if (!this.isUsable()) return;
    this.elementView.setUint32(0, head, true);
    this.elementView.setUint32(4, written, true);
    this.store(this.device + 4 + 8 * (this.used & (this.size - 1)), this.element);
    this.used = (this.used + 1) & 0xffff;
    this.storeHalf(this.device + 2, this.used);
  }

  /** True when what was pushed since the last call deserves an interrupt. */
  wantsInterrupt(): boolean {
    const added = (this.used - this.signalled) & 0xffff;
    this.signalled = this.used;
    if (added === 0 || !this.isUsable()) return false;
    if (!this.eventIndex) return (this.load(this.driver) & 1) === 0;
    const event = this.load(this.driver + 4 + 2 * this.size);
    return ((this.used - event - 1) & 0xffff) < added;
  }

  /** Copies a chain's readable bytes from an offset. False where memory did not answer: the queue is then broken. */
  read(chain: Chain, offset: number, into: Uint8Array): boolean {
    return this.transfer(chain.readable, offset, into, (at, part) => this.dma.readInto(at, part));
  }
  /** Copies to a chain's writable bytes. */
  write(chain: Chain, offset: number, from: Uint8Array): boolean {
    return this.transfer(chain.writable, offset, from, (at, part) => this.dma.writeFrom(at, part));
  }

  private transfer(
    segments: readonly Segment[],
    offset: number,
    bytes: Uint8Array,
    move: (at: Iova, part: Uint8Array) => Fault,
  ): boolean {
    let skip = offset;
    let done = 0;
    for (const { at, length } of segments) {
      if (done === bytes.length) return true;
      if (skip >= length) {
        skip -= length;
        continue;
      }
      const part = bytes.subarray(done, done + Math.min(length - skip, bytes.length - done));
      if (move(iova(at + skip), part) !== Fault.None) {
        this.fail('has a buffer where no memory is');
        return false;
      }
      done += part.length;
      skip = 0;
    }
    if (done < bytes.length) this.fail('has a buffer that is too short');
    return done === bytes.length;
  }

  // Rings are copied like buffers, and never loaded and stored as by a CPU: where memory is expected, no register must answer.

  private load(at: number): number {
    if (this.dma.readInto(iova(at), this.half) !== Fault.None) {
      this.fail('has a ring where no memory is');
      return 0;
    }
    return (this.half[0] ?? 0) | ((this.half[1] ?? 0) << 8);
  }
  private storeHalf(at: number, value: number): void {
    this.half[0] = value;
    this.half[1] = value >>> 8;
    this.store(at, this.half);
  }
  private store(at: number, bytes: Uint8Array): void {
    if (this.dma.writeFrom(iova(at), bytes) !== Fault.None) this.fail('has a ring where no memory is');
  }

  private isUsable(): boolean {
    return this.ready && this.broken === undefined;
  }
  /** The driver did something wrong. */
  fail(what: string): void {
    this.broken ??= what;
  }
}
