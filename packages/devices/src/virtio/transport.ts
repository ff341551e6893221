// virtio over memory-mapped registers, version 2 (Virtio 1.2, 4.2): the registers, feature negotiation, status and interrupts, which
// all devices share.

import { bits, list, record, registerTable, Reset, stateCodec } from '@worldswitch/platform';
import type { Device, DeviceType, Plain, Register, Shape, TreeNode, Wiring } from '@worldswitch/platform';

import { QUEUE_SIZE, queueShape, SplitQueue } from './queue.ts';
import type { QueueState } from './queue.ts';

/** Feature bits of all devices. */
export const Feature = { IndirectDesc: 28, EventIdx: 29, Version1: 32 } as const;

/** Bits of Status. */
const Status = { DriverOk: 4, FeaturesOk: 8, NeedsReset: 64, Mask: 0xff } as const;
/** Bits of InterruptStatus. */
const Interrupt = { Used: 1, Config: 2 } as const;

/** What a device model sees of its transport. */
export interface VirtioBus {
  readonly queues: readonly SplitQueue[];
  readonly wiring: Wiring<'irq'>;
  /** True from DRIVER_OK on, until a reset or a mistake of the driver's. */
  readonly running: boolean;
  /** True where both sides have a feature, by its bit. */
  has(feature: number): boolean;
  /** Chains were pushed to a queue, or it broke: interrupts as the driver wants it. */
  done(queue: SplitQueue): void;
  /** The configuration space has changed. */
  configChanged(): void;
}

/** A device behind the transport. */
export interface VirtioModel<Own extends Plain, Extras extends object = object> {
  /** The configuration space, which the driver reads. */
  readonly config: Uint8Array;
  /** The driver has written to the configuration space. */
  configWritten?(offset: number, value: number, lanes: number): void;
  /** The driver has made chains available in a queue. */
  notified(queue: number): void;
  reset(): void;
  save(): Own;
  /** What the device has besides what all devices have. */
  readonly extras: Extras;
}

/** A kind of device. */
export interface VirtioKind<Config, Own extends Plain, Extras extends object = object> {
  /** Its number in the specification; 0 for an empty slot. */
  readonly deviceId: number;
  readonly queues: number;
  /** Feature bits besides those of all devices. */
  features(config: Config): readonly number[];
  readonly own: Shape<Own>;
  create(config: Config, bus: VirtioBus, own?: Own): VirtioModel<Own, Extras>;
}

/** A virtio device's saved state. */
export type VirtioState<Own extends Plain> = Readonly<{
  deviceFeaturesSel: number;
  driverFeaturesSel: number;
  features: readonly number[];
  queueSel: number;
  interrupts: number;
  status: number;
  generation: number;
  queues: readonly QueueState[];
  own: Own;
}>;

const LIMIT = 2 ** 20;
const REGION = 0x200;

/** The registers' state and what they act on. */
class Transport implements VirtioBus {
  readonly queues: readonly SplitQueue[];
  readonly wiring: Wiring<'irq'>;
  readonly deviceId: number;
  /** What the device offers, and what the driver takes: two words each. */
  readonly offered: readonly number[];
  readonly features: number[] = [0, 0];
  model: VirtioModel<Plain> | undefined;
  deviceFeaturesSel = 0;
  driverFeaturesSel = 0;
  queueSel = 0;
  interrupts = 0;
  status = 0;
  generation = 0;

  constructor(wiring: Wiring<'irq'>, deviceId: number, queues: number, features: readonly number[]) {
    this.wiring = wiring;
    this.deviceId = deviceId;
    this.queues = Array.from({ length: queues }, () => new SplitQueue(wiring.dma));
    const all = [...features, Feature.IndirectDesc, Feature.EventIdx, Feature.Version1];
    this.offered = [0, 1].map((word) =>
      all.reduce((sum, bit) => (bit >> 5 === word ? sum | (1 << (bit & 31)) : sum), 0),
    );
  }

  get running(): boolean {
    return (this.status & (Status.DriverOk | Status.NeedsReset)) === Status.DriverOk;
  }
  has(feature: number): boolean {
    return ((this.features[feature >> 5] ?? 0) & (1 << (feature & 31))) !== 0;
  }
  /** The queue that QueueSel names. */
  get queue(): SplitQueue | undefined {
    return this.queues[this.queueSel];
  }

  done(queue: SplitQueue): void {
    const wanted = queue.wantsInterrupt();
    if (queue.broken !== undefined) this.needsReset();
    else if (wanted) this.raise(Interrupt.Used);
  }
  configChanged(): void {
    this.generation = (this.generation + 1) >>> 0;
    if (this.running) this.raise(Interrupt.Config);
  }
  private needsReset(): void {
    if ((this.status & Status.NeedsReset) !== 0) return;
    this.status |= Status.NeedsReset;
    if ((this.status & Status.DriverOk) !== 0) this.raise(Interrupt.Config);
  }
  private raise(bit: number): void {
    this.interrupts |= bit;
    this.drive();
  }
  drive(): void {
    this.wiring.line('irq').set(this.interrupts !== 0);
  }
  acknowledge(bit: number): void {
    this.interrupts &= ~bit;
    this.drive();
  }

  /** A write of Status. Bits are only ever added, but by a reset. */
  setStatus(value: number): void {
    if (value === 0) {
      this.reset();
      this.drive();
      return;
    }
    let added = value & Status.Mask & ~Status.NeedsReset & ~this.status;
    if ((added & Status.FeaturesOk) !== 0 && !this.acceptable()) added &= ~Status.FeaturesOk;
    if (((this.status | added) & Status.FeaturesOk) === 0) added &= ~Status.DriverOk;
    this.status |= added;
    if ((added & Status.FeaturesOk) !== 0) this.applyFeatures();
    if ((added & Status.DriverOk) !== 0) this.model?.notified(-1);
  }
  private acceptable(): boolean {
    const within = this.features.every((word, i) => (word & ~(this.offered[i] ?? 0)) === 0);
    return within && this.has(Feature.Version1);
  }
  applyFeatures(): void {
    for (const queue of this.queues) {
      queue.eventIndex = this.has(Feature.EventIdx);
      queue.indirect = this.has(Feature.IndirectDesc);
    }
  }

  setFeatures(value: number): void {
    if ((this.status & Status.FeaturesOk) === 0 && this.driverFeaturesSel < 2)
      this.features[this.driverFeaturesSel] = value | 0;
  }
  setReady(value: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    if ((value & 1) === 0) queue.ready = false;
    else if (!queue.ready) queue.enable();
    if (queue.broken !== undefined) this.needsReset();
  }
  notify(index: number): void {
    const queue = this.queues[index];
    if (!this.running || queue?.ready !== true) return;
    this.model?.notified(index);
  }

  reset(): void {
    this.features.fill(0);
    this.deviceFeaturesSel = this.driverFeaturesSel = this.queueSel = 0;
    this.interrupts = this.status = 0;
    for (const queue of this.queues) queue.reset();
    this.applyFeatures();
    this.model?.reset();
  }
}

/** A write of half an address of the selected queue. */
const half =
  (field: 'descriptors' | 'driver' | 'device', high: boolean) =>
  ({ queue }: Transport, value: number): void => {
    if (queue === undefined || queue.ready) return;
    const at = queue[field];
    const [lo, hi] = [at % 2 ** 32, Math.floor(at / 2 ** 32)];
    // Bits beyond 52 cannot be kept, and no memory is there: an address that has them is one that no memory answers.
    queue[field] = high ? Math.min(value, LIMIT - 1) * 2 ** 32 + lo : hi * 2 ** 32 + value;
  };

const wo = (
  name: string,
  offset: number,
  about: string,
  write: (host: Transport, value: number) => void,
): Register<Transport> => ({ name, offset, access: 'WO', about, read: () => 0, write });
const ro = (
  name: string,
  offset: number,
  about: string,
  read: (host: Transport) => number,
): Register<Transport> => ({ name, offset, access: 'RO', about, read });

const rows: readonly Register<Transport>[] = [
  ro('MagicValue', 0x000, '"virt"', () => 0x7472_6976),
  ro('Version', 0x004, '2', () => 2),
  ro('DeviceID', 0x008, 'kind of device; 0: an empty slot', (t) => t.deviceId),
  ro('VendorID', 0x00c, 'vendor', () => 0x5753_5754),
  ro('DeviceFeatures', 0x010, 'what the device offers', (t) => t.offered[t.deviceFeaturesSel] ?? 0),
  wo('DeviceFeaturesSel', 0x014, 'which word of it', (t, value) => (t.deviceFeaturesSel = value)),
  wo('DriverFeatures', 0x020, 'what the driver takes', (t, value) => {
    t.setFeatures(value);
  }),
  wo('DriverFeaturesSel', 0x024, 'which word of it', (t, value) => (t.driverFeaturesSel = value)),
  wo('QueueSel', 0x030, 'the queue that the next ones are about', (t, value) => (t.queueSel = value)),
  ro('QueueNumMax', 0x034, 'most descriptors', ({ queue }) => (queue === undefined ? 0 : QUEUE_SIZE)),
  wo('QueueNum', 0x038, 'descriptors', ({ queue }, value) => {
    if (queue === undefined || queue.ready) return;
    const valid = value > 0 && value <= QUEUE_SIZE && (value & (value - 1)) === 0;
    queue.size = valid ? value : 0;
  }),
  {
    name: 'QueueReady',
    offset: 0x044,
    access: 'RW',
    about: 'the queue is in use',
    read: ({ queue }) => Number(queue?.ready === true),
    write: (t, value) => {
      t.setReady(value);
    },
  },
  wo('QueueNotify', 0x050, 'chains are available in a queue', (t, value) => {
    t.notify(value);
  }),
  ro('InterruptStatus', 0x060, 'bit 0: used buffers, bit 1: configuration', (t) => t.interrupts),
  wo('InterruptACK', 0x064, 'clears bits of it', (t, value) => {
    t.acknowledge(value);
  }),
  {
    name: 'Status',
    offset: 0x070,
    access: 'RW',
    about: 'how far the driver is; 0 resets',
    read: (t) => t.status,
    write: (t, value) => {
      t.setStatus(value);
    },
  },
  wo('QueueDescLow', 0x080, 'descriptor table', half('descriptors', false)),
  wo('QueueDescHigh', 0x084, 'descriptor table', half('descriptors', true)),
  wo('QueueDriverLow', 0x090, 'available ring', half('driver', false)),
  wo('QueueDriverHigh', 0x094, 'available ring', half('driver', true)),
  wo('QueueDeviceLow', 0x0a0, 'used ring', half('device', false)),
  wo('QueueDeviceHigh', 0x0a4, 'used ring', half('device', true)),
  wo('SHMSel', 0x0ac, 'shared memory: there is none', () => undefined),
  ...['SHMLenLow', 'SHMLenHigh', 'SHMBaseLow', 'SHMBaseHigh'].map((name, i) =>
    ro(name, 0x0b0 + 4 * i, 'shared memory: there is none', () => 0xffff_ffff),
  ),
  ro('ConfigGeneration', 0x0fc, 'changes with the configuration space', (t) => t.generation),
  {
    name: 'Config',
    offset: 0x100,
    words: (REGION - 0x100) / 4,
    access: 'RW',
    about: "the device's configuration space",
    read: ({ model }, word) => {
      const at = (i: number): number => model?.config[4 * word + i] ?? 0;
      return at(0) | (at(1) << 8) | (at(2) << 16) | (at(3) << 24);
    },
    write: ({ model }, value, lanes, word) => {
      model?.configWritten?.(4 * word, value, lanes);
    },
  },
];
const table = registerTable(rows);

/** A virtio device's type: what its devices have besides what all devices have is `Extras`. */
export interface VirtioType<Config, Own extends Plain, Extras> extends DeviceType<
  Config,
  VirtioState<Own>,
  'irq'
> {
  /** Makes one. */
  create(config: Config, wiring: Wiring<'irq'>, state?: VirtioState<Own>): Device<VirtioState<Own>> & Extras;
}

/** Makes the device type of a kind. */
export function virtioMmio<Config, Own extends Plain, Extras extends object>(
  kind: VirtioKind<Config, Own, Extras>,
): VirtioType<Config, Own, Extras> {
  const shape = record<VirtioState<Own>>({
    deviceFeaturesSel: bits(),
    driverFeaturesSel: bits(),
    features: list(bits(), 2),
    queueSel: bits(),
    interrupts: bits(3),
    status: bits(Status.Mask),
    generation: bits(),
    queues: list(queueShape, kind.queues),
    own: kind.own,
  });
  return {
    compatible: 'virtio,mmio',
    regions: [{ name: 'VIRTIO', size: REGION, widths: [1, 2, 4], registers: table.registers }],
    pins: ['irq'],
    state: stateCodec(1, shape),
    create: (config, wiring, state) => create(kind, config, wiring, state),
    treeNode: (_config, at): TreeNode => ({
      name: `virtio_mmio@${(at.bases[0] ?? 0).toString(16)}`,
      properties: {
        compatible: 'virtio,mmio',
        reg: [{ u64: at.bases[0] ?? 0 }, { u64: REGION }],
        interrupts: at.interrupt('irq'),
        'dma-coherent': true,
      },
    }),
  };
}

function create<Config, Own extends Plain, Extras extends object>(
  kind: VirtioKind<Config, Own, Extras>,
  config: Config,
  wiring: Wiring<'irq'>,
  state?: VirtioState<Own>,
): Device<VirtioState<Own>> & Extras {
  const transport = new Transport(wiring, kind.deviceId, kind.queues, kind.features(config));
  const model = kind.create(config, transport, state?.own);
  transport.model = model;
  if (state !== undefined) restore(transport, state);
  const device: Device<VirtioState<Own>> = {
    mmio: [table.mmio(transport, new Uint32Array(0), wiring.trace)],
    reset(phase) {
      if (phase === Reset.Enter) {
        transport.reset();
        transport.generation = 0;
      }
      if (phase === Reset.Hold) transport.drive();
    },
    save: () => ({
      deviceFeaturesSel: transport.deviceFeaturesSel,
      driverFeaturesSel: transport.driverFeaturesSel,
      features: transport.features.map((word) => word >>> 0),
      queueSel: transport.queueSel,
      interrupts: transport.interrupts,
      status: transport.status,
      generation: transport.generation,
      queues: transport.queues.map((queue) => queue.save()),
      own: model.save(),
    }),
  };
  return Object.assign(device, model.extras);
}

function restore<Own extends Plain>(transport: Transport, state: VirtioState<Own>): void {
  const { deviceFeaturesSel, driverFeaturesSel, queueSel, interrupts, status, generation } = state;
  Object.assign(transport, {
    deviceFeaturesSel,
    driverFeaturesSel,
    queueSel,
    interrupts,
    status,
    generation,
  });
  state.features.forEach((word, i) => (transport.features[i] = word | 0));
  state.queues.forEach((queue, i) => transport.queues[i]?.restore(queue));
  if ((status & Status.FeaturesOk) !== 0) transport.applyFeatures();
  if ((status & Status.NeedsReset) !== 0) for (const queue of transport.queues) queue.fail('is broken');
  transport.drive();
}
