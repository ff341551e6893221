// What the board gives a device's configuration: the outside world, by name.

import type { DiskBackend, NetworkPeerFactory } from '@worldswitch/devices';

/** The outside world of a device. */
export interface DeviceHost {
  /** The console of this device: where its characters go. Its name is the device's. */
  readonly console: { write(byte: number): void };
  /** Another of its ports, 1 and up: its name is the device's with a dot and the number, `hvc.1`. */
  port(index: number): { write(byte: number): void };
  /** Seconds since 1970 at virtual time 0, from the machine's configuration. */
  readonly startTime: number;
  /** 32 bytes that follow from the machine's seed and the device's name. */
  readonly entropy: Uint8Array;
  /** The disk that was given for this device. */
  readonly disk?: DiskBackend | undefined;
  /** The network that was given for this device. */
  readonly network?: NetworkPeerFactory | undefined;
}
