// The block device (Virtio 1.2, 5.2): reads, writes, flush, identity, discard and write-zeroes over a disk back end.

import { deadline, flag, nullable, record, savedDeadline, StateError } from '@worldswitch/platform';
import type { Timer } from '@worldswitch/platform';

import { CLUSTER, diskShape, SECTOR } from '../disk/disk.ts';
import type { DiskBackend, DiskState } from '../disk/disk.ts';
import { virtioMmio } from './mmio.ts';
import type { VirtioType } from './mmio.ts';
import type { Chain, SplitQueue } from './queue.ts';
import type { VirtioBus, VirtioKind, VirtioModel } from './transport.ts';

/** A block device's configuration. */
export interface VirtioBlkConfig {
  readonly disk: DiskBackend;
  /** What `/sys/block/vda/serial` says; at most 20 ASCII characters. */
  readonly serial?: string;
  /** Virtual nanoseconds that each request takes, one after the other; 0, at once, when absent. */
  readonly latency?: number;
}

/** What of a block device is saved. */
export type VirtioBlkState = Readonly<{
  writeback: boolean;
  /** When the request at the head of the queue is done. */
  due: number | null;
  disk: DiskState | null;
}>;

const Feature = {
  SizeMax: 1,
  SegMax: 2,
  Ro: 5,
  BlkSize: 6,
  Flush: 9,
  ConfigWce: 11,
  Discard: 13,
  WriteZeroes: 14,
} as const;
const Type = { In: 0, Out: 1, Flush: 4, GetId: 8, Discard: 11, WriteZeroes: 13 } as const;
const Status = { Ok: 0, IoError: 1, Unsupported: 2 } as const;

const HEADER = 16;
const ID = 20;
/** Segments of a request, and bytes of one: together a chain that the queue takes. */
const SEGMENTS = 254;
const SEGMENT_BYTES = 0x2_0000;
/** Bytes that are moved at once. */
const PIECE = 65536;
/** Sectors and ranges of one discard or write-zeroes. */
const RANGE_SECTORS = 8192;
const RANGES = 16;
const WRITEBACK = 32;

/** One request being done. */
interface Request {
  readonly chain: Chain;
  readonly type: number;
  readonly sector: number;
  /** Bytes of data: between header and status. */
  readonly data: number;
}

class Block implements VirtioModel<VirtioBlkState> {
  readonly config: Uint8Array = new Uint8Array(60);
  readonly extras: object = {};
  private readonly disk: DiskBackend;
  private readonly serial: string;
  private readonly bus: VirtioBus;
  private readonly latency: number;
  private readonly timer: Timer;
  private readonly piece: Uint8Array = new Uint8Array(PIECE);

  constructor(config: VirtioBlkConfig, bus: VirtioBus, own?: VirtioBlkState) {
    const { disk, serial = '', latency = 0 } = config;
    if (!Number.isSafeInteger(latency) || latency < 0)
      throw new RangeError(`virtio-blk: latency must be a number of nanoseconds, but is ${latency}`);
    if (serial.length > ID) throw new RangeError(`virtio-blk: serial must have at most ${ID} characters`);
    if (own !== undefined) checkKept(disk, own.disk);
    this.disk = disk;
    this.serial = serial;
    this.bus = bus;
    this.latency = latency;
    this.timer = bus.wiring.clock.timer(() => {
      this.timeIsUp();
    });
    const view = new DataView(this.config.buffer);
    view.setUint32(0, disk.sectors % 2 ** 32, true);
    view.setUint32(4, Math.floor(disk.sectors / 2 ** 32), true);
    view.setUint32(8, SEGMENT_BYTES, true);
    view.setUint32(12, SEGMENTS, true);
    view.setUint32(20, SECTOR, true);
    this.config[WRITEBACK] = 1;
    for (const at of [36, 48]) {
      view.setUint32(at, RANGE_SECTORS, true);
      view.setUint32(at + 4, RANGES, true);
    }
    view.setUint32(44, 1, true);
    this.config[56] = 1;
    if (own !== undefined) {
      this.config[WRITEBACK] = Number(own.writeback);
      if (own.disk !== null) disk.restore?.(own.disk);
      if (own.due !== null) this.timer.armAt(own.due);
    }
  }

  configWritten(offset: number, value: number, lanes: number): void {
    if (offset === WRITEBACK && (lanes & 0xff) !== 0 && this.bus.has(Feature.ConfigWce))
      this.config[WRITEBACK] = value & 1;
  }
  reset(): void {
    this.config[WRITEBACK] = 1;
    this.timer.cancel();
  }
  save(): VirtioBlkState {
    return {
      writeback: this.config[WRITEBACK] === 1,
      due: savedDeadline(this.timer.deadline),
      disk: this.disk.save?.() ?? null,
    };
  }

  notified(): void {
    if (this.latency === 0) this.serveSome();
    else this.next();
  }

  /** Serves what waits, or the first of it. */
  private serveSome(most?: number): void {
    const [queue] = this.bus.queues;
    if (queue === undefined) return;
    queue.drain((chain) => {
      this.serve(queue, chain);
    }, most);
    this.bus.done(queue);
  }
  /** The next request starts, if one waits and none is under way. It is looked at when its time is up. */
  private next(): void {
    const [queue] = this.bus.queues;
    if (queue === undefined || this.timer.deadline !== Infinity) return;
    if (queue.waiting > 0) this.timer.armAt(this.bus.wiring.clock.now + this.latency);
    this.bus.done(queue);
  }
  private timeIsUp(): void {
    if (!this.bus.running) return;
    this.serveSome(1);
    this.next();
  }

  private serve(queue: SplitQueue, chain: Chain): void {
    const header = new Uint8Array(HEADER);
    if (chain.writableBytes === 0) {
      queue.fail('has a request with no room for its status');
      return;
    }
    if (!queue.read(chain, 0, header)) return;
    const view = new DataView(header.buffer);
    const type = view.getUint32(0, true);
    const sector = view.getUint32(8, true) + 2 ** 32 * view.getUint32(12, true);
    const room = chain.writableBytes - 1;
    const reads = type === Type.In || type === Type.GetId;
    const request = { chain, type, sector, data: reads ? room : chain.readableBytes - HEADER };
    const status = this.perform(queue, request);
    if (queue.broken !== undefined) return;
    if (!queue.write(chain, room, Uint8Array.of(status))) return;
    queue.push(chain, reads && status === Status.Ok ? request.data + 1 : 1);
  }

  private perform(queue: SplitQueue, request: Request): number {
    const { disk } = this;
    switch (request.type) {
      case Type.In:
        return this.transfer(queue, request, false);
      case Type.Out: {
        if (disk.readOnly) return Status.IoError;
        const status = this.transfer(queue, request, true);
        // Write-through: the driver need not flush.
        return status === Status.Ok && this.config[WRITEBACK] === 0 && !disk.flush()
          ? Status.IoError
          : status;
      }
      case Type.Flush:
        return disk.flush() ? Status.Ok : Status.IoError;
      case Type.GetId: {
        const id = new Uint8Array(Math.min(ID, request.data));
        id.set(new TextEncoder().encode(this.serial).subarray(0, id.length));
        queue.write(request.chain, 0, id);
        return Status.Ok;
      }
      case Type.Discard:
      case Type.WriteZeroes:
        return this.ranges(queue, request);
      default:
        return Status.Unsupported;
    }
  }

  private outside(sector: number, count: number): boolean {
    return sector + count > this.disk.sectors;
  }

  private transfer(queue: SplitQueue, { chain, sector, data }: Request, write: boolean): number {
    if (data % SECTOR !== 0 || this.outside(sector, data / SECTOR)) return Status.IoError;
    for (let done = 0; done < data;) {
      const part = this.piece.subarray(0, Math.min(PIECE, data - done));
      const at = sector + done / SECTOR;
      if (write) {
        if (!queue.read(chain, HEADER + done, part)) return Status.IoError;
        if (!this.disk.write(at, part)) return Status.IoError;
      } else {
        if (!this.disk.read(at, part)) return Status.IoError;
        if (!queue.write(chain, done, part)) return Status.IoError;
      }
      done += part.length;
    }
    return Status.Ok;
  }

  /** Discard, which may do nothing, and write-zeroes: lists of sector, count and flags. */
  private ranges(queue: SplitQueue, { chain, type, data }: Request): number {
    if (this.disk.readOnly || data === 0 || data % 16 !== 0 || data > 16 * RANGES) return Status.IoError;
    const list = new Uint8Array(data);
    if (!queue.read(chain, HEADER, list)) return Status.IoError;
    const view = new DataView(list.buffer);
    for (let at = 0; at < data; at += 16) {
      const sector = view.getUint32(at, true) + 2 ** 32 * view.getUint32(at + 4, true);
      const count = view.getUint32(at + 8, true);
      const flags = view.getUint32(at + 12, true);
      const allowed = type === Type.Discard ? 0 : 1;
      if ((flags & ~allowed) !== 0) return Status.Unsupported;
      if (count > RANGE_SECTORS || this.outside(sector, count)) return Status.IoError;
      if (type === Type.WriteZeroes && !this.zero(sector, count)) return Status.IoError;
    }
    return Status.Ok;
  }
  private zero(sector: number, count: number): boolean {
    for (let done = 0; done < count;) {
      const part = this.piece.subarray(0, Math.min(PIECE, (count - done) * SECTOR)).fill(0);
      if (!this.disk.write(sector + done, part)) return false;
      done += part.length / SECTOR;
    }
    return true;
  }
}

/** A state must know of a disk what the disk does not keep by itself, and nothing of one that does. */
function checkKept(disk: DiskBackend, saved: DiskState | null): void {
  const kept = disk.restore !== undefined;
  if (saved === null && kept) throw new StateError('own.disk', 'must hold the disk, which is in memory');
  if (saved === null) return;
  if (!kept) throw new StateError('own.disk', 'must be null, as the disk is kept elsewhere');
  const last = saved.clusters.at(-1)?.index ?? -1;
  if (last * (CLUSTER / SECTOR) >= disk.sectors)
    throw new StateError(
      `own.disk.clusters[${saved.clusters.length - 1}].index`,
      `is beyond the disk's ${disk.sectors} sectors`,
    );
}

const kind: VirtioKind<VirtioBlkConfig, VirtioBlkState> = {
  deviceId: 2,
  queues: () => 1,
  mostQueues: 1,
  features: ({ disk }) => [
    Feature.SizeMax,
    Feature.SegMax,
    Feature.BlkSize,
    Feature.Flush,
    Feature.ConfigWce,
    ...(disk.readOnly ? [Feature.Ro] : [Feature.Discard, Feature.WriteZeroes]),
  ],
  own: record<VirtioBlkState>({
    writeback: flag,
    due: deadline,
    disk: nullable(diskShape),
  }),
  create: (config, bus, own) => new Block(config, bus, own),
};

/** A disk as `virtio-blk`. */
export const virtioBlk: VirtioType<VirtioBlkConfig, VirtioBlkState, object> = virtioMmio(kind);
