// A driver for a virtio device on a bench, as small as the specification lets one be (Virtio 1.2, 3.1, 2.7, 4.2.3): memory, split
// queues laid out by hand, and the register writes of a set-up. Everything can be damaged afterwards.

import { Fault, noTrace, requester } from '@worldswitch/platform';
import type { Device, Dma, Mmio, Plain, Wiring } from '@worldswitch/platform';
import { bench } from '@worldswitch/testkit';
import type { Bench } from '@worldswitch/testkit';

/** The registers by name. */
export const Reg = {
  MagicValue: 0x000,
  Version: 0x004,
  DeviceID: 0x008,
  VendorID: 0x00c,
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
  InterruptACK: 0x064,
  Status: 0x070,
  QueueDescLow: 0x080,
  QueueDescHigh: 0x084,
  QueueDriverLow: 0x090,
  QueueDriverHigh: 0x094,
  QueueDeviceLow: 0x0a0,
  QueueDeviceHigh: 0x0a4,
  SHMLenLow: 0x0b0,
  ConfigGeneration: 0x0fc,
  Config: 0x100,
} as const;

/** Bits of Status. */
export const Status = { Acknowledge: 1, Driver: 2, DriverOk: 4, FeaturesOk: 8, NeedsReset: 64 } as const;
/** Feature bits that all devices have. */
export const IndirectDesc = 28;
export const EventIdx = 29;
export const Version1 = 32;
/** Descriptor flags. */
export const Next = 1;
export const Write = 2;
export const Indirect = 4;

/** A buffer of a chain. */
export interface Buffer {
  readonly at: number;
  readonly length: number;
  readonly writable?: boolean;
}

/** A used element. */
export interface Used {
  readonly id: number;
  readonly length: number;
}

/** Memory as a device's DMA port has it, without a log: copies alone, as on a board. */
function memoryDma(memory: Uint8Array): Dma {
  const there = (at: number, length: number): boolean => {
    if (!Number.isSafeInteger(at) || at < 0 || at + length > 2 ** 52)
      throw new RangeError(`DMA of ${length} bytes at ${at}, which is no address`);
    return at + length <= memory.length;
  };
  return {
    readInto(from, into) {
      if (!there(from, into.length)) return Fault.Decode;
      into.set(memory.subarray(from, from + into.length));
      return Fault.None;
    },
    writeFrom(to, from) {
      if (!there(to, from.length)) return Fault.Decode;
      memory.set(from, to);
      return Fault.None;
    },
    load: () => Fault.Slave,
    store: () => Fault.Slave,
    message: () => Fault.Slave,
  };
}

/** What a device is given: a bench's clock and wires, and memory. */
export interface Machine {
  readonly on: Bench<'irq'>;
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly wiring: Wiring<'irq'>;
}

/** Makes surroundings. */
export function machine(bytes = 0x4_0000, from?: Machine): Machine {
  const on = bench<'irq'>(
    from === undefined ? { memory: new Uint8Array(0) } : { now: from.on.clock.now, levels: from.on.levels },
  );
  const memory = from === undefined ? new Uint8Array(bytes) : from.memory.slice();
  const { clock } = on;
  const wiring: Wiring<'irq'> = {
    line: (pin) => on.line(pin),
    clock,
    dma: memoryDma(memory),
    trace: noTrace,
  };
  return { on, memory, view: new DataView(memory.buffer), wiring };
}

/** A queue in memory. */
export class Ring {
  readonly index: number;
  readonly size: number;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
  /** The next index of the available ring, and how much of the used ring was seen. */
  available = 0;
  seen = 0;
  private free = 0;
  private readonly view: DataView;

  constructor(view: DataView, index: number, size: number, base: number) {
    this.view = view;
    this.index = index;
    this.size = size;
    this.descriptors = base;
    this.driver = base + 16 * size;
    this.device = Math.ceil((this.driver + 6 + 2 * size) / 4) * 4;
  }

  /** Bytes that it takes. */
  get end(): number {
    return Math.ceil((this.device + 6 + 8 * this.size) / 16) * 16;
  }

  /** Writes one descriptor of the queue's table, or of another. */
  describe(
    index: number,
    at: number,
    length: number,
    flags: number,
    next = 0,
    table = this.descriptors,
  ): void {
    const where = table + 16 * index;
    this.view.setUint32(where, at % 2 ** 32, true);
    this.view.setUint32(where + 4, Math.floor(at / 2 ** 32), true);
    this.view.setUint32(where + 8, length, true);
    this.view.setUint16(where + 12, flags, true);
    this.view.setUint16(where + 14, next, true);
  }

  /** Makes a descriptor available as a chain's head. */
  offer(head: number): void {
    this.view.setUint16(this.driver + 4 + 2 * (this.available % this.size), head, true);
    this.available = (this.available + 1) & 0xffff;
    this.view.setUint16(this.driver + 2, this.available, true);
  }

  /** A chain of buffers in the queue's table, which are taken in a circle; gives its head. */
  chain(...buffers: readonly Buffer[]): number {
    const heads = buffers.map((_, i) => (this.free + i) % this.size);
    this.free = (this.free + buffers.length) % this.size;
    buffers.forEach(({ at, length, writable = false }, i) => {
      const next = heads[i + 1];
      const flags = (writable ? Write : 0) | (next === undefined ? 0 : Next);
      this.describe(heads[i] ?? 0, at, length, flags, next ?? 0);
    });
    const head = heads[0] ?? 0;
    this.offer(head);
    return head;
  }

  /** The same chain in an indirect table. */
  indirect(table: number, ...buffers: readonly Buffer[]): number {
    buffers.forEach(({ at, length, writable = false }, i) => {
      const last = i === buffers.length - 1;
      this.describe(i, at, length, (writable ? Write : 0) | (last ? 0 : Next), last ? 0 : i + 1, table);
    });
    const head = this.free;
    this.free = (this.free + 1) % this.size;
    this.describe(head, table, 16 * buffers.length, Indirect);
    this.offer(head);
    return head;
  }

  /** What the device has used since the last call. */
  used(): Used[] {
    const found: Used[] = [];
    while (this.seen !== this.view.getUint16(this.device + 2, true)) {
      const at = this.device + 4 + 8 * (this.seen % this.size);
      found.push({ id: this.view.getUint32(at, true), length: this.view.getUint32(at + 4, true) });
      this.seen = (this.seen + 1) & 0xffff;
    }
    return found;
  }

  /** VIRTQ_AVAIL_F_NO_INTERRUPT. */
  set noInterrupt(yes: boolean) {
    this.view.setUint16(this.driver, yes ? 1 : 0, true);
  }
  /** Asks for an interrupt when the used index passes this one. */
  set usedEvent(index: number) {
    this.view.setUint16(this.driver + 4 + 2 * this.size, index, true);
  }
  /** When the device asks to be notified. */
  get availableEvent(): number {
    return this.view.getUint16(this.device + 4 + 8 * this.size, true);
  }
}

/** A driver and its device. */
export class Driver<Made extends Device<Plain>> {
  readonly device: Made;
  readonly at: Machine;
  readonly queues: Ring[] = [];
  /** First address of memory that no queue takes. */
  data = 0x1000;
  private readonly mmio: Mmio;
  private readonly by = requester();

  constructor(device: Made, at: Machine) {
    const [mmio] = device.mmio;
    if (mmio === undefined) throw new Error('the device has no registers');
    this.device = device;
    this.mmio = mmio;
    this.at = at;
  }

  read(register: number, width: 1 | 2 | 4 = 4): number {
    return this.mmio.read(register, width, this.by);
  }
  write(register: number, value: number, width: 1 | 2 | 4 = 4): void {
    this.mmio.write(register, width, value, this.by);
  }
  get irq(): boolean {
    return this.at.wiring.line('irq').level;
  }
  get status(): number {
    return this.read(Reg.Status);
  }

  /** What the device offers, as bit numbers. */
  offered(): number[] {
    return [0, 1].flatMap((word) => {
      this.write(Reg.DeviceFeaturesSel, word);
      const value = this.read(Reg.DeviceFeatures);
      return Array.from({ length: 32 }, (_, bit) => bit)
        .filter((bit) => ((value >>> bit) & 1) !== 0)
        .map((bit) => bit + 32 * word);
    });
  }
  /** Writes what the driver takes. */
  take(bits: readonly number[]): void {
    for (const word of [0, 1]) {
      const value = bits.filter((bit) => bit >> 5 === word).reduce((sum, bit) => sum | (1 << (bit & 31)), 0);
      this.write(Reg.DriverFeaturesSel, word);
      this.write(Reg.DriverFeatures, value >>> 0);
    }
  }

  /**
   * Sets the device up, from reset to before DRIVER_OK.
   *
   * @param features - what to take of what is offered; all of it when absent
   * @param size - of each queue
   */
  prepare(features?: readonly number[], size = 16): this {
    this.write(Reg.Status, 0);
    this.write(Reg.Status, Status.Acknowledge);
    this.write(Reg.Status, Status.Acknowledge | Status.Driver);
    this.take(features ?? this.offered());
    this.write(Reg.Status, Status.Acknowledge | Status.Driver | Status.FeaturesOk);
    if ((this.status & Status.FeaturesOk) === 0) throw new Error('the features are refused');
    this.queues.length = 0;
    let base = 0x1000;
    for (let i = 0; ; i++) {
      this.write(Reg.QueueSel, i);
      if (this.read(Reg.QueueNumMax) === 0) break;
      const ring = new Ring(this.at.view, i, size, base);
      this.at.memory.fill(0, base, ring.end);
      this.place(ring);
      this.queues.push(ring);
      base = ring.end;
    }
    this.data = base;
    return this;
  }

  /** Sets the device up, to DRIVER_OK. */
  start(features?: readonly number[], size = 16): this {
    this.prepare(features, size).write(Reg.Status, this.status | Status.DriverOk);
    return this;
  }

  /** Tells the device of one queue. */
  place(ring: Ring): void {
    this.write(Reg.QueueSel, ring.index);
    this.write(Reg.QueueNum, ring.size);
    const halves = (low: number, at: number): void => {
      this.write(low, at % 2 ** 32);
      this.write(low + 4, Math.floor(at / 2 ** 32));
    };
    halves(Reg.QueueDescLow, ring.descriptors);
    halves(Reg.QueueDriverLow, ring.driver);
    halves(Reg.QueueDeviceLow, ring.device);
    this.write(Reg.QueueReady, 1);
  }

  /** The queue of a number. */
  queue(index: number): Ring {
    const found = this.queues[index];
    if (found === undefined) throw new Error(`no queue ${index}`);
    return found;
  }
  notify(index: number): void {
    this.write(Reg.QueueNotify, index);
  }
  /** Acknowledges what interrupts, and says what that was. */
  acknowledge(): number {
    const which = this.read(Reg.InterruptStatus);
    this.write(Reg.InterruptACK, which);
    return which;
  }
  /** Puts bytes in memory. */
  put(at: number, bytes: ArrayLike<number>): Buffer {
    this.at.memory.set(bytes, at);
    return { at, length: bytes.length };
  }
  /** Bytes in memory. */
  get(at: number, length: number): number[] {
    return [...this.at.memory.subarray(at, at + length)];
  }
}
