// A driver for the board's virtio disk (Virtio 1.2, 5.2), which is the back end of a VM's emulated one: one request at a time, whose
// end it waits for, so that a back end answers at once.

import type { DiskBackend } from '@worldswitch/devices';
import { flag, record, uint } from '@worldswitch/platform';
import type { CpuPort, Pa, Shape, Word64 } from '@worldswitch/platform';

import type { Current } from '../current.ts';
import { PAGE } from '../memory/pages.ts';
import type { PageAllocator } from '../memory/pages.ts';
import type { PhysicalMemory } from '../memory/physical.ts';
import { DriverError } from './registers.ts';
import { Descriptor, HostQueue, hostQueueShape, HostVirtio, QUEUE_ROOM } from './virtio-mmio.ts';
import type { HostQueueState } from './virtio-mmio.ts';

const KIND = 2;
const Feature = { Ro: 1 << 5, Flush: 1 << 9 } as const;
const Type = { In: 0, Out: 1, Flush: 4 } as const;
const SECTOR = 512;
/** The largest transfer: one buffer. */
const BUFFER = 16 * PAGE;
/** Instructions between two looks at a request that is not done yet, and looks after which the device is given up. */
const PAUSE = 100;
const PATIENCE = 1_000_000;

/** What is saved. */
export type HostDiskState = Readonly<{
  queue: HostQueueState;
  buffer: number;
  sectors: number;
  readOnly: boolean;
  flushes: boolean;
  failed: boolean;
}>;

/** How it is checked. */
export const hostDiskShape: Shape<HostDiskState> = record<HostDiskState>({
  queue: hostQueueShape,
  buffer: uint(2 ** 48),
  sectors: uint(),
  readOnly: flag,
  flushes: flag,
  failed: flag,
});

/** One of the board's disks. */
export class HostDisk implements DiskBackend {
  readonly sectors: number;
  readonly readOnly: boolean;
  private readonly flushes: boolean;
  private readonly current: Current;
  private readonly memory: PhysicalMemory;
  private readonly device: HostVirtio;
  private readonly queue: HostQueue;
  private readonly buffer: number;
  private failed: boolean;
  private readonly word: Word64 = { lo: 0, hi: 0 };

  /** As it was saved; `HostDisk.start` makes one from the device. */
  constructor(current: Current, memory: PhysicalMemory, base: number, state: HostDiskState) {
    this.current = current;
    this.memory = memory;
    this.device = new HostVirtio(base);
    this.queue = new HostQueue(memory, state.queue);
    this.buffer = state.buffer;
    this.sectors = state.sectors;
    this.readOnly = state.readOnly;
    this.flushes = state.flushes;
    this.failed = state.failed;
  }

  /** Starts the device at an address. Throws a `DriverError` where there is no disk. */
  static start(
    port: CpuPort,
    current: Current,
    memory: PhysicalMemory,
    pages: PageAllocator,
    base: number,
  ): HostDisk {
    const device = new HostVirtio(base);
    const features = device.begin(port, KIND, Feature.Ro | Feature.Flush);
    const page = pages.allocate(PAGE);
    memory.zero(port, page as Pa, PAGE);
    device.queue(port, 0, page);
    device.ready(port);
    return new HostDisk(current, memory, base, {
      queue: { page, available: 0, used: 0 },
      buffer: pages.allocate(BUFFER),
      sectors: device.config(port, 4) * 2 ** 32 + device.config(port, 0),
      readOnly: (features & Feature.Ro) !== 0,
      flushes: (features & Feature.Flush) !== 0,
      failed: false,
    });
  }

  /** One request; true where the device did it. A device that has gone fails this one and all others. */
  private request(type: number, sector: number, bytes: number): boolean {
    const { port } = this.current;
    const { queue, memory, word } = this;
    if (this.failed) return false;
    const header = queue.page + QUEUE_ROOM;
    const status = header + 16;
    memory.store(port, header as Pa, 8, type, 0);
    memory.store(port, (header + 8) as Pa, 8, sector >>> 0, Math.floor(sector / 2 ** 32));
    memory.store(port, status as Pa, 1, 0xff, 0);
    const direction = type === Type.In ? Descriptor.Write : 0;
    queue.describe(port, 0, header, 16, Descriptor.Next, bytes === 0 ? 2 : 1);
    if (bytes > 0) queue.describe(port, 1, this.buffer, bytes, Descriptor.Next | direction, 2);
    queue.describe(port, 2, status, 1, Descriptor.Write);
    queue.offer(port, 0);
    try {
      this.device.notify(port, 0);
      for (let left = PATIENCE; queue.take(port) === undefined; left--) {
        if (left === 0) throw new DriverError('the disk does not answer');
        port.work(PAUSE);
      }
      this.device.acknowledge(port);
    } catch (thrown) {
      if (!(thrown instanceof DriverError)) throw thrown;
      this.failed = true;
      return false;
    }
    memory.load(port, status as Pa, 1, word);
    return word.lo === 0;
  }

  read(sector: number, into: Uint8Array): boolean {
    for (let done = 0; done < into.length; done += BUFFER) {
      const bytes = Math.min(BUFFER, into.length - done);
      if (!this.request(Type.In, sector + done / SECTOR, bytes)) return false;
      this.memory.readInto(this.current.port, this.buffer as Pa, into.subarray(done, done + bytes));
    }
    return true;
  }

  write(sector: number, from: Uint8Array): boolean {
    for (let done = 0; done < from.length; done += BUFFER) {
      const bytes = Math.min(BUFFER, from.length - done);
      this.memory.writeFrom(this.current.port, this.buffer as Pa, from.subarray(done, done + bytes));
      if (!this.request(Type.Out, sector + done / SECTOR, bytes)) return false;
    }
    return true;
  }

  flush(): boolean {
    return !this.flushes || this.request(Type.Flush, 0, 0);
  }

  /** What of the driver is saved; the disk itself is the board's. */
  saveDriver(): HostDiskState {
    const { buffer, sectors, readOnly, flushes, failed } = this;
    return { queue: this.queue.save(), buffer, sectors, readOnly, flushes, failed };
  }
}
