// A hostile driver with a seed: it sets a device up as it should be, and then damages everything in reach of its queues, among
// requests that are sound. Now and then the device is replaced by a copy made from its saved state.

import { Reset } from '@worldswitch/platform';
import type { Device, DeviceType, Plain } from '@worldswitch/platform';
import { random } from '@worldswitch/testkit';
import type { Random } from '@worldswitch/testkit';

import { Driver, Indirect, machine, Next, Reg, Status, Version1, Write } from './driver.ts';
import type { Buffer, Machine, Ring } from './driver.ts';

/** A device type under attack. */
export interface Target<Config, Made extends Device<Plain>> {
  readonly type: Pick<DeviceType<Config, Plain>, 'state'> & {
    create(config: Config, wiring: Machine['wiring'], state?: Plain): Made;
  };
  /** The configuration, with back ends of its own, of each device that is made. */
  config(): Config;
  /** A sound request on a queue. */
  request(driver: Driver<Made>, ring: Ring, draw: Random): void;
  /** Something that comes from outside. */
  outside?(device: Made, draw: Random): void;
}

/** How an attack ends. */
export interface Outcome {
  readonly state: Plain;
  readonly memory: Uint8Array;
  /** How often a device was seen to need a reset, and how much it used. */
  readonly broken: number;
  readonly served: number;
}

const MEMORY = 0x1_0000;

/**
 * Attacks for some steps.
 *
 * @param copies - true to replace the device now and then by a copy: the outcome must not depend on it
 */
export function attack<Config, Made extends Device<Plain>>(
  target: Target<Config, Made>,
  seed: number,
  steps: number,
  copies: boolean,
): Outcome {
  return new Attack(target, random(seed), random(seed + 1), copies).run(steps);
}

class Attack<Config, Made extends Device<Plain>> {
  private readonly target: Target<Config, Made>;
  private readonly draw: Random;
  private readonly dice: Random;
  private readonly copies: boolean;
  private readonly at = machine(MEMORY);
  private driver: Driver<Made>;
  private broken = 0;
  private served = 0;

  constructor(target: Target<Config, Made>, draw: Random, dice: Random, copies: boolean) {
    this.target = target;
    this.draw = draw;
    this.dice = dice;
    this.copies = copies;
    this.driver = new Driver(target.type.create(target.config(), this.at.wiring), this.at);
  }

  run(steps: number): Outcome {
    this.start();
    for (let step = 0; step < steps; step++) {
      this.step();
      this.check();
      if (this.copies && this.dice.below(50) === 0) this.replace();
    }
    return {
      state: this.driver.device.save(),
      memory: this.at.memory,
      broken: this.broken,
      served: this.served,
    };
  }

  private start(): void {
    const { driver, draw } = this;
    const dropped = draw.below(4) === 0 ? draw.below(32) : -1;
    const features = driver
      .offered()
      .filter((bit) => bit === Version1 || (bit !== dropped && (draw.below(8) !== 0 || bit < 24)));
    driver.start(features, 1 << draw.below(7));
  }

  private step(): void {
    const { driver, draw } = this;
    const ring = draw.pick(driver.queues);
    switch (draw.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.target.request(driver, ring, draw);
        driver.notify(ring.index);
        break;
      case 4:
        this.target.request(driver, ring, draw);
        this.corrupt(ring);
        driver.notify(ring.index);
        break;
      case 5:
        this.nonsense(ring);
        driver.notify(ring.index);
        break;
      case 6:
        this.table(ring);
        driver.notify(ring.index);
        break;
      case 7:
        this.indices(ring);
        break;
      case 8:
        this.register();
        break;
      case 9:
        this.at.on.clock.advanceTo(this.at.on.clock.now + draw.below(3000));
        break;
      case 10:
      case 11:
        this.target.outside?.(driver.device, draw);
        break;
      case 12:
        driver.acknowledge();
        this.served += driver.queues.reduce((sum, each) => sum + each.used().length, 0);
        break;
      case 13:
        this.place(ring);
        break;
      default:
        driver.notify(draw.below(5));
    }
    // A driver that cannot go on begins again; a hostile one takes its time.
    if ((driver.status & (Status.NeedsReset | Status.DriverOk)) !== Status.DriverOk && draw.below(3) === 0) {
      this.broken++;
      this.start();
    }
  }

  /** What must hold whatever the driver does. */
  private check(): void {
    const { driver } = this;
    const [status, interrupts] = [driver.status, driver.read(Reg.InterruptStatus)];
    if ((status & ~0xff) !== 0 || (interrupts & ~3) !== 0)
      throw new Error(`status ${status}, interrupts ${interrupts}`);
    if (driver.irq !== (interrupts !== 0))
      throw new Error(`the wire does not follow interrupts ${interrupts}`);
    const dead = (status & Status.DriverOk) !== 0 && (status & Status.FeaturesOk) === 0;
    if (dead) throw new Error('DRIVER_OK without FEATURES_OK');
  }

  /** An address: mostly in memory, and there mostly near something that matters. */
  private address(ring: Ring): number {
    const { draw } = this;
    switch (draw.below(8)) {
      case 0:
        return ring.descriptors + draw.below(ring.end - ring.descriptors);
      case 1:
        return draw.pick([0, MEMORY - 1, MEMORY, 2 ** 32 - 1, 2 ** 52 - 1, 2 ** 52, 2 ** 63]);
      case 2:
        return draw.word() * 2 ** draw.below(32);
      default:
        return draw.below(MEMORY);
    }
  }
  private length(): number {
    const { draw } = this;
    return draw.below(8) === 0 ? draw.word() : draw.below(16) === 0 ? 0 : draw.below(300);
  }

  /** Damages bytes of the queue's own memory. */
  private corrupt(ring: Ring): void {
    const { draw } = this;
    for (let n = 1 + draw.below(4); n > 0; n--) {
      const at = ring.descriptors + draw.below(ring.end - ring.descriptors);
      this.at.memory[at] =
        draw.below(2) === 0 ? draw.below(256) : (this.at.memory[at] ?? 0) ^ (1 << draw.below(8));
    }
  }

  /** A chain of anything. */
  private nonsense(ring: Ring): void {
    const { draw } = this;
    const buffers: Buffer[] = Array.from({ length: 1 + draw.below(Math.min(ring.size, 6)) }, () => ({
      at: this.address(ring),
      length: this.length(),
      writable: draw.below(2) === 0,
    }));
    // Mostly readable before writable, or nothing would get past the first check.
    if (draw.below(4) !== 0) buffers.sort((a, b) => Number(a.writable) - Number(b.writable));
    if (draw.below(3) === 0) ring.indirect(draw.below(MEMORY - 0x200), ...buffers);
    else ring.chain(...buffers);
  }

  /** Descriptors with any flags and links. */
  private table(ring: Ring): void {
    const { draw } = this;
    const table = draw.below(2) === 0 ? ring.descriptors : draw.below(MEMORY - 0x400) & ~15;
    const flags = (): number =>
      (draw.below(2) === 0 ? Next : 0) |
      (draw.below(2) === 0 ? Write : 0) |
      (draw.below(4) === 0 ? Indirect : 0);
    for (let n = 1 + draw.below(8); n > 0; n--) {
      const link = draw.below(16) === 0 ? draw.below(0x1_0000) : draw.below(ring.size);
      const length = draw.below(3) === 0 ? 16 * draw.below(20) : this.length();
      ring.describe(draw.below(ring.size), this.address(ring), length, flags(), link, table);
    }
    if (table !== ring.descriptors) ring.describe(0, table, 16 * (1 + draw.below(ring.size)), Indirect);
    ring.offer(draw.below(8) === 0 ? draw.below(0x1_0000) : draw.below(ring.size));
  }

  /** Indices of the rings, and when to be told. */
  private indices(ring: Ring): void {
    const { draw } = this;
    switch (draw.below(4)) {
      case 0:
        ring.noInterrupt = draw.below(2) === 0;
        break;
      case 1:
        ring.usedEvent = draw.below(0x1_0000);
        break;
      case 2:
        ring.available = (ring.available + draw.below(4)) & 0xffff;
        this.at.view.setUint16(ring.driver + 2, ring.available, true);
        break;
      default:
        this.at.view.setUint16(ring.driver + 2, draw.below(0x1_0000), true);
    }
  }

  private register(): void {
    const { draw, driver } = this;
    const offset = draw.below(3) === 0 ? Reg.Config + draw.below(64) : draw.pick(Object.values(Reg));
    const width = draw.pick([1, 2, 4] as const);
    const value = draw.below(2) === 0 ? draw.below(16) : draw.word();
    driver.write(offset, width === 4 ? value : value % 2 ** (8 * width), width);
  }

  /** Puts a queue elsewhere while it is in use, or over another one. */
  private place(ring: Ring): void {
    const { draw, driver } = this;
    driver.write(Reg.QueueSel, ring.index);
    if (draw.below(2) === 0) driver.write(Reg.QueueReady, 0);
    const register = draw.pick([Reg.QueueDescLow, Reg.QueueDriverLow, Reg.QueueDeviceLow]);
    const other = draw.pick(driver.queues);
    const any = [other.descriptors, other.driver, other.device, draw.below(MEMORY), MEMORY - 16, draw.word()];
    driver.write(register, draw.pick(any));
    if (draw.below(4) === 0) driver.write(register + 4, draw.pick([0, 1, 0xf_ffff, 0xffff_ffff]));
    driver.write(Reg.QueueNum, draw.pick([1, ring.size, 256, 7]));
    driver.write(Reg.QueueReady, 1);
  }

  /** Saves the device, and goes on with another one that is made from that. */
  private replace(): void {
    const { type } = this.target;
    const state = type.state.parse(structuredClone<Plain>(this.driver.device.save()), type.state.version);
    // The old device is left alone: its timers must not fire any more.
    this.driver.device.reset(Reset.Enter);
    const device = this.target.type.create(this.target.config(), this.at.wiring, state);
    const { queues, data } = this.driver;
    this.driver = new Driver(device, this.at);
    this.driver.queues.push(...queues);
    this.driver.data = data;
  }
}
