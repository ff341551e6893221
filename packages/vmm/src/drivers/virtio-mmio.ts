// A driver's half of virtio over MMIO, version 2, with split queues in the hypervisor's own memory (Virtio 1.2, 2.7, 3.1, 4.2).

import { record, uint } from '@worldswitch/platform';
import type { CpuPort, Pa, Shape, Word64 } from '@worldswitch/platform';

import type { PhysicalMemory } from '../memory/physical.ts';
import { DriverError, readRegister, writeRegister } from './registers.ts';

const Register = {
  Magic: 0x000,
  Version: 0x004,
  DeviceId: 0x008,
  DeviceFeatures: 0x010,
  DeviceFeaturesSel: 0x014,
  DriverFeatures: 0x020,
  DriverFeaturesSel: 0x024,
  QueueSel: 0x030,
  QueueNumMax: 0x034,
  QueueNum: 0x038,
  QueueReady: 0x044,
  QueueNotify: 0x050,
  InterruptStatus: 0x060,
  InterruptAck: 0x064,
  Status: 0x070,
  QueueDesc: 0x080,
  QueueDriver: 0x090,
  QueueDevice: 0x0a0,
  Config: 0x100,
} as const;
const MAGIC = 0x7472_6976;
const Status = { Acknowledge: 1, Driver: 2, DriverOk: 4, FeaturesOk: 8 } as const;
/** VIRTIO_F_VERSION_1, bit 32. */
const VERSION_1 = 1;

/** Entries of a queue, and where its parts lie in its page. */
const QUEUE_ENTRIES = 64;
const AVAILABLE = 16 * QUEUE_ENTRIES;
const USED = 2048;
/** Behind the queue in its page: room for headers of requests. */
export const QUEUE_ROOM = 3072;
/** Flags of a descriptor. */
export const Descriptor = { Next: 1, Write: 2 } as const;

/** What of a queue is saved. */
export type HostQueueState = Readonly<{ page: number; available: number; used: number }>;

/** How it is checked. */
export const hostQueueShape: Shape<HostQueueState> = record<HostQueueState>({
  page: uint(2 ** 48),
  available: uint(0xffff),
  used: uint(0xffff),
});

/** One split queue, in one page. */
export class HostQueue {
  readonly page: number;
  private readonly memory: PhysicalMemory;
  private available: number;
  private used: number;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  constructor(memory: PhysicalMemory, { page, available, used }: HostQueueState) {
    this.memory = memory;
    this.page = page;
    this.available = available;
    this.used = used;
  }

  /** Fills a descriptor. */
  describe(port: CpuPort, index: number, at: number, bytes: number, flags: number, next = 0): void {
    const place = (this.page + 16 * index) as Pa;
    this.memory.store(port, place, 8, at >>> 0, Math.floor(at / 2 ** 32));
    this.memory.store(port, (place + 8) as Pa, 8, bytes, flags | (next << 16));
  }

  /** Makes the chain that begins at a descriptor available to the device. */
  offer(port: CpuPort, head: number): void {
    const ring = this.page + AVAILABLE;
    this.memory.store(port, (ring + 4 + 2 * (this.available % QUEUE_ENTRIES)) as Pa, 2, head, 0);
    this.available = (this.available + 1) & 0xffff;
    this.memory.store(port, (ring + 2) as Pa, 2, this.available, 0);
  }

  /** The next chain that the device has used: its head and the bytes that were written; undefined where there is none. */
  take(port: CpuPort): { readonly head: number; readonly bytes: number } | undefined {
    const ring = this.page + USED;
    this.memory.load(port, (ring + 2) as Pa, 2, this.word);
    if (this.word.lo === this.used) return undefined;
    const at = ring + 4 + 8 * (this.used % QUEUE_ENTRIES);
    this.used = (this.used + 1) & 0xffff;
    // An element is aligned to four bytes alone, which memory that is mapped as a device's would not forgive.
    this.memory.load(port, at as Pa, 4, this.word);
    const head = this.word.lo;
    this.memory.load(port, (at + 4) as Pa, 4, this.word);
    return { head, bytes: this.word.lo };
  }

  /** As plain data. */
  save(): HostQueueState {
    return { page: this.page, available: this.available, used: this.used };
  }
}

/** The registers of one device. */
export class HostVirtio {
  readonly base: number;

  constructor(base: number) {
    this.base = base;
  }

  /**
   * Resets the device and agrees on features.
   *
   * @param kind - the device ID that must be there
   * @param wanted - features 0 to 31 that the driver can use
   * @returns those of them that the device has. Throws a `DriverError` where there is no such device.
   */
  begin(port: CpuPort, kind: number, wanted: number): number {
    const { base } = this;
    if (
      readRegister(port, base + Register.Magic) !== MAGIC ||
      readRegister(port, base + Register.Version) !== 2
    )
      throw new DriverError(`no virtio device of version 2 is at 0x${base.toString(16)}`);
    if (readRegister(port, base + Register.DeviceId) !== kind)
      throw new DriverError(`the virtio device at 0x${base.toString(16)} is not of kind ${kind}`);
    this.status(port, 0);
    this.status(port, Status.Acknowledge | Status.Driver);
    writeRegister(port, base + Register.DeviceFeaturesSel, 0);
    const features = readRegister(port, base + Register.DeviceFeatures) & wanted;
    writeRegister(port, base + Register.DriverFeaturesSel, 0);
    writeRegister(port, base + Register.DriverFeatures, features);
    writeRegister(port, base + Register.DriverFeaturesSel, 1);
    writeRegister(port, base + Register.DriverFeatures, VERSION_1);
    this.status(port, Status.Acknowledge | Status.Driver | Status.FeaturesOk);
    if ((readRegister(port, base + Register.Status) & Status.FeaturesOk) === 0)
      throw new DriverError(`the virtio device at 0x${base.toString(16)} refuses its own features`);
    return features;
  }

  /** Gives the device a queue in a page that has been cleared. */
  queue(port: CpuPort, index: number, page: number): void {
    const { base } = this;
    writeRegister(port, base + Register.QueueSel, index);
    if (readRegister(port, base + Register.QueueNumMax) < QUEUE_ENTRIES)
      throw new DriverError(`queue ${index} of the virtio device at 0x${base.toString(16)} is too short`);
    writeRegister(port, base + Register.QueueNum, QUEUE_ENTRIES);
    const place = (register: number, at: number): void => {
      writeRegister(port, base + register, at % 2 ** 32);
      writeRegister(port, base + register + 4, Math.floor(at / 2 ** 32));
    };
    place(Register.QueueDesc, page);
    place(Register.QueueDriver, page + AVAILABLE);
    place(Register.QueueDevice, page + USED);
    writeRegister(port, base + Register.QueueReady, 1);
  }

  /** The device may begin. */
  ready(port: CpuPort): void {
    this.status(port, Status.Acknowledge | Status.Driver | Status.FeaturesOk | Status.DriverOk);
  }

  private status(port: CpuPort, value: number): void {
    writeRegister(port, this.base + Register.Status, value);
  }

  /** There is something new in a queue. */
  notify(port: CpuPort, queue: number): void {
    writeRegister(port, this.base + Register.QueueNotify, queue);
  }

  /** Ends the device's interrupt. */
  acknowledge(port: CpuPort): void {
    writeRegister(
      port,
      this.base + Register.InterruptAck,
      readRegister(port, this.base + Register.InterruptStatus),
    );
  }

  /** A word of its configuration. */
  config(port: CpuPort, offset: number): number {
    return readRegister(port, this.base + Register.Config + offset);
  }
}
