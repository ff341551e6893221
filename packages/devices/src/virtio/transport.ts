// What all virtio devices share behind their registers: feature negotiation, status and interrupts (Virtio 1.2, 2.1 to 2.4, 3.1).

import { StateError } from '@worldswitch/platform';
import type { Plain, Shape, Wiring } from '@worldswitch/platform';

import { SplitQueue } from './queue.ts';
import type { QueueState } from './queue.ts';

/** Feature bits of all devices. */
const Feature = { IndirectDesc: 28, EventIdx: 29, Version1: 32 } as const;

/** Bits of Status. */
export const Status = { DriverOk: 4, FeaturesOk: 8, NeedsReset: 64, Mask: 0xff } as const;
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
  /** The driver has made chains available in a queue; -1: it has started, perhaps with chains in any of them. */
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
  queues(config: Config): number;
  /** Queues of the largest of its kind. */
  readonly mostQueues: number;
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

/** The registers' state and what they act on. */
export class Transport implements VirtioBus {
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
    const common = deviceId === 0 ? [] : [Feature.IndirectDesc, Feature.EventIdx, Feature.Version1];
    const all = [...features, ...common];
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
  /** A write of InterruptACK. What is left pulses the wire, so that it is seen also where only the edge counts. */
  acknowledge(which: number): void {
    if ((this.interrupts & which) !== 0) this.wiring.line('irq').set(false);
    this.interrupts &= ~which;
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
    if ((added & Status.DriverOk) === 0) return;
    if (this.running) this.model?.notified(-1);
    else this.raise(Interrupt.Config); // a mistake from before, of which the driver could not be told
  }
  private acceptable(): boolean {
    const within = this.features.every((word, i) => (word & ~(this.offered[i] ?? 0)) === 0);
    return within && this.has(Feature.Version1);
  }
  private applyFeatures(): void {
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

  save(): Omit<VirtioState<Plain>, 'own'> {
    const { deviceFeaturesSel, driverFeaturesSel, queueSel, interrupts, status, generation } = this;
    return {
      deviceFeaturesSel,
      driverFeaturesSel,
      features: this.features.map((word) => word >>> 0),
      queueSel,
      interrupts,
      status,
      generation,
      queues: this.queues.map((queue) => queue.save()),
    };
  }
  /** Before there is a model; the wire is driven by whoever restores. */
  restore(state: VirtioState<Plain>): void {
    const { length } = state.queues;
    if (length !== this.queues.length)
      throw new StateError('queues', `must have ${this.queues.length} elements, but has ${length}`);
    const { deviceFeaturesSel, driverFeaturesSel, queueSel, interrupts, status, generation } = state;
    this.deviceFeaturesSel = deviceFeaturesSel;
    this.driverFeaturesSel = driverFeaturesSel;
    this.queueSel = queueSel;
    this.interrupts = interrupts;
    this.status = status;
    this.generation = generation;
    state.features.forEach((word, i) => (this.features[i] = word | 0));
    state.queues.forEach((queue, i) => this.queues[i]?.restore(queue));
    if ((status & Status.FeaturesOk) !== 0) this.applyFeatures();
  }
}
