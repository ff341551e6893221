// The device's side of a split virtqueue (Virtio 1.2, 2.7) whose driver may be hostile: every descriptor and index is read once,
// checked, and bounded. What is wrong breaks the queue, which the device answers by asking for a reset; nothing throws.

import { bits, Fault, flag, iova, record, uint } from '@worldswitch/platform';
import type { Dma, Iova, Shape, Width, Word64 } from '@worldswitch/platform';

/** Descriptors of the longest queue that a device offers. */
export const QUEUE_SIZE = 256;
/** Bytes of the buffers of one chain, above which it counts as an attack. */
const CHAIN_BYTES = 32 * 1024 * 1024;

/** Descriptor flags. */
const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

/** Addresses have 52 bits at most. */
const ADDRESS_LIMIT = 2 ** 52;

/** One buffer of a chain. */
export interface Segment {
  readonly at: number;
  readonly length: number;
}

/** A chain that the driver made available. */
export interface Chain {
  /** What `push` gives back. */
  readonly head: number;
  /** What the device may read, in order. */
  readonly readable: readonly Segment[];
  /** What it may write. */
  readonly writable: readonly Segment[];
  readonly readableBytes: number;
  readonly writableBytes: number;
}

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

const address = uint(ADDRESS_LIMIT - 1);
/** How a queue's state is checked. */
export const queueShape: Shape<QueueState> = record<QueueState>({
  size: {
    check(from, path) {
      const size = uint(QUEUE_SIZE).check(from, path);
      return (size & (size - 1)) === 0 ? size : bits(0).check(from, path);
    },
  },
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
  private readonly word: Word64 = { lo: 0, hi: 0 };
  private readonly raw: Uint8Array = new Uint8Array(16);
  private readonly view: DataView = new DataView(this.raw.buffer);

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

  /** QueueReady becomes 1. */
  enable(): void {
    if (this.size === 0) this.fail('has no size');
    else if (this.descriptors % 16 !== 0 || this.driver % 2 !== 0 || this.device % 4 !== 0)
      this.fail('is not aligned');
    else if (Math.max(this.descriptors, this.driver, this.device) >= ADDRESS_LIMIT)
      this.fail('lies beyond 52 bits');
    else {
      this.ready = true;
      this.next = this.used = this.signalled = 0;
    }
  }

  /** The next available chain; undefined where there is none, or the queue broke. */
  pop(): Chain | undefined {
    if (!this.ready || this.broken !== undefined) return undefined;
    const available = this.load(this.driver + 2, 2);
    const waiting = (available - this.next) & 0xffff;
    if (this.isBroken() || waiting === 0) return undefined;
    if (waiting > this.size) return this.no('has more available than descriptors');
    const head = this.load(this.driver + 4 + 2 * (this.next & (this.size - 1)), 2);
    const chain = this.walk(head);
    if (chain === undefined) return undefined;
    this.next = (this.next + 1) & 0xffff;
    return chain;
  }

  /** Puts the last chains that `pop` gave back, as if they had not been taken. */
  unpop(count = 1): void {
    this.next = (this.next - count) & 0xffff;
  }

  /** Asks the driver to notify of what it makes available from now on. */
  listen(): void {
    if (this.ready && this.eventIndex) this.store(this.device + 4 + 8 * this.size, 2, this.next);
  }

  /** Gives a chain back to the driver with so many bytes written. */
  push({ head }: Chain, written: number): void {
    if (!this.ready || this.broken !== undefined) return;
    const at = this.device + 4 + 8 * (this.used & (this.size - 1));
    this.store(at, 4, head);
    this.store(at + 4, 4, written);
    this.used = (this.used + 1) & 0xffff;
    this.store(this.device + 2, 2, this.used);
  }

  /** True when what was pushed since the last call deserves an interrupt. */
  wantsInterrupt(): boolean {
    const before = this.signalled;
    const added = (this.used - before) & 0xffff;
    this.signalled = this.used;
    if (added === 0 || !this.ready || this.broken !== undefined) return false;
    if (!this.eventIndex) return (this.load(this.driver, 2) & 1) === 0;
    const event = this.load(this.driver + 4 + 2 * this.size, 2);
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

  /** Follows a chain. */
  private walk(head: number): Chain | undefined {
    const readable: Segment[] = [];
    const writable: Segment[] = [];
    let [readableBytes, writableBytes] = [0, 0];
    let [table, entries, inside] = [this.descriptors, this.size, false];
    let index = head;
    for (let steps = 0; ; steps++) {
      if (steps > this.size) return this.no('has a chain longer than the queue');
      if (index >= entries) return this.no('names a descriptor that is not there');
      if (!this.descriptor(table + 16 * index)) return undefined;
      const at = this.view.getUint32(0, true) + 2 ** 32 * this.view.getUint32(4, true);
      const length = this.view.getUint32(8, true);
      const flags = this.view.getUint16(12, true);
      if (at + length > ADDRESS_LIMIT) return this.no('has a buffer beyond 52 bits');
      if ((flags & INDIRECT) !== 0) {
        if (inside || !this.indirect || (flags & NEXT) !== 0 || length % 16 !== 0 || length === 0)
          return this.no('has an indirect descriptor that is not allowed');
        [table, entries, inside, index] = [at, Math.min(length / 16, 0x1_0000), true, 0];
        continue;
      }
      if (length === 0) return this.no('has an empty buffer');
      if ((flags & WRITE) !== 0) {
        writable.push({ at, length });
        writableBytes += length;
      } else if (writable.length > 0) return this.no('has a readable buffer after a writable one');
      else {
        readable.push({ at, length });
        readableBytes += length;
      }
      if (readableBytes + writableBytes > CHAIN_BYTES) return this.no('has a chain of too many bytes');
      if ((flags & NEXT) === 0) return { head, readable, writable, readableBytes, writableBytes };
      index = this.view.getUint16(14, true);
    }
  }

  /** Copies one descriptor to `raw`. */
  private descriptor(at: number): boolean {
    if (this.dma.readInto(iova(at), this.raw) === Fault.None) return true;
    this.fail('has a table where no memory is');
    return false;
  }

  private load(at: number, width: Width): number {
    if (this.dma.load(iova(at), width, this.word) === Fault.None) return this.word.lo;
    this.fail('has a ring where no memory is');
    return 0;
  }
  private store(at: number, width: Width, value: number): void {
    if (this.dma.store(iova(at), width, value, 0) !== Fault.None) this.fail('has a ring where no memory is');
  }

  private isBroken(): boolean {
    return this.broken !== undefined;
  }
  /** The driver did something wrong. */
  fail(what: string): void {
    this.broken ??= what;
  }
  /** The same, where a chain was wanted. */
  private no(what: string): Chain | undefined {
    this.fail(what);
    return undefined;
  }
}
