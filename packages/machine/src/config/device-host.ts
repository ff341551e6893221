// What the board gives a device's configuration: the outside world, by name.

/** The outside world of a device. */
export interface DeviceHost {
  /** The console of this device: where its characters go. Its name is the device's. */
  readonly console: { write(byte: number): void };
  /** Seconds since 1970 at virtual time 0, from the machine's configuration. */
  readonly startTime: number;
}
