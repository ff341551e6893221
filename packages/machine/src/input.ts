// What comes from outside: bytes for serial devices, each with its virtual time, so that a run can be done again.

import type { GpioKeys } from '@worldswitch/devices';
import type { Device, Plain } from '@worldswitch/platform';

/** Bytes that entered the machine. */
export interface InputRecord {
  /** Virtual nanoseconds. */
  readonly at: number;
  /** The device's name on the board; of a port after its first one with a dot and its number, `hvc.1`. */
  readonly device: string;
  readonly bytes: Uint8Array;
}

interface Receiver {
  canReceive(): number;
  receive(bytes: Uint8Array): number;
}

/** Linux's `KEY_POWER`. */
const KEY_POWER = 116;

/** The device that has a power button, and which of its buttons that is; `undefined` where there is none. */
export function findPowerButton(
  devices: readonly { readonly name: string; readonly device: object }[],
): { readonly device: string; readonly key: number } | undefined {
  for (const { name, device } of devices) {
    if (!('find' in device) || !('press' in device)) continue;
    const key = (device as Pick<GpioKeys, 'find'>).find(KEY_POWER);
    if (key >= 0) return { device: name, key };
  }
  return undefined;
}

const isReceiver = (device: object): device is Receiver => 'receive' in device && 'canReceive' in device;

/** Further ports of a device. */
const portsOf = (device: object): readonly Receiver[] =>
  'ports' in device && Array.isArray(device.ports) ? device.ports.filter(isReceiver) : [];

/** Inputs in the order in which they came, until their devices take them. */
export class InputQueue {
  readonly recorded: InputRecord[] = [];
  private readonly receivers = new Map<string, Receiver>();
  private queue: InputRecord[] = [];
  private readonly isRecorded: boolean;

  constructor(devices: readonly { readonly name: string; readonly device: Device<Plain> }[], record = true) {
    this.isRecorded = record;
    for (const { name, device } of devices) {
      if (isReceiver(device)) this.receivers.set(name, device);
      for (const [i, port] of portsOf(device).entries()) this.receivers.set(`${name}.${i + 1}`, port);
    }
  }

  /** An input that comes now. Throws a RangeError where no such device receives characters. */
  push(record: InputRecord): void {
    this.schedule(record);
    if (this.isRecorded) this.recorded.push(record);
  }
  /** True when a device of this name receives characters. */
  takes(device: string): boolean {
    return this.receivers.has(device);
  }
  /** An input that comes at its time. */
  schedule(record: InputRecord): void {
    if (!this.takes(record.device)) {
      throw new RangeError(`no device called ${record.device} receives characters`);
    }
    this.queue.push(record);
  }
  /** What waits, for snapshots. */
  get waiting(): readonly InputRecord[] {
    return this.queue;
  }
  /** When the first input after a time is due, or `Infinity`. */
  dueAfter(now: number): number {
    return this.queue.reduce((first, r) => (r.at > now && r.at < first ? r.at : first), Infinity);
  }
  /** Bytes that wait. */
  get pending(): number {
    return this.queue.reduce((sum, r) => sum + r.bytes.length, 0);
  }
  /** Gives devices what is due. True when something due is left. */
  deliver(now: number): boolean {
    const left: InputRecord[] = [];
    const blocked = new Set<string>();
    for (const record of this.queue) {
      const receiver = this.receivers.get(record.device);
      if (record.at > now || receiver === undefined || blocked.has(record.device)) {
        left.push(record);
        continue;
      }
      const taken = receiver.canReceive() > 0 ? receiver.receive(record.bytes) : 0;
      if (taken < record.bytes.length) {
        left.push({ ...record, bytes: record.bytes.subarray(taken) });
        blocked.add(record.device);
      }
    }
    this.queue = left;
    return left.some((r) => r.at <= now);
  }
}
